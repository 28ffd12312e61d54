//! Trampolines: functions that Rust can call, which call a function of any signature.
//!
//! ```text
//! trampoline(callee, slots):
//!     r0, r1, … = callee(load slots[0], load slots[1], …)   in the callee's own convention
//!     store r0, slots[0]; store r1, slots[1]; …
//! ```
//!
//! Since the trampoline is compiled like the callee, it also reaches conventions and signatures
//! that Rust has no equivalent of, with any number of results.

use super::SLOT_SIZE;
use crate::errors::describe_own_codegen_error;
use cranelift_codegen::Context;
use cranelift_codegen::ir::{
    AbiParam, Endianness, Function, InstBuilder, MemFlagsData, Signature, Type, UserFuncName,
};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::settings::Flags;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::JITModule;
use cranelift_module::{FuncId, Module, ModuleError};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use target_lexicon::Triple;

/// The trampolines for one target that this thread has compiled so far: the same signatures come
/// up in most files.
pub struct Trampolines(Rc<RefCell<HashMap<Signature, Code>>>);

/// Machine code that refers to nothing, so it can be put anywhere.
type Code = Rc<[u8]>;

/// As much as any instruction or constant needs, in bytes.
const ALIGNMENT: u64 = 64;

/// Everything that the code of a trampoline depends on, besides the signature.
#[derive(PartialEq, Eq, Hash)]
struct Target {
    triple: Triple,
    shared_flags: SharedFlags,
    isa_flags: Vec<String>,
}

#[derive(PartialEq, Hash)]
struct SharedFlags(Flags);

impl Eq for SharedFlags {}

impl Trampolines {
    /// Those for this target.
    pub fn of(isa: &dyn TargetIsa) -> Self {
        type Known = HashMap<Target, Rc<RefCell<HashMap<Signature, Code>>>>;
        thread_local! {
            static KNOWN: RefCell<Known> = RefCell::default();
        }
        let target = Target {
            triple: isa.triple().clone(),
            shared_flags: SharedFlags(isa.flags().clone()),
            isa_flags: isa.isa_flags().iter().map(ToString::to_string).collect(),
        };
        let known = KNOWN.with_borrow_mut(|known| Rc::clone(known.entry(target).or_default()));
        Trampolines(known)
    }

    /// Adds the trampoline for functions of this signature to a module for this target. The error is
    /// a sentence.
    pub fn define(&self, signature: &Signature, module: &mut JITModule) -> Result<FuncId, String> {
        let own_signature = own_signature(module.isa());
        let id = module
            .declare_anonymous_function(&own_signature)
            .map_err(describe)?;
        let known = self.0.borrow().get(signature).cloned();
        if let Some(code) = known {
            module
                .define_function_bytes(id, ALIGNMENT, &code, &[])
                .map_err(describe)?;
            return Ok(id);
        }
        let mut context = Context::for_function(trampoline(signature, module.isa()));
        module.define_function(id, &mut context).map_err(describe)?;
        if let Some(compiled) = context.compiled_code()
            && compiled.buffer.relocs().is_empty()
        {
            let code = compiled.code_buffer().into();
            self.0.borrow_mut().insert(signature.clone(), code);
        }
        Ok(id)
    }
}

fn describe(error: ModuleError) -> String {
    match error {
        ModuleError::Compilation(error) => describe_own_codegen_error(&error),
        error => error.to_string(),
    }
}

fn own_signature(isa: &dyn TargetIsa) -> Signature {
    let mut signature = Signature::new(isa.default_call_conv());
    signature.params = vec![AbiParam::new(isa.pointer_type()); 2];
    signature
}

/// The trampoline for functions of this signature, for `isa` or another target like it. Slots are
/// [`SLOT_SIZE`] bytes apart; vectors are little-endian in them on every target.
pub fn trampoline(signature: &Signature, isa: &dyn TargetIsa) -> Function {
    let mut func = Function::with_name_signature(UserFuncName::default(), own_signature(isa));
    let mut context = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut func, &mut context);

    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    builder.seal_block(block);
    let (callee, slots) = match *builder.block_params(block) {
        [callee, slots] => (callee, slots),
        _ => unreachable!("the signature above has two parameters"),
    };

    let arguments: Vec<_> = (0..)
        .zip(&signature.params)
        .map(|(index, param)| {
            let ty = param.value_type;
            builder.ins().load(ty, slot_flags(ty), slots, offset(index))
        })
        .collect();
    let callee_signature = builder.import_signature(signature.clone());
    let call = builder
        .ins()
        .call_indirect(callee_signature, callee, &arguments);
    let results = builder.inst_results(call).to_vec();
    for (index, (value, param)) in (0..).zip(results.into_iter().zip(&signature.returns)) {
        let flags = slot_flags(param.value_type);
        builder.ins().store(flags, value, slots, offset(index));
    }
    builder.ins().return_(&[]);
    builder.finalize(isa.frontend_config());
    func
}

/// Vectors are little-endian in a slot on every target, scalars as the host has them.
fn slot_flags(ty: Type) -> MemFlagsData {
    let flags = MemFlagsData::trusted();
    if ty.is_vector() {
        flags.with_endianness(Endianness::Little)
    } else {
        flags
    }
}

fn offset(index: i32) -> i32 {
    index.saturating_mul(SLOT_SIZE as i32)
}
