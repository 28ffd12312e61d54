//! Fields of a `SystemVMultiOut` out area on AArch64 (AAPCS64, section 6.8).
//!
//! The out pointer is an ordinary first parameter in x0, not the indirect result location register
//! x8, which is for C functions that return a struct by value. The backend's loads and stores have
//! the width of their type.
//!
//! Once an `i128` has gone to the stack, no later integer parameter is passed in a register (stage
//! C.13), even if x7 was free. The backend would use it. GNU vectors of less than 64 bits are
//! integers to C and are refused where they would be in vector registers.

use super::abi::AArch64MachineDeps;
use super::inst::{Inst, regs};
use crate::ir::{AbiParam, ArgumentPurpose, Type, types};
use crate::isa::multi_out::OutTarget;
use crate::machinst::multi_out::{
    ArrangedParam::{Formal, Unused},
    MultiOutSpec, ParamOrder, UnsupportedParam, gen_zero_store,
};
use crate::machinst::{Reg, RegClass, SmallInstVec, Writable};
use alloc::vec::Vec;
use smallvec::smallvec;

pub struct Aarch64MultiOut;

impl MultiOutSpec<AArch64MachineDeps> for Aarch64MultiOut {
    const TARGET: OutTarget = OutTarget::Aarch64;

    fn field_temp_regs(class: RegClass) -> [Writable<Reg>; 3] {
        let regs = match class {
            RegClass::Int => [regs::xreg(9), regs::xreg(10), regs::xreg(11)],
            RegClass::Float => [regs::vreg(16), regs::vreg(17), regs::vreg(18)],
            RegClass::Vector => unreachable!(),
        };
        regs.map(Writable::from_reg)
    }

    fn gen_constant_field_store(
        base: Reg,
        offset: i32,
        bits: u64,
        ty: Type,
    ) -> Option<SmallInstVec<Inst>> {
        let store = gen_zero_store::<AArch64MachineDeps>(base, offset, bits, ty, regs::zero_reg());
        Some(smallvec![store?])
    }

    fn has_c_place(ty: Type) -> bool {
        !(ty.is_vector() && ty.bits() < 64)
    }

    fn arrange_params(params: &[AbiParam]) -> Result<Option<ParamOrder>, UnsupportedParam> {
        let mut order = Vec::with_capacity(params.len() + 1);
        // The next general-purpose register number of the procedure call standard.
        let mut ngrn: u8 = 0;
        for (i, param) in params.iter().enumerate() {
            if !Self::has_c_place(param.value_type) {
                return Err(UnsupportedParam(param.value_type));
            }
            if param.value_type == types::I128 {
                if ngrn == 7 {
                    order.push(Unused(types::I64));
                }
                ngrn = (ngrn.next_multiple_of(2) + 2).min(8);
            } else if param.value_type.is_int() && param.purpose != ArgumentPurpose::StructReturn {
                ngrn = (ngrn + 1).min(8);
            }
            order.push(Formal(i));
        }
        Ok(Some(order).filter(|order| order.len() > params.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::types::*;

    fn arrange(params: &[Type]) -> Result<Option<ParamOrder>, UnsupportedParam> {
        let params: Vec<AbiParam> = params.iter().copied().map(AbiParam::new).collect();
        Aarch64MultiOut::arrange_params(&params)
    }

    #[test]
    fn x7_is_skipped_before_an_i128_on_the_stack() {
        let order = arrange(&[I64, I64, I64, I64, I64, I64, I64, I128, I64]).unwrap();
        let mut want: Vec<_> = (0..9).map(Formal).collect();
        want.insert(7, Unused(I64));
        assert_eq!(order, Some(want));
    }

    #[test]
    fn nothing_is_skipped_where_an_i128_fits() {
        // x5 is skipped by the backend, as an `i128` begins at an even register.
        assert_eq!(arrange(&[I64, I64, I64, I64, I64, I128, I64]), Ok(None));
        assert_eq!(arrange(&[I128, I128, I128, I128, I128]), Ok(None));
    }

    #[test]
    fn narrow_vectors_are_refused() {
        assert_eq!(arrange(&[I64, I16X2]), Err(UnsupportedParam(I16X2)));
        assert_eq!(arrange(&[I64, I16X4]), Ok(None));
    }
}
