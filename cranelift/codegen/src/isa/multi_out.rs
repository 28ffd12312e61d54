//! The out area of multi-out conventions: where several results lie in memory.
//!
//! A function of such a convention with two or more results returns nothing in registers. Its caller
//! passes, before every other argument, a pointer to a C struct whose fields are the results in
//! order, and the callee stores every field before it returns:
//!
//! ```text
//!   (i64 vmctx) -> i8, i128, f32        struct { int8_t r0; __int128 r1; float r2; }
//!
//!   out + 0    r0            1 byte, then padding up to the alignment of the next field
//!   out + 16   r1           16 bytes (s390x: at out + 8, as no type is aligned to more than 8 bytes)
//!   out + 32   r2            4 bytes, then padding up to the largest alignment
//!   out + 48
//! ```
//!
//! This module is the only place that knows that layout. It is a pure function of types and target,
//! without any state of the compiler, so that embedders, tests and code generators can all ask it.
//! Sizes, offsets and alignments are in bytes.

use crate::ir::{Type, types};
use crate::result::CodegenError;
use alloc::format;
use alloc::vec::Vec;
use core::fmt;
use target_lexicon::{Architecture, Triple};

/// A target as far as the layout of an out area and the types in it depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OutTarget {
    /// x86-64, System V psABI or Windows.
    X64,
    /// AArch64, AAPCS64 or Apple.
    Aarch64,
    /// 64-bit RISC-V, LP64D.
    Riscv64,
    /// s390x, ELF ABI with the vector facility (z14).
    S390x,
    /// Pulley of any width and byte order, whose structs are those of a 64-bit host.
    Pulley,
}

impl OutTarget {
    /// The target of a triple, or `None` for an architecture without a Cranelift backend.
    pub fn from_triple(triple: &Triple) -> Option<Self> {
        match triple.architecture {
            Architecture::X86_64 => Some(Self::X64),
            Architecture::Aarch64(_) => Some(Self::Aarch64),
            Architecture::Riscv64(_) => Some(Self::Riscv64),
            Architecture::S390x => Some(Self::S390x),
            Architecture::Pulley32
            | Architecture::Pulley64
            | Architecture::Pulley32be
            | Architecture::Pulley64be => Some(Self::Pulley),
            _ => None,
        }
    }

    /// The largest alignment, in bytes, that the C compiler gives to any type of a result: that of
    /// the stack pointer, which is 8 on s390x.
    pub fn max_align(self) -> u32 {
        match self {
            Self::X64 | Self::Aarch64 | Self::Riscv64 | Self::Pulley => 16,
            Self::S390x => 8,
        }
    }

    /// Can the backend move a value of this type between a register and memory?
    ///
    /// This does not depend on settings, which only the backend knows: it refuses RISC-V vectors
    /// without the V extension, and vectors on big-endian Pulley. Vectors of `f16` are `false`
    /// where the backend has no registers for them.
    pub fn has_memory_type(self, ty: Type) -> bool {
        if ty.is_dynamic_vector() || ty.bits() < 8 {
            return false;
        }
        let is_vector = ty.is_vector();
        match self {
            Self::X64 | Self::Aarch64 => ty.bits() <= 128,
            Self::Riscv64 => ty.bits() <= 128 && !(is_vector && ty.lane_type() == types::F16),
            Self::S390x => ty.bits() == 128 || (!is_vector && ty.bits() <= 64),
            Self::Pulley if is_vector => ty.bits() == 128 && ty.lane_type() != types::F16,
            Self::Pulley => ty.bits() <= 64 && ty != types::F16,
        }
    }

    /// Are results of these types returned through an out area?
    ///
    /// Two or more always are. A single one is where the C compiler itself returns it through a
    /// hidden first pointer: `i128` and `f128` on s390x.
    pub fn uses_out_area(self, results: &[Type]) -> bool {
        match results {
            [] => false,
            [ty] => self == Self::S390x && matches!(*ty, types::I128 | types::F128),
            _ => true,
        }
    }
}

impl fmt::Display for OutTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X64 => "x86-64",
            Self::Aarch64 => "aarch64",
            Self::Riscv64 => "riscv64",
            Self::S390x => "s390x",
            Self::Pulley => "pulley",
        })
    }
}

/// One result in an out area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutField {
    /// The type of the result. The field is exactly as wide as this type.
    pub ty: Type,
    /// Distance from the start of the area, in bytes; a multiple of the field's alignment.
    pub offset: u32,
}

/// The layout of an out area: that of a C struct of the results in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutArea {
    /// The results in order.
    pub fields: Vec<OutField>,
    /// Size in bytes, padding at the end included; a multiple of `align`.
    pub size: u32,
    /// Alignment in bytes, a power of two; 1 if there are no fields.
    pub align: u32,
}

/// Why results have no out area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutAreaError {
    /// The target cannot load and store this type.
    UnsupportedType {
        /// The type of the result.
        ty: Type,
        /// The target in question.
        target: OutTarget,
    },
    /// The size of the area is no `u32`.
    TooLarge,
}

impl fmt::Display for OutAreaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnsupportedType { ty, target } => write!(
                f,
                "a result of type {ty} among several is not supported on {target}, \
                 which cannot load and store it"
            ),
            Self::TooLarge => f.write_str("the out area is 4 GiB or larger"),
        }
    }
}

impl core::error::Error for OutAreaError {}

impl From<OutAreaError> for CodegenError {
    fn from(error: OutAreaError) -> Self {
        match error {
            OutAreaError::UnsupportedType { .. } => Self::Unsupported(format!("{error}")),
            OutAreaError::TooLarge => Self::ImplLimitExceeded,
        }
    }
}

/// Compute the out area for results of these types, in order, on this target.
///
/// Whether there is one is for [`OutTarget::uses_out_area`] to say: fewer than two results are
/// returned in registers, but for exceptions that it knows.
///
/// Each field lies at the next multiple of its alignment, which is its size but at most
/// [`OutTarget::max_align`]; the size of the area is rounded up to its largest alignment. These are
/// the rules for structs of the System V psABI for x86-64 (section 3.1.2), AAPCS64 (section 5.9),
/// the RISC-V psABI (Integer Calling Convention) and the s390x ELF ABI supplement (chapter 1).
///
/// # Errors
///
/// If a type cannot be loaded and stored on the target, or if the area is too large for a `u32`.
pub fn compute_out_area(results: &[Type], target: OutTarget) -> Result<OutArea, OutAreaError> {
    let mut fields = Vec::with_capacity(results.len());
    let mut end = 0;
    let mut align = 1;
    for &ty in results {
        if !target.has_memory_type(ty) {
            return Err(OutAreaError::UnsupportedType { ty, target });
        }
        let field_align = ty.bytes().min(target.max_align());
        let offset = align_up(end, field_align)?;
        fields.push(OutField { ty, offset });
        end = offset
            .checked_add(ty.bytes())
            .ok_or(OutAreaError::TooLarge)?;
        align = align.max(field_align);
    }
    let size = align_up(end, align)?;
    Ok(OutArea {
        fields,
        size,
        align,
    })
}

fn align_up(offset: u32, align: u32) -> Result<u32, OutAreaError> {
    debug_assert!(align.is_power_of_two());
    offset
        .checked_next_multiple_of(align)
        .ok_or(OutAreaError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::types::*;

    const TARGETS: [OutTarget; 5] = [
        OutTarget::X64,
        OutTarget::Aarch64,
        OutTarget::Riscv64,
        OutTarget::S390x,
        OutTarget::Pulley,
    ];

    fn offsets(area: &OutArea) -> Vec<u32> {
        area.fields.iter().map(|field| field.offset).collect()
    }

    /// Offsets, size and alignment were printed by a C program with `offsetof`, `sizeof` and
    /// `_Alignof`.
    fn assert_area(results: &[Type], target: OutTarget, want: (&[u32], u32, u32)) {
        let area = compute_out_area(results, target).unwrap();
        assert_eq!(
            (&*offsets(&area), area.size, area.align),
            want,
            "{results:?} on {target}"
        );
    }

    #[test]
    fn sixteen_byte_integers_are_aligned_as_in_c() {
        let results = [I8, I128, F32, F64];
        for target in [OutTarget::X64, OutTarget::Aarch64, OutTarget::Riscv64] {
            assert_area(&results, target, (&[0, 16, 32, 40], 48, 16));
        }
        assert_area(&results, OutTarget::S390x, (&[0, 8, 24, 32], 40, 8));
    }

    #[test]
    fn small_fields_are_not_widened() {
        for target in TARGETS {
            assert_area(&[I8, I16, I8, I64, I32], target, (&[0, 2, 4, 8, 16], 24, 8));
            assert_area(&[I8, I8, I8], target, (&[0, 1, 2], 3, 1));
        }
    }

    #[test]
    fn vectors_and_f128_follow_the_stack_alignment() {
        for (results, wide, narrow) in [([I32, I32X4, I8], 48, 32), ([I16, F128, I8], 48, 32)] {
            let size = |target| compute_out_area(&results, target).unwrap().size;
            assert_eq!(size(OutTarget::X64), wide);
            assert_eq!(size(OutTarget::Aarch64), wide);
            assert_eq!(size(OutTarget::Riscv64), wide);
            assert_eq!(size(OutTarget::S390x), narrow);
        }
    }

    #[test]
    fn no_results_need_no_area() {
        assert_area(&[], OutTarget::X64, (&[], 0, 1));
        assert!(!OutTarget::X64.uses_out_area(&[]));
    }

    #[test]
    fn one_result_uses_an_area_only_where_c_does() {
        for target in TARGETS {
            assert!(!target.uses_out_area(&[I64]));
            assert!(target.uses_out_area(&[I64, I8]));
            let hidden_pointer = target == OutTarget::S390x;
            assert_eq!(target.uses_out_area(&[I128]), hidden_pointer);
            assert_eq!(target.uses_out_area(&[F128]), hidden_pointer);
        }
        assert!(!OutTarget::S390x.uses_out_area(&[I8X16]));
    }

    #[test]
    fn refused_types_are_named_with_the_target() {
        for (ty, target) in [
            (I8X8, OutTarget::S390x),
            (I128, OutTarget::Pulley),
            (F16, OutTarget::Pulley),
            (F16X8, OutTarget::Riscv64),
            (I8X32, OutTarget::X64),
            (I8X16XN, OutTarget::Aarch64),
        ] {
            let error = compute_out_area(&[I8, ty], target).unwrap_err();
            assert_eq!(error, OutAreaError::UnsupportedType { ty, target });
            let text = format!("{error}");
            assert!(text.contains(&format!("{ty}")), "{text}");
            assert!(text.contains(&format!("{target}")), "{text}");
        }
    }

    #[test]
    fn every_architecture_with_a_backend_has_a_target() {
        for name in [
            "x86_64",
            "aarch64",
            "riscv64",
            "s390x",
            "pulley32",
            "pulley64",
            "pulley32be",
            "pulley64be",
        ] {
            let triple: Triple = name.parse().unwrap();
            assert!(OutTarget::from_triple(&triple).is_some(), "{name}");
        }
        assert_eq!(OutTarget::from_triple(&"i686".parse().unwrap()), None);
    }
}
