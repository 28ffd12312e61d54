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
use cranelift_codegen::ir::{
    AbiParam, Endianness, Function, InstBuilder, MemFlagsData, Signature, Type, UserFuncName,
};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

/// Builds the trampoline for functions of this signature.
pub fn build(signature: &Signature, isa: &dyn TargetIsa) -> Function {
    let pointer = isa.pointer_type();
    let mut own_signature = Signature::new(isa.default_call_conv());
    own_signature.params = vec![AbiParam::new(pointer); 2];
    let mut func = Function::with_name_signature(UserFuncName::default(), own_signature);
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
