//! What programs are made for.

use cranelift_codegen::ir::{Endianness, Type, types};
use cranelift_codegen::isa::multi_out::OutTarget;
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use target_lexicon::{PointerWidth, Triple};

/// What a program is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Which types there are, and what C does with them.
    pub target: OutTarget,
    /// The type of an address.
    pub pointer: Type,
    /// The order of bytes in memory.
    pub endianness: Endianness,
    /// Whether there is `f16`, if the target can have it.
    pub has_f16: bool,
    /// Whether there is who throws, and restores registers for it.
    pub has_thrower: bool,
    /// Whether programs whose settings ask for more features than every such machine has may use them.
    pub has_features: bool,
}

impl Machine {
    /// That of a triple, if Cranelift has a backend for it.
    pub fn of(triple: &Triple) -> Option<Self> {
        let pointer = match triple.pointer_width().ok()? {
            PointerWidth::U32 => types::I32,
            _ => types::I64,
        };
        let endianness = match triple.endianness().ok()? {
            target_lexicon::Endianness::Little => Endianness::Little,
            target_lexicon::Endianness::Big => Endianness::Big,
        };
        OutTarget::from_triple(triple).map(|target| Machine {
            target,
            pointer,
            endianness,
            has_f16: true,
            has_thrower: true,
            has_features: false,
        })
    }

    /// Whether programs for it have values of a type.
    pub fn has(self, ty: Type) -> bool {
        // Cranelift has no vectors on big-endian Pulley.
        let is_big_pulley = self.target == OutTarget::Pulley && self.endianness == Endianness::Big;
        let is_missing = (ty.is_vector() && is_big_pulley) || (ty == types::F16 && !self.has_f16);
        self.target.has_memory_type(ty) && !is_missing
    }

    pub(crate) fn frontend_config(self) -> TargetFrontendConfig {
        TargetFrontendConfig {
            default_call_conv: CallConv::SystemV,
            pointer_width: match self.pointer {
                types::I32 => PointerWidth::U32,
                _ => PointerWidth::U64,
            },
            page_size_align_log2: 12,
        }
    }
}
