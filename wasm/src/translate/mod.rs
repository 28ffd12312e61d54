//! From the body of a function to CLIF.
//!
//! The body is valid, which is why operands are there and have the right types. A translation that finds
//! otherwise is [`Error::Unsupported`], not a panic.

mod control;
mod memory;
mod numeric;

use crate::builtins::{Builtin, BuiltinIds};
use crate::error::{Error, Trap};
use crate::module::Declarations;
use crate::types::{FuncType, ValType};
use crate::vmcontext::{self, Layout};
use control::Frame;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    self, Block, InstBuilder, MemFlagsData, SigRef, TrapCode, Type, Value, types,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use cranelift_jit::JITModule;
use cranelift_module::{FuncId, Module};
use std::collections::HashMap;
use wasmparser::{FunctionBody, Operator};

/// What the functions of a module have in common.
pub(crate) struct Environment<'a> {
    pub(crate) declarations: &'a Declarations,
    pub(crate) layout: Layout,
    /// By type index.
    pub(crate) signatures: &'a [ir::Signature],
    /// Of the functions that are not imported.
    pub(crate) functions: &'a [FuncId],
    pub(crate) builtins: &'a BuiltinIds,
}

/// Translates one function into `function`, which is empty and has its signature.
pub(crate) fn translate(
    environment: &Environment<'_>,
    module: &mut JITModule,
    frontend: &mut FunctionBuilderContext,
    function: &mut ir::Function,
    ty: &FuncType,
    body: &FunctionBody<'_>,
) -> Result<(), Error> {
    let mut builder = FunctionBuilder::new(function, frontend);
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    builder.seal_block(entry);
    let params = builder.block_params(entry).to_vec();
    let [vmctx, params @ ..] = &*params else {
        return Err(malformed());
    };
    let mut translator = Translator {
        environment,
        module,
        builder,
        vmctx: *vmctx,
        locals: Vec::new(),
        stack: Vec::new(),
        frames: Vec::new(),
        reachable: true,
        traps: HashMap::new(),
        callees: HashMap::new(),
        signatures: HashMap::new(),
    };
    for &param in params {
        translator.local(param);
    }
    for group in body.get_locals_reader()? {
        let (count, ty) = group?;
        let ty = ValType::of(ty)?.clif();
        let zero = translator.zero(ty);
        for _ in 0..count {
            translator.local(zero);
        }
    }
    translator.check_stack();
    translator.enter_function(ty);
    for operator in body.get_operators_reader()? {
        translator.operator(&operator?)?;
    }
    translator.finish();
    Ok(())
}

struct Translator<'a, 'b> {
    environment: &'a Environment<'a>,
    module: &'a mut JITModule,
    builder: FunctionBuilder<'b>,
    vmctx: Value,
    locals: Vec<Variable>,
    /// The operands.
    stack: Vec<Value>,
    frames: Vec<Frame>,
    /// Is there a way to the next instruction?
    reachable: bool,
    /// Where each trap is thrown.
    traps: HashMap<Trap, Block>,
    callees: HashMap<FuncId, ir::FuncRef>,
    signatures: HashMap<u32, SigRef>,
}

/// The validator has let something through.
fn malformed() -> Error {
    Error::Unsupported("a function body is not as its validation says".to_owned())
}

/// Of contexts, which do not change while an instance lives.
fn constant_memory() -> MemFlagsData {
    MemFlagsData::trusted().with_readonly().with_can_move()
}

impl Translator<'_, '_> {
    fn local(&mut self, value: Value) {
        let ty = self.builder.func.dfg.value_type(value);
        let local = self.builder.declare_var(ty);
        self.builder.def_var(local, value);
        self.locals.push(local);
    }

    fn zero(&mut self, ty: Type) -> Value {
        match ty {
            types::F32 => self.builder.ins().f32const(0.0),
            types::F64 => self.builder.ins().f64const(0.0),
            _ => self.builder.ins().iconst(ty, 0),
        }
    }

    fn pop(&mut self) -> Result<Value, Error> {
        self.stack.pop().ok_or_else(malformed)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Value>, Error> {
        let at = self.stack.len().checked_sub(count).ok_or_else(malformed)?;
        Ok(self.stack.split_off(at))
    }

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    /// Before anything else: the frame is there already, and its size below what a store keeps in reserve.
    fn check_stack(&mut self) {
        let runtime = self.context_load(vmcontext::RUNTIME);
        let flags = MemFlagsData::trusted();
        let limit = self.builder.ins().load(types::I64, flags, runtime, 0);
        let pointer = self.builder.ins().get_stack_pointer(types::I64);
        let below = (self.builder.ins()).icmp(IntCC::UnsignedLessThan, pointer, limit);
        self.trap_if(below, Trap::StackExhausted);
    }

    fn context_load(&mut self, offset: i32) -> Value {
        let flags = constant_memory();
        (self.builder.ins()).load(types::I64, flags, self.vmctx, offset)
    }

    fn trap_block(&mut self, trap: Trap) -> Block {
        let builder = &mut self.builder;
        *self.traps.entry(trap).or_insert_with(|| {
            let block = builder.create_block();
            builder.set_cold_block(block);
            block
        })
    }

    fn trap_if(&mut self, condition: Value, trap: Trap) {
        let block = self.trap_block(trap);
        let next = self.builder.create_block();
        self.builder.ins().brif(condition, block, &[], next, &[]);
        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
    }

    fn trap_unless(&mut self, condition: Value, trap: Trap) {
        let block = self.trap_block(trap);
        let next = self.builder.create_block();
        self.builder.ins().brif(condition, next, &[], block, &[]);
        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
    }

    fn function(&mut self, id: FuncId) -> ir::FuncRef {
        let (module, function) = (&mut *self.module, &mut *self.builder.func);
        let declare = || module.declare_func_in_func(id, function);
        *self.callees.entry(id).or_insert_with(declare)
    }

    /// Calls a function in Rust.
    fn builtin(&mut self, builtin: Builtin, args: &[Value]) -> Option<Value> {
        let function = self.function(self.environment.builtins.get(builtin));
        let call = self.builder.ins().call(function, args);
        self.builder.inst_results(call).first().copied()
    }

    /// The functions of Rust have the context first, if they are not [`Builtin::Trap`].
    fn builtin_with_context(&mut self, builtin: Builtin, args: &[Value]) -> Option<Value> {
        let args: Vec<_> = [self.vmctx]
            .into_iter()
            .chain(args.iter().copied())
            .collect();
        self.builtin(builtin, &args)
    }

    fn index(&mut self, index: u32) -> Value {
        self.builder.ins().iconst(types::I32, i64::from(index))
    }

    fn operator(&mut self, operator: &Operator<'_>) -> Result<(), Error> {
        if self.control(operator)? || !self.reachable {
            return Ok(());
        }
        if self.memory(operator)? || self.numeric(operator)? {
            return Ok(());
        }
        Err(Error::Unsupported(format!("{operator:?} is unsupported")))
    }

    /// Throws the traps, and ends the function.
    fn finish(mut self) {
        let traps = std::mem::take(&mut self.traps);
        let mut traps: Vec<_> = traps.into_iter().collect();
        traps.sort_by_key(|(_, block)| *block);
        for (trap, block) in traps {
            self.builder.switch_to_block(block);
            let code = self.builder.ins().iconst(types::I32, trap.code());
            self.builtin(Builtin::Trap, &[code]);
            // It does not return.
            self.builder.ins().trap(TrapCode::unwrap_user(1));
        }
        self.builder.seal_all_blocks();
        self.builder.finalize(self.module.target_config());
    }
}
