//! The ABI signature: where parameters and results go.

use super::check;
use crate::isa::CallConv;
use crate::isa::multi_out::{OutTarget, compute_out_area};
use crate::machinst::abi::*;
use crate::machinst::multi_out::{ArrangedParam, MultiOutSpec, UnsupportedParam};
use crate::settings::Configurable;

/// The ABI signature of a `SystemVMultiOut` signature, or `None` for any other convention.
pub(in crate::machinst::abi) fn from_func_sig<M: ABIMachineSpec>(
    sigs: &mut SigSet,
    sig: &Signature,
    flags: &settings::Flags,
) -> Option<CodegenResult<SigData>> {
    (sig.call_conv == CallConv::SystemVMultiOut).then(|| compute_sig_data::<M>(sigs, sig, flags))
}

fn compute_sig_data<M: ABIMachineSpec>(
    sigs: &mut SigSet,
    sig: &Signature,
    flags: &settings::Flags,
) -> CodegenResult<SigData> {
    check::check_sig::<M>(sig)?;
    let c_flags = c_flags::<M>(sig, flags);
    let flags = c_flags.as_ref().unwrap_or(flags);

    // `SigSet` finds results and arguments by their order: results first.
    let results: SmallVec<[Type; 8]> = sig.returns.iter().map(|ret| ret.value_type).collect();
    let out_area = M::MultiOut::TARGET.uses_out_area(&results);
    let sized_stack_ret_space = if out_area {
        push_fields::<M>(sigs, &results)?
    } else {
        push_base_rets::<M>(sigs, sig, flags)?;
        0
    };
    let rets_end = end_index(sigs)?;

    let mut params = Vec::with_capacity(1 + sig.params.len());
    if out_area {
        params.push(ir::AbiParam::new(M::word_type()));
    }
    params.extend_from_slice(&sig.params);
    let sized_stack_arg_space = push_params::<M>(sigs, sig, &params, flags)?;
    let args_end = end_index(sigs)?;

    // The formal arguments come first, the pointer to the return area after them.
    let stack_ret_arg = if out_area {
        sigs.abi_args[rets_end as usize..].rotate_left(1);
        let formal_args = sig.params.len();
        Some(u16::try_from(formal_args).map_err(|_| CodegenError::ImplLimitExceeded)?)
    } else {
        None
    };

    Ok(SigData {
        args_end,
        rets_end,
        sized_stack_arg_space,
        sized_stack_ret_space,
        stack_ret_arg,
        call_conv: sig.call_conv.base(),
        out_area,
    })
}

/// Push the results as fields of the out area; its size, rounded up to the alignment of the stack.
fn push_fields<M: ABIMachineSpec>(sigs: &mut SigSet, results: &[Type]) -> CodegenResult<u32> {
    let area = compute_out_area(results, M::MultiOut::TARGET)?;
    let align = M::stack_align(CallConv::SystemV);
    debug_assert_eq!(align, M::MultiOut::TARGET.max_align());
    let size = area
        .size
        .checked_next_multiple_of(align)
        .filter(|size| *size <= M::STACK_ARG_RET_SIZE_LIMIT)
        .ok_or(CodegenError::ImplLimitExceeded)?;
    for field in &area.fields {
        let slots = field_slots::<M>(field.ty, field.offset)?;
        sigs.abi_args.push(slots);
    }
    Ok(size)
}

/// Push the result, if any, where the base convention returns it.
fn push_base_rets<M: ABIMachineSpec>(
    sigs: &mut SigSet,
    sig: &Signature,
    flags: &settings::Flags,
) -> CodegenResult<()> {
    // As in `SigSet::from_func_sig`, an `sret` pointer is also returned.
    let sret = sig.special_param_index(ArgumentPurpose::StructReturn);
    let returns = match sret {
        Some(index) => core::slice::from_ref(&sig.params[index]),
        None => &sig.returns[..],
    };
    let (in_memory, _) = M::compute_arg_locs(
        CallConv::SystemV,
        flags,
        returns,
        ArgsOrRets::Rets,
        /* extra ret-area ptr = */ false,
        ArgsAccumulator::new(&mut sigs.abi_args),
    )?;
    match returns {
        [ret, ..] if in_memory > 0 => {
            let what = format_args!("have a result of type {}", ret.value_type);
            Err(check::unsupported::<M>(sig, &what))
        }
        _ => Ok(()),
    }
}

/// Push the parameters where C passes them; the size of the stack arguments.
fn push_params<M: ABIMachineSpec>(
    sigs: &mut SigSet,
    sig: &Signature,
    params: &[ir::AbiParam],
    flags: &settings::Flags,
) -> CodegenResult<u32> {
    let order = M::MultiOut::arrange_params(params).map_err(|UnsupportedParam(ty)| {
        let what = format_args!("pass a parameter of type {ty} where C does");
        check::unsupported::<M>(sig, &what)
    })?;
    let arranged: Option<Vec<ir::AbiParam>> = order.as_ref().map(|order| {
        let params = order.iter().map(|param| match *param {
            ArrangedParam::Formal(index) => params[index],
            ArrangedParam::Unused(ty) => ir::AbiParam::new(ty),
        });
        params.collect()
    });
    let start = sigs.abi_args.len();
    let (size, _) = M::compute_arg_locs(
        CallConv::SystemV,
        flags,
        arranged.as_deref().unwrap_or(params),
        ArgsOrRets::Args,
        /* extra ret-area ptr = */ false,
        ArgsAccumulator::new(&mut sigs.abi_args),
    )?;
    if size > M::STACK_ARG_RET_SIZE_LIMIT {
        return Err(CodegenError::ImplLimitExceeded);
    }
    if let Some(order) = order {
        let args = sigs.abi_args.drain(start..);
        let mut args: Vec<(usize, ABIArg)> = order
            .into_iter()
            .zip(args)
            .filter_map(|(param, arg)| match param {
                ArrangedParam::Formal(index) => Some((index, arg)),
                ArrangedParam::Unused(_) => None,
            })
            .collect();
        args.sort_by_key(|(index, _)| *index);
        sigs.abi_args.extend(args.into_iter().map(|(_, arg)| arg));
    }
    Ok(size)
}

fn end_index(sigs: &SigSet) -> CodegenResult<u32> {
    u32::try_from(sigs.abi_args.len()).map_err(|_| CodegenError::ImplLimitExceeded)
}

/// The slots of one field, a slot for each register that holds a value of its type.
fn field_slots<M: ABIMachineSpec>(ty: Type, offset: u32) -> CodegenResult<ABIArg> {
    let (_, reg_types) = M::I::rc_for_type(ty)?;
    let slot = |offset, ty| ABIArgSlot::Stack {
        offset: i64::from(offset),
        ty,
        extension: ArgumentExtension::None,
    };
    let slots = match reg_types {
        // The value's own type, not the register's: lanes matter to some backends.
        [_] => smallvec![slot(offset, ty)],
        // Only little-endian targets hold a value in several registers, the low part first.
        parts => {
            debug_assert_ne!(M::MultiOut::TARGET, OutTarget::S390x);
            let mut offset = offset;
            let mut slots = ABIArgSlotVec::new();
            for part in parts {
                slots.push(slot(offset, *part));
                offset += part.bytes();
            }
            slots
        }
    };
    Ok(ABIArg::Slots {
        slots,
        purpose: ArgumentPurpose::Normal,
    })
}

/// On x86-64, C passes and returns `i128` as `system_v` does under a flag. No other flag matters
/// there to the places of parameters and of a single result.
fn c_flags<M: ABIMachineSpec>(sig: &Signature, flags: &settings::Flags) -> Option<settings::Flags> {
    let mut types = sig.params.iter().chain(&sig.returns);
    if M::MultiOut::TARGET != OutTarget::X64
        || flags.enable_llvm_abi_extensions()
        || !types.any(|param| param.value_type == I128)
    {
        return None;
    }
    let mut builder = settings::builder();
    builder
        .enable("enable_llvm_abi_extensions")
        .expect("a boolean setting of every target");
    Some(settings::Flags::new(builder))
}
