//! What is refused with an error, because the convention forbids it or the target cannot express
//! it.

use crate::isa::CallConv;
use crate::isa::multi_out::OutTarget;
use crate::machinst::abi::*;
use crate::machinst::multi_out::MultiOutSpec;

/// The size in bytes of the largest parameter but for structs; it may need as much again for
/// alignment.
const MAX_PARAM_SIZE: u64 = 16;

/// Refuse what the convention forbids and what the target cannot express, which the verifier may
/// not have seen.
pub(super) fn check_sig<M: ABIMachineSpec>(sig: &Signature) -> CodegenResult<()> {
    if let Some(error) = crate::verifier::multi_out::find_forbidden(sig) {
        return Err(CodegenError::Unsupported(format!("{error}")));
    }
    for param in &sig.params {
        check_param::<M>(sig, param)?;
    }
    // Backends add up stack space in 32 bits.
    let stack_size = |param: &ir::AbiParam| match param.purpose {
        ArgumentPurpose::StructArgument(size) => u64::from(size),
        _ => 2 * MAX_PARAM_SIZE,
    };
    if sig.params.iter().map(stack_size).sum::<u64>() > M::STACK_ARG_RET_SIZE_LIMIT.into() {
        return Err(CodegenError::ImplLimitExceeded);
    }
    match &sig.returns[..] {
        [result] => check_single_result::<M>(sig, result.value_type),
        _ => Ok(()),
    }
}

fn check_param<M: ABIMachineSpec>(sig: &Signature, param: &ir::AbiParam) -> CodegenResult<()> {
    let has_struct_args = M::MultiOut::TARGET == OutTarget::X64;
    let ty = param.value_type;
    match param.purpose {
        ArgumentPurpose::StructArgument(size) if !has_struct_args || size % 8 != 0 => {
            let what = format_args!("have a struct argument of {size} bytes");
            Err(unsupported::<M>(sig, &what))
        }
        ArgumentPurpose::StructReturn if ty != M::word_type() => {
            let what = format_args!("have an `sret` parameter of type {ty}");
            Err(unsupported::<M>(sig, &what))
        }
        _ if !has_registers::<M>(ty) => {
            let what = format_args!("have a parameter of type {ty}");
            Err(unsupported::<M>(sig, &what))
        }
        _ => Ok(()),
    }
}

fn check_single_result<M: ABIMachineSpec>(sig: &Signature, ty: Type) -> CodegenResult<()> {
    if !has_registers::<M>(ty) {
        let what = format_args!("have a result of type {ty}");
        Err(unsupported::<M>(sig, &what))
    } else if !M::MultiOut::has_c_place(ty) {
        let what = format_args!("return a result of type {ty} where C does");
        Err(unsupported::<M>(sig, &what))
    } else {
        Ok(())
    }
}

/// Does the backend have registers for values of this type, and if it is a vector, loads and
/// stores?
fn has_registers<M: ABIMachineSpec>(ty: Type) -> bool {
    let is_unknown_vector = ty.is_vector() && !M::MultiOut::TARGET.has_memory_type(ty);
    !is_unknown_vector && M::I::rc_for_type(ty).is_ok()
}

/// The error that a signature cannot do `what`.
pub(super) fn unsupported<M: ABIMachineSpec>(
    sig: &Signature,
    what: &dyn core::fmt::Display,
) -> CodegenError {
    let conv = sig.call_conv;
    let target = M::MultiOut::TARGET;
    CodegenError::Unsupported(format!("`{conv}` on {target} cannot {what}"))
}

/// Refuse types in `SystemVMultiOut` signatures of `f` that the instruction set lacks as
/// configured.
pub(in crate::machinst::abi) fn check_isa_flags<M: ABIMachineSpec>(
    f: &ir::Function,
    isa_flags: &M::F,
) -> CodegenResult<()> {
    let sigs = core::iter::once(&f.signature).chain(f.dfg.signatures.values());
    for sig in sigs.filter(|sig| sig.call_conv == CallConv::SystemVMultiOut) {
        let has_fields = sig.returns.len() > 1;
        let params = sig.params.iter().map(|param| (param, false));
        let results = sig.returns.iter().map(|ret| (ret, has_fields));
        for (param, is_field) in params.chain(results) {
            let ty = param.value_type;
            if !M::MultiOut::isa_flags_allow(isa_flags, ty, is_field) {
                let what = format_args!("have type {ty} with these settings of the target");
                return Err(unsupported::<M>(sig, &what));
            }
        }
    }
    Ok(())
}
