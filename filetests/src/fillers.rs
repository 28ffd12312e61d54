//! What the reader puts where the numbering of `fnN` and `gvN` has gaps.

use cranelift_codegen::ir::ExternalName;

/// Is this the name of a filler? It stands for nothing, and what has it has no signature.
pub fn is_filler(name: &ExternalName) -> bool {
    matches!(name, ExternalName::TestCase(name) if name.raw().is_empty())
}
