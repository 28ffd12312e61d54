//! Results of `SystemVMultiOut` calls as memory operands, for the rules at the end of `lower.isle`.

use super::*;

/// The place of a 32- or 64-bit integer that the current instruction alone uses, and may use from the
/// out area.
pub(super) fn intact_field_32_64(ctx: &Lower<MInst>, value: Value) -> Option<MemArg> {
    if !matches!(ctx.value_ty(value), I32 | I64) {
        return None;
    }
    let (_, _, place) = ctx.intact_field(value)?;
    Some(place.into())
}
