//! What multi-out conventions are over, and whose they are.

use super::CallConv;
use crate::isa::multi_out::OutTarget;
use target_lexicon::Triple;

impl CallConv {
    /// The convention that this one is apart from where it puts results: itself, unless it
    /// [is multi-out](Self::is_multi_out).
    pub fn base(self) -> Self {
        match self {
            Self::SystemVMultiOut => Self::SystemV,
            Self::WindowsFastcallMultiOut => Self::WindowsFastcall,
            Self::AppleAarch64MultiOut => Self::AppleAarch64,
            conv => conv,
        }
    }

    /// Does it put two or more results in a C struct of the caller's?
    pub fn is_multi_out(self) -> bool {
        self != self.base()
    }

    /// The convention of C functions with several results for the given target triple, or `None`
    /// if there is none over the triple's default convention.
    pub fn triple_multi_out(triple: &Triple) -> Option<Self> {
        let conv = match Self::triple_default(triple) {
            Self::SystemV => Self::SystemVMultiOut,
            Self::WindowsFastcall => Self::WindowsFastcallMultiOut,
            Self::AppleAarch64 => Self::AppleAarch64MultiOut,
            _ => return None,
        };
        let target = OutTarget::from_triple(triple)?;
        conv.is_on(target).then_some(conv)
    }

    /// Is there C with the base of this multi-out convention on the target?
    pub(crate) fn is_on(self, target: OutTarget) -> bool {
        match self {
            Self::WindowsFastcallMultiOut => target == OutTarget::X64,
            Self::AppleAarch64MultiOut => target == OutTarget::Aarch64,
            _ => true,
        }
    }
}
