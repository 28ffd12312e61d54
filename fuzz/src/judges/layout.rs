//! `layout`: the layout of out areas against `core::alloc::Layout`, and against itself.
//!
//! What this does not prove is the alignment of each type, of which the oracle is told; C compilers
//! judge that in `cargo xtask campaign c-abi`.

use crate::generator::settings::ROWS;
use crate::{Oracle, Verdict};
use arbitrary::Arbitrary;
use cranelift_codegen::ir::{Type, types};
use cranelift_codegen::isa::multi_out::{OutAreaError, OutTarget, compute_out_area};
use std::alloc;

/// See the module.
pub struct Layout;

/// The results of a function.
#[derive(Arbitrary, Debug)]
pub struct Case {
    target: u8,
    /// Indices into [`TYPES`].
    results: Vec<u8>,
}

/// Those that some target has, and at the end some that none has.
#[rustfmt::skip]
const TYPES: [Type; 32] = [
    types::I8, types::I16, types::I32, types::I64, types::I128, types::F32, types::F64, types::F128,
    types::I8, types::I32, types::I8, types::I64, types::I8X16, types::I16X8, types::I32X4,
    types::I64X2, types::F32X4, types::F64X2, types::F16, types::F16X8, types::I8X8, types::I16X4,
    types::I32X2, types::F32X2, types::I8X4, types::I16X2, types::I8X2, types::F16X2, types::F64,
    types::I128, types::I8X32, types::I32X4XN,
];

impl Oracle for Layout {
    const NAME: &'static str = "layout";
    type Case = Case;

    fn check(case: &Case) -> Verdict {
        let row = ROWS.get(usize::from(case.target) % (ROWS.len() + 1));
        let target = row.map_or(OutTarget::Pulley, |row| row.target);
        let index = |byte: &u8| usize::from(*byte) % TYPES.len();
        let mut results: Vec<Type> = case.results.iter().map(|byte| TYPES[index(byte)]).collect();
        if let Some(place) = results.iter().position(|ty| !target.has_memory_type(*ty)) {
            let (ty, error) = (results[place], compute_out_area(&results, target));
            assert_eq!(error, Err(OutAreaError::UnsupportedType { ty, target }));
            results.truncate(place);
        }
        check_offsets(&results, target);
        check_invariants(&results, target);
        Verdict::Passed
    }
}

/// `Layout::extend` is the rule of `repr(C)`.
fn check_offsets(results: &[Type], target: OutTarget) {
    let area = compute_out_area(results, target).expect("types that the target has");
    let max_align = match target {
        OutTarget::S390x => 8,
        _ => 16,
    };
    let mut layout = alloc::Layout::new::<()>();
    for (ty, field) in results.iter().zip(&area.fields) {
        let size = ty.bytes() as usize;
        let next = alloc::Layout::from_size_align(size, size.min(max_align));
        let next = next.expect("the size of a type");
        let (extended, offset) = layout.extend(next).expect("a small struct");
        let wanted = (offset as u32, *ty);
        assert_eq!((field.offset, field.ty), wanted, "{results:?} on {target}");
        layout = extended;
    }
    let layout = layout.pad_to_align();
    assert_eq!(
        (area.fields.len(), area.size as usize, area.align as usize),
        (results.len(), layout.size(), layout.align()),
        "{results:?} on {target}"
    );
}

/// Fields do not overlap, lie aligned, and do not move when results follow.
fn check_invariants(results: &[Type], target: OutTarget) {
    let layout = |results| compute_out_area(results, target).expect("types that the target has");
    let area = layout(results);
    let shorter = layout(&results[..results.len() / 2]);
    assert!(
        area.fields.starts_with(&shorter.fields),
        "{results:?} on {target}: the first fields moved"
    );
    assert!(area.align.is_power_of_two() && area.align <= target.max_align());
    assert_eq!(area.size % area.align, 0, "{results:?} on {target}");
    let mut end = 0;
    for field in &area.fields {
        let align = field.ty.bytes().min(target.max_align());
        assert_eq!(field.offset % align, 0, "{results:?} on {target}");
        assert!(field.offset >= end && field.offset - end < align);
        end = field.offset + field.ty.bytes();
    }
    assert!(area.size >= end && area.size - end < area.align);
}

#[cfg(test)]
mod tests {
    #[test]
    fn smoke() {
        crate::smoke::smoke::<super::Layout>(10_000, 0);
    }
}
