//! Fields of a `SystemVMultiOut` out area on RISC-V (psABI, Integer Calling Convention, LP64D).
//!
//! The backend's stack loads and stores have the width of their type, but those of `f16` are
//! instructions of the Zfhmin extension, which a target may lack. Fields of that type go through an
//! integer register, with the boxing that the backend gives to a narrow float.
//!
//! The backend's places of parameters are C's but for these: on the stack C aligns an `i128` and an
//! `f128` to 16 bytes; it passes floats in integer registers when only these are left; and it
//! passes vectors, also a single result, in integer registers or by reference. The last two are
//! refused.

use super::abi::Riscv64MachineDeps;
use super::inst::*;
use super::lower::isle::generated_code::FpuOPWidth;
use crate::ir::{AbiParam, Type, types};
use crate::isa::CallConv;
use crate::isa::multi_out::OutTarget;
use crate::machinst::multi_out::{
    ArrangedParam::{Formal, Unused},
    MultiOutSpec, ParamOrder, UnsupportedParam, gen_zero_store,
};
use crate::machinst::{ABIMachineSpec, Reg, RegClass, SmallInstVec, StackAMode, Writable};
use alloc::vec::Vec;
use smallvec::smallvec;

pub struct Riscv64MultiOut;

impl MultiOutSpec<Riscv64MachineDeps> for Riscv64MultiOut {
    const TARGET: OutTarget = OutTarget::Riscv64;

    fn field_temp_regs(class: RegClass) -> [Writable<Reg>; 3] {
        let regs = match class {
            RegClass::Int => [x_reg(12), x_reg(13), x_reg(14)],
            RegClass::Float => [f_reg(0), f_reg(1), f_reg(2)],
            RegClass::Vector => [pv_reg(31).into(), pv_reg(30).into(), pv_reg(29).into()],
        };
        regs.map(Writable::from_reg)
    }

    fn isa_flags_allow(
        isa_flags: &<Riscv64MachineDeps as ABIMachineSpec>::F,
        ty: Type,
        _is_field: bool,
    ) -> bool {
        !ty.is_vector() || isa_flags.has_v()
    }

    fn gen_field_load(
        _caller_conv: CallConv,
        mem: StackAMode,
        into_reg: Writable<Reg>,
        ty: Type,
        temp: &mut dyn FnMut(Type) -> Writable<Reg>,
    ) -> SmallInstVec<Inst> {
        if ty != types::F16 {
            return smallvec![Riscv64MachineDeps::gen_load_stack(mem, into_reg, ty)];
        }
        // A 16-bit float is held as the low half of a 32-bit one whose upper half is all ones.
        let bits = temp(types::I64);
        let upper_ones = temp(types::I64);
        let boxed = temp(types::I64);
        smallvec![
            Inst::Load {
                rd: bits,
                op: LoadOP::Lhu,
                flags: MemFlagsData::trusted(),
                from: mem.into(),
            },
            Inst::Lui {
                rd: upper_ones,
                imm: Imm20::from_i32(-0x10),
            },
            Inst::AluRRR {
                alu_op: AluOPRRR::Or,
                rd: boxed,
                rs1: bits.to_reg(),
                rs2: upper_ones.to_reg(),
            },
            Inst::FpuRR {
                alu_op: FpuOPRR::FmvFmtX,
                width: FpuOPWidth::S,
                frm: FRM::RNE,
                rd: into_reg,
                rs: boxed.to_reg(),
            },
        ]
    }

    fn gen_field_store(
        base: Reg,
        offset: i32,
        from_reg: Reg,
        ty: Type,
        temp: &mut dyn FnMut(Type) -> Writable<Reg>,
    ) -> SmallInstVec<Inst> {
        if ty != types::F16 {
            return smallvec![Riscv64MachineDeps::gen_store_base_offset(
                base, offset, from_reg, ty
            )];
        }
        let bits = temp(types::I64);
        smallvec![
            Inst::FpuRR {
                alu_op: FpuOPRR::FmvXFmt,
                width: FpuOPWidth::S,
                frm: FRM::RNE,
                rd: bits,
                rs: from_reg,
            },
            Riscv64MachineDeps::gen_store_base_offset(base, offset, bits.to_reg(), types::I16),
        ]
    }

    fn gen_constant_field_store(
        base: Reg,
        offset: i32,
        bits: u64,
        ty: Type,
    ) -> Option<SmallInstVec<Inst>> {
        let store = gen_zero_store::<Riscv64MachineDeps>(base, offset, bits, ty, zero_reg());
        Some(smallvec![store?])
    }

    fn has_c_place(ty: Type) -> bool {
        !(ty.is_vector() || ty.is_dynamic_vector())
    }

    fn arrange_params(params: &[AbiParam]) -> Result<Option<ParamOrder>, UnsupportedParam> {
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
                _ if !Self::has_c_place(ty) => return Err(UnsupportedParam(ty)),
                _ if ty.is_float() && fregs < ARG_REGS => fregs += 1,
                _ if ty.is_float() && xregs < ARG_REGS => return Err(UnsupportedParam(ty)),
                _ if ty.is_int() && xregs < ARG_REGS => xregs += 1,
                _ => stack_words += 1,
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
    use alloc::vec;

    fn arrange(params: &[Type]) -> Result<Option<ParamOrder>, UnsupportedParam> {
        let params: Vec<AbiParam> = params.iter().copied().map(AbiParam::new).collect();
        Riscv64MultiOut::arrange_params(&params)
    }

    #[test]
    fn an_i128_on_the_stack_is_aligned() {
        let mut params = vec![I64; 9];
        params.push(I128);
        let mut want: Vec<_> = (0..10).map(Formal).collect();
        want.insert(9, Unused(I64));
        assert_eq!(arrange(&params), Ok(Some(want)));
    }

    #[test]
    fn an_i128_half_in_a7_needs_no_alignment() {
        let mut params = vec![I64; 7];
        params.push(F128);
        assert_eq!(arrange(&params), Ok(None));
    }

    #[test]
    fn a_float_that_c_passes_in_an_integer_register_is_refused() {
        let floats = vec![F64; 9];
        assert_eq!(arrange(&floats), Err(UnsupportedParam(F64)));
        let all_registers = [vec![I64; 8], floats].concat();
        assert_eq!(arrange(&all_registers), Ok(None));
    }

    #[test]
    fn vectors_are_refused() {
        assert_eq!(arrange(&[I32X4]), Err(UnsupportedParam(I32X4)));
    }
}
