//! Results of `SystemVMultiOut` calls as memory operands.
//!
//! A field of an out area is used from memory wherever a load can be, and it is told by the
//! instruction that defines it: a call instead of a load.

use super::*;

impl SinkableLoad {
    /// The field that has this value, if the current instruction is its only user and may use it
    /// from memory.
    ///
    /// A field narrower than `min_bits` is none, as instructions that operate on as many bits may
    /// read as many.
    pub(super) fn of_field(ctx: &Lower<MInst>, value: Value, min_bits: u32) -> Option<Self> {
        if ctx.value_ty(value).bits() < min_bits || ctx.is_before_intact_field(value) {
            return None;
        }
        let (insn, input, _) = ctx.intact_field(value)?;
        Some(Self {
            inst: insn,
            addr_input: InsnInput { insn, input },
            offset: 0,
        })
    }

    /// The place of the field, or `None` if this is a load.
    pub(super) fn field_amode(&self, ctx: &Lower<MInst>) -> Option<SyntheticAmode> {
        if !ctx.data(self.inst).opcode().is_call() {
            return None;
        }
        let value = ctx.dfg().inst_results(self.inst)[self.addr_input.input];
        let (_, _, amode) = ctx
            .intact_field(value)
            .expect("the instruction is the one for which the field was found");
        Some(amode.into())
    }
}
