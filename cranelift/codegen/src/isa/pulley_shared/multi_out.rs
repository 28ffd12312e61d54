//! Fields of a `SystemVMultiOut` out area on Pulley.
//!
//! Pulley's own ABI stands in for the C compiler's: the out pointer is in x0, and a field lies in
//! memory as the host of the same byte order would put it there. All of Pulley's loads and stores
//! of vectors are little-endian, so big-endian targets have no such fields.

use super::PulleyTargetKind;
use super::abi::PulleyMachineDeps;
use super::inst::regs::{f_reg, v_reg, x_reg};
use crate::ir::Type;
use crate::isa::multi_out::OutTarget;
use crate::machinst::multi_out::MultiOutSpec;
use crate::machinst::{ABIMachineSpec, Reg, RegClass, Writable};

pub struct PulleyMultiOut;

impl<P: PulleyTargetKind> MultiOutSpec<PulleyMachineDeps<P>> for PulleyMultiOut {
    const TARGET: OutTarget = OutTarget::Pulley;

    fn field_temp_regs(class: RegClass) -> [Writable<Reg>; 3] {
        let regs = match class {
            RegClass::Int => [x_reg(15), x_reg(14), x_reg(13)],
            RegClass::Float => [f_reg(15), f_reg(14), f_reg(13)],
            RegClass::Vector => [v_reg(15), v_reg(14), v_reg(13)],
        };
        regs.map(Writable::from_reg)
    }

    fn isa_flags_allow(
        isa_flags: &<PulleyMachineDeps<P> as ABIMachineSpec>::F,
        ty: Type,
        is_field: bool,
    ) -> bool {
        !(is_field && ty.is_vector() && isa_flags.big_endian())
    }
}
