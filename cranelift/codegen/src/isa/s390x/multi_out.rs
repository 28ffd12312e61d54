//! Fields of a `SystemVMultiOut` out area on s390x (ELF ABI supplement, sections 1.1 and 1.2).
//!
//! The target is big-endian, and no type is aligned to more than eight bytes. Vectors lie in memory
//! with lane 0 first; a `tail` function, which holds its vectors with lane 0 last, must turn them
//! around. The backend's loads and stores have the width of their type.
//!
//! C passes vectors in v24, v26, v28, v30, v25, v27, v29, v31, in this order; the backend takes v24
//! to v31 in turn.

use super::abi::S390xMachineDeps;
use super::inst::{Inst, LaneOrder, MemArg};
use crate::ir::{AbiParam, MemFlagsData, Type, types};
use crate::isa::CallConv;
use crate::isa::multi_out::OutTarget;
use crate::machinst::multi_out::{
    ArrangedParam::{Formal, Unused},
    MultiOutSpec, ParamOrder, UnsupportedParam,
};
use crate::machinst::{ABIMachineSpec, Reg, SmallInstVec, StackAMode, Writable};
use alloc::vec::Vec;
use smallvec::smallvec;

pub struct S390xMultiOut;

impl MultiOutSpec<S390xMachineDeps> for S390xMultiOut {
    const TARGET: OutTarget = OutTarget::S390x;

    // Keep in sync with `S390xMachineDeps::gen_retval_loads`, which does this for a `try_call`.
    fn gen_field_load(
        caller_conv: CallConv,
        mem: StackAMode,
        into_reg: Writable<Reg>,
        ty: Type,
        temp: &mut dyn FnMut(Type) -> Writable<Reg>,
    ) -> SmallInstVec<Inst> {
        let swaps_lanes = LaneOrder::from(caller_conv) != LaneOrder::BigEndian;
        if !(swaps_lanes && ty.is_vector()) {
            return smallvec![S390xMachineDeps::gen_load_stack(mem, into_reg, ty)];
        }
        let loaded = temp(ty);
        smallvec![
            S390xMachineDeps::gen_load_stack(mem, loaded, ty),
            Inst::VecEltRev {
                lane_count: ty.lane_count(),
                rd: into_reg,
                rn: loaded.to_reg(),
            },
        ]
    }

    fn gen_constant_field_store(
        base: Reg,
        offset: i32,
        bits: u64,
        ty: Type,
    ) -> Option<SmallInstVec<Inst>> {
        let mem = MemArg::reg_plus_off(base, offset.into(), MemFlagsData::trusted());
        // The narrower two store all bits of the immediate, the wider two extend its sign.
        let inst = match ty.bytes() {
            1 => Inst::StoreImm8 {
                imm: u8::try_from(bits).ok()?,
                mem,
            },
            2 => Inst::StoreImm16 {
                imm: u16::try_from(bits).ok()?.cast_signed(),
                mem,
            },
            4 => Inst::StoreImm32SExt16 {
                imm: i16::try_from(u32::try_from(bits).ok()?.cast_signed()).ok()?,
                mem,
            },
            8 => Inst::StoreImm64SExt16 {
                imm: i16::try_from(bits.cast_signed()).ok()?,
                mem,
            },
            _ => return None,
        };
        Some(smallvec![inst])
    }

    fn arrange_params(params: &[AbiParam]) -> Result<Option<ParamOrder>, UnsupportedParam> {
        let is_vector = |i: &usize| params[*i].value_type.is_vector();
        let in_vector_regs: Vec<usize> = (0..params.len()).filter(is_vector).take(8).collect();
        if in_vector_regs.len() < 2 {
            return Ok(None);
        }
        // Vector registers are independent of all other places, so those go first. v24 + n holds
        // vector n / 2 if n is even, else 4 + n / 2; gaps behind the last need not be filled.
        let last_reg = match in_vector_regs.len() {
            count @ ..=4 => 2 * (count - 1),
            5.. => 7,
        };
        let mut order: ParamOrder = (0..=last_reg)
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
        Ok(Some(order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::types::*;

    fn arrange(params: &[Type]) -> Option<ParamOrder> {
        let params: Vec<AbiParam> = params.iter().copied().map(AbiParam::new).collect();
        S390xMultiOut::arrange_params(&params).unwrap()
    }

    #[test]
    fn even_vector_registers_come_first() {
        // v24, v26, v28
        let order = arrange(&[I32X4, I64, F64X2, I8X16]).unwrap();
        let gap = Unused(I8X16);
        let want = [Formal(0), gap, Formal(2), gap, Formal(3), Formal(1)];
        assert_eq!(order, want);
    }

    #[test]
    fn the_ninth_vector_is_on_the_stack_in_its_turn() {
        let params = [vec![I64; 1], vec![I64X2; 9], vec![I64; 1]].concat();
        let in_regs = [1, 5, 2, 6, 3, 7, 4, 8];
        let want: Vec<_> = in_regs.into_iter().chain([0, 9, 10]).map(Formal).collect();
        assert_eq!(arrange(&params), Some(want));
    }

    #[test]
    fn one_vector_is_in_its_place() {
        assert_eq!(arrange(&[I64, I32X4, F64]), None);
    }
}
