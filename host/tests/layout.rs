//! The constants of `Layout` are what the fork's `compute_out_area` says: for every target, all lists of
//! up to four types and random longer ones. `ABI.md`, section 4.3.
#![cfg(feature = "fork")]

use cranelift_codegen::ir::Type;
use cranelift_codegen::ir::types::*;
use cranelift_codegen::isa::multi_out::{OutTarget, compute_out_area};
use multi_out::layout::Layout;

const TYPES: [Type; 8] = [I8, I16, I32, I64, I128, F32, F64, I8X16];

const TARGETS: [OutTarget; 5] = [
    OutTarget::X64,
    OutTarget::Aarch64,
    OutTarget::Riscv64,
    OutTarget::S390x,
    OutTarget::Pulley,
];

/// How many of the targets have such an area.
fn compare(types: &[Type]) -> usize {
    let sizes: Vec<u32> = types.iter().map(|ty| ty.bytes()).collect();
    let mut compared = 0;
    for target in TARGETS {
        let Ok(area) = compute_out_area(types, target) else {
            continue;
        };
        compared += 1;
        let layout = Layout::new(&sizes, target.max_align());
        assert_eq!(
            (layout.size(), layout.align()),
            (area.size, area.align),
            "{types:?} on {target}"
        );
        for (index, field) in area.fields.iter().enumerate() {
            let offset = layout.offset(index);
            assert_eq!(
                offset, field.offset,
                "field {index} of {types:?} on {target}"
            );
        }
    }
    compared
}

#[test]
fn all_short_lists_are_as_the_fork_has_them() {
    let mut lists = vec![vec![]];
    for _ in 0..4 {
        let longer = |list: &Vec<Type>| TYPES.map(|ty| [&list[..], &[ty]].concat());
        let all: Vec<_> = lists.iter().flat_map(longer).collect();
        let compared: usize = all.iter().map(|list| compare(list)).sum();
        assert!(compared >= 4 * all.len(), "{compared} of {}", all.len());
        lists = all;
    }
    assert_eq!(lists.len(), 8_usize.pow(4));
}

#[test]
fn long_lists_are_as_the_fork_has_them() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut below = |n: usize| random.usize(..n);
    for _ in 0..2_000 {
        let list: Vec<Type> = (0..5 + below(96)).map(|_| TYPES[below(8)]).collect();
        assert!(compare(&list) >= 4, "{list:?}");
    }
}
