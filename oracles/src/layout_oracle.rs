//! The layout of out areas against that of Rust's structs, computed by `core::alloc::Layout`.
//!
//! `Layout::extend` is the rule of `repr(C)`. What this does not prove is the alignment of each type,
//! of which it is told: at most 16 bytes, or 8 on s390x, as the C compilers confirm elsewhere.

use anyhow::{Result, ensure};
use cranelift_codegen::ir::{Type, types::*};
use cranelift_codegen::isa::multi_out::{OutTarget, compute_out_area};
use std::alloc::Layout;

/// Types of every size and class; a target may not have all.
pub const TYPES: [Type; 16] = [
    I8, I16, I32, I64, I128, F16, F32, F64, F128, I8X2, I8X4, I8X8, I8X16, F32X4, F64X2, I16X4,
];

/// Check the layout of an area on a target.
///
/// # Errors
///
/// If the layouts differ, naming the first field that does.
pub fn check(results: &[Type], target: OutTarget) -> Result<()> {
    let area = compute_out_area(results, target)?;
    let max_align = match target {
        OutTarget::S390x => 8,
        _ => 16,
    };
    let mut layout = Layout::new::<()>();
    for (index, (ty, field)) in results.iter().zip(&area.fields).enumerate() {
        let size = ty.bytes() as usize;
        let (extended, offset) =
            layout.extend(Layout::from_size_align(size, size.min(max_align))?)?;
        ensure!(
            field.offset as usize == offset && field.ty == *ty,
            "{results:?} on {target}: field {index} is at {}, not {offset}",
            field.offset
        );
        layout = extended;
    }
    let layout = layout.pad_to_align();
    let want = (results.len(), layout.size(), layout.align());
    let got = (area.fields.len(), area.size as usize, area.align as usize);
    ensure!(
        got == want,
        "{results:?} on {target}: fields, size and alignment are {got:?}, not {want:?}"
    );
    Ok(())
}

/// The types of [`TYPES`] that a target has.
pub fn types_of(target: OutTarget) -> Vec<Type> {
    TYPES
        .into_iter()
        .filter(|&ty| target.has_memory_type(ty))
        .collect()
}
