//! The parameters of multi-out conventions, which are where C passes them.
//!
//! By the time that signatures are computed the out pointer is an ordinary first parameter (see
//! `crate::multi_out`), so the backend's base convention, such as `system_v`, places all of them, and
//! everything behind the signature sees that: registers, clobbers, frame, unwinding, exception
//! payloads. In a few corners a backend's base convention is not C's. There it gets the parameters in
//! another order, or with gaps (`params`), and what would take other registers than it has for the
//! type is refused.

mod params;

use self::params::{Arranged, arrange, has_c_place};
use super::*;
use crate::isa::CallConv;
use crate::isa::multi_out::OutTarget;
use crate::settings::Configurable;

/// The size in bytes of the largest parameter but for structs; it may need as much again for
/// alignment.
const MAX_PARAM_SIZE: u64 = 16;

/// The ABI signature of a multi-out signature, or `None` for any other convention.
pub(super) fn from_func_sig<M: ABIMachineSpec>(
    sigs: &mut SigSet,
    sig: &Signature,
    flags: &settings::Flags,
) -> Option<CodegenResult<SigData>> {
    sig.call_conv
        .is_multi_out()
        .then(|| compute_sig_data::<M>(sigs, sig, flags))
}

fn compute_sig_data<M: ABIMachineSpec>(
    sigs: &mut SigSet,
    sig: &Signature,
    flags: &settings::Flags,
) -> CodegenResult<SigData> {
    check_sig::<M>(sig)?;
    let c_flags = c_flags::<M>(sig, flags);
    let order = arrange(M::OUT_TARGET, sig.call_conv, &sig.params).map_err(|ty| {
        unsupported::<M>(sig, format!("pass a parameter of type {ty} where C does"))
    })?;
    let params = order.iter().map(|param| match *param {
        Arranged::Formal(index) => sig.params[index],
        Arranged::Unused(ty) => ir::AbiParam::new(ty),
    });
    let base = Signature {
        params: params.collect(),
        returns: sig.returns.clone(),
        call_conv: sig.call_conv.base(),
    };
    let mut data = sigs.from_func_sig::<M>(&base, c_flags.as_ref().unwrap_or(flags))?;

    // Back to the order of the signature. One result at most needs no memory beside the stack's.
    debug_assert!(data.stack_ret_arg.is_none());
    let rets_end = usize::try_from(data.rets_end).expect("an index");
    let args = sigs.abi_args.drain(rets_end..);
    let mut args: Vec<(usize, ABIArg)> = order
        .into_iter()
        .zip(args)
        .filter_map(|(param, arg)| match param {
            Arranged::Formal(index) => Some((index, arg)),
            Arranged::Unused(_) => None,
        })
        .collect();
    args.sort_by_key(|(index, _)| *index);
    if sig.call_conv == CallConv::AppleAarch64MultiOut {
        args.iter_mut().for_each(|(_, arg)| narrow_on_stack(arg));
    }
    sigs.abi_args.extend(args.into_iter().map(|(_, arg)| arg));
    data.args_end =
        u32::try_from(sigs.abi_args.len()).map_err(|_| CodegenError::ImplLimitExceeded)?;
    Ok(data)
}

/// On the stack Apple's C extends no integer: the next argument may begin right behind it.
fn narrow_on_stack(arg: &mut ABIArg) {
    if let ABIArg::Slots { slots, .. } = arg {
        for slot in slots {
            if let ABIArgSlot::Stack { extension, .. } = slot {
                *extension = ir::ArgumentExtension::None;
            }
        }
    }
}

/// Refuse what the convention forbids and what the target cannot express, which the verifier may
/// not have seen.
fn check_sig<M: ABIMachineSpec>(sig: &Signature) -> CodegenResult<()> {
    crate::verifier::multi_out::check_on(sig, M::OUT_TARGET)?;
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
    let results: SmallVec<[Type; 2]> = sig.returns.iter().map(|ret| ret.value_type).collect();
    if M::OUT_TARGET.uses_out_area(&results) {
        let what = "have an out area before `Context::compile` has made its pointer explicit";
        return Err(unsupported::<M>(sig, what.into()));
    }
    let what = match results[..] {
        [ty] if !has_registers::<M>(ty) => format!("have a result of type {ty}"),
        [ty] if !has_c_place(M::OUT_TARGET, sig.call_conv, ty) => {
            format!("return a result of type {ty} where C does")
        }
        _ => return Ok(()),
    };
    Err(unsupported::<M>(sig, what))
}

fn check_param<M: ABIMachineSpec>(sig: &Signature, param: &ir::AbiParam) -> CodegenResult<()> {
    let has_struct_args =
        M::OUT_TARGET == OutTarget::X64 && sig.call_conv == CallConv::SystemVMultiOut;
    let ty = param.value_type;
    let what = match param.purpose {
        ArgumentPurpose::StructArgument(size) if !has_struct_args || size % 8 != 0 => {
            format!("have a struct argument of {size} bytes")
        }
        ArgumentPurpose::StructReturn if ty != M::word_type() => {
            format!("have an `sret` parameter of type {ty}")
        }
        _ if !has_registers::<M>(ty) => format!("have a parameter of type {ty}"),
        _ => return Ok(()),
    };
    Err(unsupported::<M>(sig, what))
}

/// Does the backend have registers for values of this type, and if it is a vector, loads and
/// stores?
fn has_registers<M: ABIMachineSpec>(ty: Type) -> bool {
    // Types with loads have registers.
    let has_some = || VRegAllocator::<M::I>::with_capacity(0).alloc(ty).is_ok();
    M::OUT_TARGET.has_memory_type(ty) || (!ty.is_vector() && has_some())
}

/// The error that a signature cannot do `what`.
fn unsupported<M: ABIMachineSpec>(sig: &Signature, what: String) -> CodegenError {
    let (conv, target) = (sig.call_conv, M::OUT_TARGET);
    CodegenError::Unsupported(format!("`{conv}` on {target} cannot {what}"))
}

/// On x86-64, C passes and returns `i128` as `system_v` does under a flag.
fn c_flags<M: ABIMachineSpec>(sig: &Signature, flags: &settings::Flags) -> Option<settings::Flags> {
    let mut types = sig.params.iter().chain(&sig.returns);
    if M::OUT_TARGET != OutTarget::X64
        || flags.enable_llvm_abi_extensions()
        || !types.any(|param| param.value_type == I128)
    {
        return None;
    }
    let mut builder = settings::builder();
    for flag in flags.iter() {
        let value = match flag.name {
            "enable_llvm_abi_extensions" => "true".into(),
            _ => flag.value_string(),
        };
        builder.set(flag.name, &value).expect("a value that it had");
    }
    Some(settings::Flags::new(builder))
}
