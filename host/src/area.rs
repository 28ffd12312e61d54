//! The struct of results where Cranelift does not know of it.

use crate::layout::{Layout, max_align};
use cranelift_codegen::ir::Type;
use cranelift_codegen::isa::TargetIsa;

/// The struct of results.
#[derive(Clone, Debug)]
pub(crate) struct Area {
    /// Type and offset of each.
    pub(crate) fields: Vec<(Type, i32)>,
    pub(crate) size: u32,
    pub(crate) align: u32,
}

impl Area {
    pub(crate) fn new(isa: &dyn TargetIsa, types: Vec<Type>) -> Self {
        let sizes: Vec<u32> = types.iter().map(|ty| ty.bytes()).collect();
        let layout = Layout::new(&sizes, max_align(isa.name() == "s390x"));
        let field = |(index, ty)| (ty, layout.offset(index) as i32);
        Self {
            fields: types.into_iter().enumerate().map(field).collect(),
            size: layout.size(),
            align: layout.align(),
        }
    }
}
