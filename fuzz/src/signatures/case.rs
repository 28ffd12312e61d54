//! Compiled functions for one signature: a callee and a caller.
//!
//! They move values between slots in memory and the convention under test, by ordinary loads and
//! stores. A slot has 16 bytes of junk, then up to 16 bytes of the value. Small integers are loaded
//! with 8 bytes, so that there is junk in the upper bits wherever nobody extends them, or where
//! somebody stores too much. A caller traps if its stack slot is not as it was.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    ExtFuncData, ExternalName, Function, GlobalValueData, InstBuilder, MemFlagsData, Signature,
    StackSlotData, StackSlotKind, TrapCode, Type, UserFuncName, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

/// The size of a slot.
pub const SLOT: usize = 32;

/// Where in a slot the value begins.
pub const VALUE: usize = 16;

/// How many slots there are in each array; the most parameters or results.
pub const SLOTS: usize = 128;

/// A signature to be tested, and what its functions are called.
#[derive(Clone, Debug)]
pub struct Case {
    /// Part of the names: `clif_callee_N`.
    pub number: usize,
    /// The signature.
    pub signature: Signature,
    /// Whether calls are by address.
    pub is_indirect: bool,
    /// The convention of compiled functions and calls. Another one than that of the signature is a
    /// deliberate fault.
    pub convention: CallConv,
}

/// Who calls whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Direction {
    /// Compiled code calls C.
    CallsC,
    /// C calls compiled code.
    CalledByC,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::CallsC, Self::CalledByC];
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Direction::CallsC => "calls-c",
            Direction::CalledByC => "called-by-c",
        })
    }
}

impl Case {
    /// The compiled function for a direction.
    pub fn function(&self, isa: &dyn TargetIsa, direction: Direction) -> Function {
        match direction {
            Direction::CallsC => self.caller(isa),
            Direction::CalledByC => self.callee(isa),
        }
    }

    /// The signature that compiled functions have.
    fn compiled_signature(&self) -> Signature {
        Signature {
            call_conv: self.convention,
            ..self.signature.clone()
        }
    }

    /// `clif_callee_N`: leaves its arguments in `seen` and returns `results`.
    fn callee(&self, isa: &dyn TargetIsa) -> Function {
        let name = format!("clif_callee_{}", self.number);
        define(isa, &name, self.compiled_signature(), |body, params| {
            body.store_all("seen", params);
            let returns = self.signature.returns.iter();
            body.load_all("results", returns.map(|result| result.value_type))
        })
    }

    /// `clif_caller_N`, in C a function without parameters and results: passes `args` to `c_callee_N` and leaves
    /// what comes back in `got`.
    fn caller(&self, isa: &dyn TargetIsa) -> Function {
        let name = format!("clif_caller_{}", self.number);
        let plain = Signature::new(CallConv::triple_default(isa.triple()));
        define(isa, &name, plain, |body, _| {
            let params = self.signature.params.iter();
            let args = body.load_all("args", params.map(|param| param.value_type));
            let builder = &mut body.builder;
            // A slot above the stack arguments, which none of them may overwrite.
            let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, 8, 3);
            let slot = builder.create_sized_stack_slot(slot);
            let was = builder.ins().iconst(types::I64, 0x5a5a_5a5a_5a5a_5a5a);
            builder.ins().stack_store(types::I64, was, slot, 0);
            let signature = builder.import_signature(self.compiled_signature());
            let callee = builder.import_function(ExtFuncData {
                name: ExternalName::testcase(format!("c_callee_{}", self.number)),
                signature,
                colocated: false,
                patchable: false,
            });
            let call = if self.is_indirect {
                let address = builder.ins().func_addr(types::I64, callee);
                builder.ins().call_indirect(signature, address, &args)
            } else {
                builder.ins().call(callee, &args)
            };
            let results = builder.inst_results(call).to_vec();
            let is = builder.ins().stack_load(types::I64, types::I64, slot, 0);
            let is_overwritten = builder.ins().icmp(IntCC::NotEqual, is, was);
            let code = TrapCode::unwrap_user(1);
            builder.ins().trapnz(is_overwritten, code);
            body.store_all("got", &results);
            Vec::new()
        })
    }
}

struct Body<'a> {
    builder: FunctionBuilder<'a>,
    is_big_endian: bool,
}

fn define(
    isa: &dyn TargetIsa,
    name: &str,
    signature: Signature,
    body: impl FnOnce(&mut Body<'_>, &[Value]) -> Vec<Value>,
) -> Function {
    let mut func = Function::with_name_signature(UserFuncName::testcase(name), signature);
    let mut frontend = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut func, &mut frontend);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    builder.seal_all_blocks();
    let params = builder.block_params(block).to_vec();
    let is_big_endian = isa.endianness() == cranelift_codegen::ir::Endianness::Big;
    let mut filled = Body {
        builder,
        is_big_endian,
    };
    let results = body(&mut filled, &params);
    filled.builder.ins().return_(&results);
    filled.builder.finalize(isa.frontend_config());
    func
}

impl Body<'_> {
    fn address(&mut self, array: &str) -> Value {
        let symbol = self.builder.create_global_value(GlobalValueData::Symbol {
            name: ExternalName::testcase(format!("clif_{array}")),
            offset: 0.into(),
            colocated: false,
            tls: false,
        });
        self.builder.ins().symbol_value(types::I64, symbol)
    }

    fn store_all(&mut self, array: &str, values: &[Value]) {
        if values.is_empty() {
            return;
        }
        let address = self.address(array);
        for (index, &value) in values.iter().enumerate() {
            let offset = (index * SLOT + VALUE) as i32;
            let flags = MemFlagsData::new();
            self.builder.ins().store(flags, value, address, offset);
        }
    }

    fn load_all(&mut self, array: &str, types: impl Iterator<Item = Type>) -> Vec<Value> {
        let mut types = types.peekable();
        if types.peek().is_none() {
            return Vec::new();
        }
        let address = self.address(array);
        let mut load = |(index, ty): (usize, Type)| {
            let offset = (index * SLOT + VALUE) as i32;
            let flags = MemFlagsData::new();
            if !ty.is_int() || ty.bits() >= 64 {
                return self.builder.ins().load(ty, flags, address, offset);
            }
            let offset = match self.is_big_endian {
                true => offset + ty.bytes() as i32 - 8,
                false => offset,
            };
            let wide = self.builder.ins().load(types::I64, flags, address, offset);
            self.builder.ins().ireduce(ty, wide)
        };
        types.enumerate().map(&mut load).collect()
    }
}
