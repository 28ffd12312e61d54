//! Fields of a `SystemVMultiOut` out area on x86-64 (System V psABI, section 3.2.3).
//!
//! The backend's stack loads are 64 bits wide for every integer, and its stores of `f16` and `i8x2`
//! are 32 bits wide, as they are made for slots of eight bytes. Fields are not: an eight-byte load
//! over two four-byte stores misses store forwarding, and a wider store overwrites the neighbour.
//! SSE2 has no 16-bit store from xmm registers, so these types go through a general-purpose
//! register.
//!
//! An `i128` that does not fit into the one integer register that is left goes to the stack, and
//! that register is free for the next integer parameter. The backend leaves it unused. GNU vectors
//! of less than 64 bits are integers to C and are refused where they would be in xmm registers.

use super::abi::X64ABIMachineSpec;
use super::inst::args::{Amode, ExtKind, Gpr, SyntheticAmode, Xmm};
use super::inst::{Inst, regs};
use crate::ir::{AbiParam, ArgumentPurpose, Type, types};
use crate::isa::CallConv;
use crate::isa::multi_out::OutTarget;
use crate::machinst::multi_out::{
    ArrangedParam::Formal, MultiOutSpec, ParamOrder, UnsupportedParam,
};
use crate::machinst::{
    FrameLayout, PrettyPrint, Reg, RegClass, SmallInstVec, StackAMode, Writable,
};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use cranelift_assembler_x64 as asm;
use smallvec::smallvec;

/// A field of an out area, seen from the caller, relative to the frame pointer.
#[derive(Clone, Copy, Debug)]
pub struct FieldFromRbp {
    /// Bytes above the stack pointer.
    sp_offset: i32,
}

/// The known offset from the frame pointer down to the stack pointer, beside those of
/// [`offsets`](super::inst::external::offsets), which are counted from zero.
pub const KEY_RSP_FROM_RBP: u8 = u8::MAX;

/// The value of [`KEY_RSP_FROM_RBP`] in a function with this frame. It is calculated once for all
/// of its instructions, as most of them are of no concern to this convention.
pub fn rsp_from_rbp(frame: &FrameLayout) -> i32 {
    -i32::try_from(frame.sp_to_fp()).expect("below the limit on frames")
}

impl FieldFromRbp {
    /// Keep in sync with the conversion into an `asm::Amode`.
    pub fn finalize(self, frame: &FrameLayout) -> Amode {
        Amode::imm_reg(self.sp_offset + rsp_from_rbp(frame), regs::rbp())
    }
}

/// Keep in sync with [`FieldFromRbp::finalize`].
impl From<FieldFromRbp> for asm::Amode<Gpr> {
    fn from(field: FieldFromRbp) -> Self {
        asm::Amode::ImmReg {
            base: Gpr::RBP,
            simm32: asm::AmodeOffsetPlusKnownOffset {
                simm32: field.sp_offset.into(),
                offset: Some(KEY_RSP_FROM_RBP),
            },
            trap: None,
        }
    }
}

impl PrettyPrint for FieldFromRbp {
    fn pretty_print(&self, _size: u8) -> String {
        format!("rbp(rsp - rbp + {})", self.sp_offset)
    }
}

/// The place of a field as an operand.
///
/// An operand relative to rsp has a byte more than one relative to rbp, the SIB byte. Where it
/// needs four bytes of displacement anyway, the latter is shorter, and if the field is near the
/// upper end of the frame, by four bytes. Nearer to rsp it depends on the size of the frame, which is
/// not known yet.
pub(super) fn field_amode(mem: StackAMode) -> SyntheticAmode {
    match mem {
        StackAMode::OutgoingArg(offset) if offset >= 128 => {
            let sp_offset = i32::try_from(offset).expect("below the limit on frames");
            SyntheticAmode::MultiOut(FieldFromRbp { sp_offset })
        }
        _ => mem.into(),
    }
}

pub struct X64MultiOut;

impl MultiOutSpec<X64ABIMachineSpec> for X64MultiOut {
    const TARGET: OutTarget = OutTarget::X64;

    fn field_temp_regs(class: RegClass) -> [Writable<Reg>; 3] {
        let regs = match class {
            RegClass::Int => [regs::r11(), regs::r10(), regs::r9()],
            RegClass::Float => [regs::xmm15(), regs::xmm14(), regs::xmm13()],
            RegClass::Vector => unreachable!(),
        };
        regs.map(Writable::from_reg)
    }

    fn gen_field_load(
        _caller_conv: CallConv,
        mem: StackAMode,
        into_reg: Writable<Reg>,
        ty: Type,
        temp: &mut dyn FnMut(Type) -> Writable<Reg>,
    ) -> SmallInstVec<Inst> {
        if !is_16_bits_in_xmm(ty) {
            return smallvec![Inst::load(
                ty,
                field_amode(mem),
                into_reg,
                ExtKind::ZeroExtend
            )];
        }
        let bits = temp(types::I32);
        let into_reg = into_reg.map(|reg| Xmm::unwrap_new(reg));
        let from_reg = Gpr::unwrap_new(bits.to_reg());
        smallvec![
            Inst::load(types::I16, field_amode(mem), bits, ExtKind::ZeroExtend),
            Inst::External {
                inst: asm::inst::movd_a::new(into_reg, from_reg).into(),
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
        let mem = Amode::imm_reg(offset, base);
        if !is_16_bits_in_xmm(ty) {
            return smallvec![Inst::store(ty, from_reg, mem)];
        }
        let bits = temp(types::I32);
        let into_reg = bits.map(Gpr::unwrap_new);
        let from_reg = Xmm::unwrap_new(from_reg);
        smallvec![
            Inst::External {
                inst: asm::inst::movd_b::new(into_reg, from_reg).into(),
            },
            Inst::store(types::I16, bits.to_reg(), mem),
        ]
    }

    fn gen_constant_field_store(
        base: Reg,
        offset: i32,
        bits: u64,
        ty: Type,
    ) -> Option<SmallInstVec<Inst>> {
        let mem = Amode::imm_reg(offset, base);
        let inst = match ty.bytes() {
            1 => asm::inst::movb_mi::new(mem, u8::try_from(bits).ok()?).into(),
            2 => asm::inst::movw_mi::new(mem, u16::try_from(bits).ok()?).into(),
            4 => asm::inst::movl_mi::new(mem, u32::try_from(bits).ok()?).into(),
            8 => asm::inst::movq_mi_sxl::new(mem, i32::try_from(bits.cast_signed()).ok()?).into(),
            _ => return None,
        };
        Some(smallvec![Inst::External { inst }])
    }

    fn has_c_place(ty: Type) -> bool {
        !(ty.is_vector() && ty.bits() < 64)
    }

    fn arrange_params(params: &[AbiParam]) -> Result<Option<ParamOrder>, UnsupportedParam> {
        if let Some(param) = params
            .iter()
            .find(|param| !Self::has_c_place(param.value_type))
        {
            return Err(UnsupportedParam(param.value_type));
        }
        if !params.iter().any(|param| param.value_type == types::I128) {
            return Ok(None);
        }
        let mut order = Vec::with_capacity(params.len());
        let mut is_placed = vec![false; params.len()];
        let mut free_gprs: usize = INT_ARG_REGS;
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
        Ok(Some(order).filter(|_| is_placed.contains(&true)))
    }
}

/// rdi, rsi, rdx, rcx, r8, r9.
const INT_ARG_REGS: usize = 6;

/// Is this parameter passed in one integer register, if one is left?
fn is_word(param: &AbiParam) -> bool {
    let is_struct = matches!(param.purpose, ArgumentPurpose::StructArgument(_));
    param.value_type.is_int() && param.value_type.bits() <= 64 && !is_struct
}

fn is_16_bits_in_xmm(ty: Type) -> bool {
    ty == types::F16 || ty == types::I8X2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::types::*;

    fn arrange(params: &[Type]) -> Result<Option<ParamOrder>, UnsupportedParam> {
        let params: Vec<AbiParam> = params.iter().copied().map(AbiParam::new).collect();
        X64MultiOut::arrange_params(&params)
    }

    #[test]
    fn an_integer_takes_the_register_that_an_i128_leaves() {
        let order = arrange(&[I64, I64, I64, I64, I64, I128, F64, I32, I32]).unwrap();
        let want = [0, 1, 2, 3, 4, 7, 5, 6, 8].map(Formal);
        assert_eq!(order.as_deref(), Some(&want[..]));
    }

    #[test]
    fn nothing_moves_where_an_i128_fits_or_no_register_is_left() {
        assert_eq!(arrange(&[I64, I64, I64, I64, I128, I64]), Ok(None));
        assert_eq!(
            arrange(&[I64, I64, I64, I64, I64, I64, I128, I64]),
            Ok(None)
        );
        assert_eq!(arrange(&[I64, I64, I64, I64, I64, I128, F64]), Ok(None));
    }

    #[test]
    fn narrow_vectors_are_refused() {
        assert_eq!(arrange(&[I64, I8X4]), Err(UnsupportedParam(I8X4)));
        assert_eq!(arrange(&[I64, I8X8]), Ok(None));
    }

    #[test]
    fn sixteen_bits_in_xmm_are_stored_from_a_general_purpose_register() {
        let base = regs::rdi();
        for ty in [F16, I8X2] {
            let mut temps = 0;
            let mut temp = |_| {
                temps += 1;
                Writable::from_reg(regs::r11())
            };
            let insts = X64MultiOut::gen_field_store(base, 2, regs::xmm0(), ty, &mut temp);
            assert_eq!((insts.len(), temps), (2, 1), "{ty}");
        }
    }
}
