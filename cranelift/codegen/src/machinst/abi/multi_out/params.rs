//! Where a backend's base convention does not put parameters where C does, and how it is made to.
//!
//! - x86-64 (System V psABI, section 3.2.3): an `i128` that does not fit into the one integer
//!   register that is left goes to the stack, and that register is free for the next integer. The
//!   backend leaves it unused.
//! - AArch64 (AAPCS64, section 6.8, stage C.13): once an `i128` has gone to the stack, no later
//!   integer is passed in a register, even if x7 was free. The backend would use it.
//! - RISC-V (psABI, Integer Calling Convention): on the stack an `i128` and an `f128` are aligned to
//!   16 bytes. Floats go to integer registers when only these are left, and vectors to integer
//!   registers or by reference: both are refused.
//! - s390x (ELF ABI supplement, section 1.2): vectors are passed in v24, v26, v28, v30, v25, v27,
//!   v29, v31, in this order. The backend takes v24 to v31 in turn.
//! - x86-64 and AArch64: GNU vectors of less than 64 bits are integers to C. The backend has them in
//!   vector registers: refused.
//! - Windows: C passes an `i128` by reference and returns it in xmm0, and smaller vectors in integer
//!   registers; about `f16` and `f128` compilers disagree. All are refused.
//! - Apple: as AArch64, but an `i128` may begin in any register but the last.
//!
//! As each is a matter of order and of unused places, it is solved by what `compute_arg_locs` gets to
//! see. Keep in sync with what each backend does there; filetests pin both.

use crate::ir::{AbiParam, ArgumentPurpose, Type, types};
use crate::isa::CallConv;
use crate::isa::multi_out::OutTarget;
use alloc::vec;
use alloc::vec::Vec;

/// One of the parameters that `compute_arg_locs` gets to see instead of a signature's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arranged {
    /// A parameter of the signature, by index.
    Formal(usize),
    /// A value of this type that is not passed: C leaves its place unused.
    Unused(Type),
}

use Arranged::{Formal, Unused};

/// Is a parameter or a single result of this type where C has it?
pub(super) fn has_c_place(target: OutTarget, conv: CallConv, ty: Type) -> bool {
    match target {
        OutTarget::X64 if conv == CallConv::WindowsFastcallMultiOut => match ty {
            types::F32 | types::F64 => true,
            _ if ty.is_vector() => ty.bits() == 128,
            _ => ty.is_int() && ty.bits() <= 64,
        },
        OutTarget::X64 | OutTarget::Aarch64 => !(ty.is_vector() && ty.bits() < 64),
        OutTarget::Riscv64 => !(ty.is_vector() || ty.is_dynamic_vector()),
        OutTarget::S390x | OutTarget::Pulley => true,
    }
}

/// Arrange the parameters, the out pointer included if there is one, so that each is where C has it.
///
/// # Errors
///
/// The type of a parameter that C passes in a way that the backend cannot express.
pub(super) fn arrange(
    target: OutTarget,
    conv: CallConv,
    params: &[AbiParam],
) -> Result<Vec<Arranged>, Type> {
    let mut types = params.iter().map(|param| param.value_type);
    if let Some(ty) = types.find(|ty| !has_c_place(target, conv, *ty)) {
        return Err(ty);
    }
    match target {
        OutTarget::X64 if conv == CallConv::SystemVMultiOut => Ok(arrange_x64(params)),
        OutTarget::Aarch64 => Ok(arrange_aarch64(conv, params)),
        OutTarget::Riscv64 => arrange_riscv64(params),
        OutTarget::S390x => Ok(arrange_s390x(params)),
        OutTarget::X64 | OutTarget::Pulley => Ok((0..params.len()).map(Formal).collect()),
    }
}

fn arrange_x64(params: &[AbiParam]) -> Vec<Arranged> {
    /// rdi, rsi, rdx, rcx, r8, r9.
    const INT_ARG_REGS: usize = 6;
    // One integer register, if one is left.
    let is_word = |param: &AbiParam| {
        let is_struct = matches!(param.purpose, ArgumentPurpose::StructArgument(_));
        param.value_type.is_int() && param.value_type.bits() <= 64 && !is_struct
    };
    let mut order = Vec::with_capacity(params.len());
    let mut is_placed = vec![false; params.len()];
    let mut free_gprs = INT_ARG_REGS;
    for (i, param) in params.iter().enumerate() {
        if is_placed[i] {
            continue;
        }
        if is_word(param) {
            free_gprs = free_gprs.saturating_sub(1);
        } else if param.value_type == types::I128 {
            let next = (i + 1..params.len()).find(|&j| is_word(&params[j]));
            match (free_gprs, next) {
                (2.., _) => free_gprs -= 2,
                (1, Some(next)) => {
                    order.push(Formal(next));
                    is_placed[next] = true;
                    free_gprs = 0;
                }
                _ => {}
            }
        }
        order.push(Formal(i));
    }
    order
}

fn arrange_aarch64(conv: CallConv, params: &[AbiParam]) -> Vec<Arranged> {
    let i128_align = if conv == CallConv::AppleAarch64MultiOut {
        1
    } else {
        2
    };
    let mut order = Vec::with_capacity(params.len() + 1);
    // The next general-purpose register number of the procedure call standard.
    let mut ngrn: u8 = 0;
    for (i, param) in params.iter().enumerate() {
        if param.value_type == types::I128 {
            if ngrn == 7 {
                order.push(Unused(types::I64));
            }
            ngrn = (ngrn.next_multiple_of(i128_align) + 2).min(8);
        } else if param.value_type.is_int() && param.purpose != ArgumentPurpose::StructReturn {
            ngrn = (ngrn + 1).min(8);
        }
        order.push(Formal(i));
    }
    order
}

fn arrange_riscv64(params: &[AbiParam]) -> Result<Vec<Arranged>, Type> {
    const ARG_REGS: usize = 8;
    let mut order = Vec::with_capacity(params.len() + 1);
    let (mut xregs, mut fregs, mut stack_words) = (0, 0, 0);
    for (i, param) in params.iter().enumerate() {
        let ty = param.value_type;
        match ty {
            types::I128 | types::F128 => {
                if xregs == ARG_REGS && stack_words % 2 == 1 {
                    order.push(Unused(types::I64));
                    stack_words += 1;
                }
                let in_regs = (ARG_REGS - xregs).min(2);
                xregs += in_regs;
                stack_words += 2 - in_regs;
            }
            _ if ty.is_float() && fregs < ARG_REGS => fregs += 1,
            _ if ty.is_float() && xregs < ARG_REGS => return Err(ty),
            _ if ty.is_int() && xregs < ARG_REGS => xregs += 1,
            _ => stack_words += 1,
        }
        order.push(Formal(i));
    }
    Ok(order)
}

fn arrange_s390x(params: &[AbiParam]) -> Vec<Arranged> {
    let is_vector = |i: &usize| params[*i].value_type.is_vector();
    let in_vector_regs: Vec<usize> = (0..params.len()).filter(is_vector).take(8).collect();
    // Vector registers are independent of all other places, so those go first. v24 + n holds vector
    // n / 2 if n is even, else 4 + n / 2; gaps behind the last need not be filled.
    let regs = match in_vector_regs.len() {
        0 => 0,
        count @ ..=4 => 2 * count - 1,
        5.. => 8,
    };
    let mut order: Vec<Arranged> = (0..regs)
        .map(|reg| {
            let nth = reg / 2 + 4 * (reg % 2);
            match in_vector_regs.get(nth) {
                Some(&i) => Formal(i),
                None => Unused(types::I8X16),
            }
        })
        .collect();
    let others = (0..params.len()).filter(|i| !in_vector_regs.contains(i));
    order.extend(others.map(Formal));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::types::*;

    fn arrange(target: OutTarget, params: &[Type]) -> Result<Vec<Arranged>, Type> {
        arrange_as(target, CallConv::SystemVMultiOut, params)
    }

    fn arrange_as(
        target: OutTarget,
        conv: CallConv,
        params: &[Type],
    ) -> Result<Vec<Arranged>, Type> {
        let params: Vec<AbiParam> = params.iter().copied().map(AbiParam::new).collect();
        super::arrange(target, conv, &params)
    }

    fn assert_unchanged(target: OutTarget, params: &[Type]) {
        let want = (0..params.len()).map(Formal).collect();
        assert_eq!(arrange(target, params), Ok(want), "{params:?} on {target}");
    }

    #[test]
    fn on_x64_an_integer_takes_the_register_that_an_i128_leaves() {
        let order = arrange(
            OutTarget::X64,
            &[I64, I64, I64, I64, I64, I128, F64, I32, I32],
        );
        let want = [0, 1, 2, 3, 4, 7, 5, 6, 8].map(Formal);
        assert_eq!(order, Ok(want.to_vec()));
    }

    #[test]
    fn on_x64_nothing_moves_where_an_i128_fits_or_no_register_is_left() {
        assert_unchanged(OutTarget::X64, &[I64, I64, I64, I64, I128, I64]);
        assert_unchanged(OutTarget::X64, &[I64, I64, I64, I64, I64, I64, I128, I64]);
        assert_unchanged(OutTarget::X64, &[I64, I64, I64, I64, I64, I128, F64]);
    }

    #[test]
    fn narrow_vectors_are_refused_where_c_has_integers() {
        for target in [OutTarget::X64, OutTarget::Aarch64] {
            assert_eq!(arrange(target, &[I64, I8X4]), Err(I8X4));
            assert_unchanged(target, &[I64, I8X8]);
        }
    }

    #[test]
    fn on_aarch64_x7_is_skipped_before_an_i128_on_the_stack() {
        let order = arrange(
            OutTarget::Aarch64,
            &[I64, I64, I64, I64, I64, I64, I64, I128, I64],
        );
        let mut want: Vec<_> = (0..9).map(Formal).collect();
        want.insert(7, Unused(I64));
        assert_eq!(order, Ok(want));
    }

    #[test]
    fn on_aarch64_nothing_is_skipped_where_an_i128_fits() {
        // x5 is skipped by the backend, as an `i128` begins at an even register.
        assert_unchanged(OutTarget::Aarch64, &[I64, I64, I64, I64, I64, I128, I64]);
        assert_unchanged(OutTarget::Aarch64, &[I128, I128, I128, I128, I128]);
    }

    #[test]
    fn on_windows_what_c_passes_otherwise_is_refused() {
        let arrange =
            |params: &[Type]| arrange_as(OutTarget::X64, CallConv::WindowsFastcallMultiOut, params);
        for ty in [I128, F16, F128, I8X8, I8X4] {
            assert_eq!(arrange(&[I64, ty]), Err(ty));
        }
        let want = (0..6).map(Formal).collect();
        assert_eq!(arrange(&[I64, F32, I32X4, F64, I8, I64]), Ok(want));
    }

    #[test]
    fn on_apple_an_i128_begins_in_any_register_but_x7() {
        let conv = CallConv::AppleAarch64MultiOut;
        let params = [I64, I128, I64, I128, I64, I128, I64];
        let mut want: Vec<_> = (0..7).map(Formal).collect();
        want.insert(5, Unused(I64));
        assert_eq!(arrange_as(OutTarget::Aarch64, conv, &params), Ok(want));
    }

    #[test]
    fn on_riscv64_an_i128_on_the_stack_is_aligned() {
        let mut params = vec![I64; 9];
        params.push(I128);
        let mut want: Vec<_> = (0..10).map(Formal).collect();
        want.insert(9, Unused(I64));
        assert_eq!(arrange(OutTarget::Riscv64, &params), Ok(want));
        params = vec![I64; 7];
        params.push(F128);
        assert_unchanged(OutTarget::Riscv64, &params);
    }

    #[test]
    fn on_riscv64_a_float_that_c_passes_in_an_integer_register_is_refused() {
        let floats = vec![F64; 9];
        assert_eq!(arrange(OutTarget::Riscv64, &floats), Err(F64));
        assert_unchanged(OutTarget::Riscv64, &[vec![I64; 8], floats].concat());
        assert_eq!(arrange(OutTarget::Riscv64, &[I32X4]), Err(I32X4));
    }

    #[test]
    fn on_s390x_even_vector_registers_come_first() {
        // v24, v26, v28
        let order = arrange(OutTarget::S390x, &[I32X4, I64, F64X2, I8X16]);
        let gap = Unused(I8X16);
        let want = [Formal(0), gap, Formal(2), gap, Formal(3), Formal(1)];
        assert_eq!(order, Ok(want.to_vec()));
        assert_eq!(
            arrange(OutTarget::S390x, &[I64, I32X4]),
            Ok(vec![Formal(1), Formal(0)])
        );
    }

    #[test]
    fn on_s390x_the_ninth_vector_is_on_the_stack_in_its_turn() {
        let params = [vec![I64; 1], vec![I64X2; 9], vec![I64; 1]].concat();
        let in_regs = [1, 5, 2, 6, 3, 7, 4, 8];
        let want: Vec<_> = in_regs.into_iter().chain([0, 9, 10]).map(Formal).collect();
        assert_eq!(arrange(OutTarget::S390x, &params), Ok(want));
    }
}
