//! Results of `SystemVMultiOut` calls as memory operands.
//!
//! A field of an out area is used from memory wherever a load can be, unless the call has few
//! results, and it is told by the instruction that defines it: a call instead of a load.

use super::*;
use crate::isa::x64::multi_out::field_amode;

/// Of calls with at most so many results no field is an operand in memory, but for extensions.
///
/// Processors that predict on which store a load depends, such as Intel's since Golden Cove, forward
/// what was just stored to a `mov` at once, but to other instructions after the usual five cycles.
/// That is worth an instruction more for each result while there are few.
const MAX_LOADED_RESULTS: usize = 4;

impl SinkableLoad {
    /// The field that has this value, if the current instruction is its only user and may use it
    /// from memory.
    ///
    /// A field narrower than `min_bits` is none, as instructions that operate on as many bits may
    /// read as many.
    pub(super) fn of_field(ctx: &Lower<MInst>, value: Value, min_bits: u32) -> Option<Self> {
        let user = ctx.current_inst()?;
        let field = field_operand(ctx, user, value, min_bits)?;
        // One of two fields has to be in a register: the first, as C compilers have it.
        let is_before_field = match *ctx.dfg().inst_args(user) {
            [first, second] => {
                first == value
                    && second != value
                    && field_operand(ctx, user, second, min_bits).is_some()
            }
            _ => false,
        };
        (!is_before_field).then_some(field)
    }

    /// The place of the field, or `None` if this is a load.
    pub(super) fn field_amode(&self, ctx: &Lower<MInst>) -> Option<SyntheticAmode> {
        if !ctx.data(self.inst).opcode().is_call() {
            return None;
        }
        let value = ctx.dfg().inst_results(self.inst)[self.addr_input.input];
        let (_, _, mem) = ctx
            .intact_field(value)
            .expect("the instruction is the one for which the field was found");
        Some(field_amode(mem))
    }
}

/// The field that has this value, if `user`, the current instruction, can use it from memory.
fn field_operand(
    ctx: &Lower<MInst>,
    user: Inst,
    value: Value,
    min_bits: u32,
) -> Option<SinkableLoad> {
    let call = ctx.dfg().value_def(value).inst()?;
    // An extension from memory is a load.
    let is_extension = matches!(ctx.data(user).opcode(), Opcode::Uextend | Opcode::Sextend);
    let is_loaded = !is_extension && ctx.dfg().inst_results(call).len() <= MAX_LOADED_RESULTS;
    if is_loaded || ctx.value_ty(value).bits() < min_bits {
        return None;
    }
    let (insn, input, _) = ctx.intact_field(value)?;
    Some(SinkableLoad {
        inst: insn,
        addr_input: InsnInput { insn, input },
        offset: 0,
    })
}
