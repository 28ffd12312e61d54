//! What a compiled module consists of.

use crate::module::Declarations;
use crate::vmcontext::Layout;
use multi_out::{Code, Frames};

#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) declarations: Declarations,
    pub(crate) layout: Layout,
    /// Of the functions that are not imported.
    pub(crate) addresses: Vec<*const u8>,
    /// Bytes of code.
    pub(crate) compiled: usize,
    /// Dropped in this order.
    _code: (Frames, Code),
}

impl Parts {
    /// The addresses and frames are of the code.
    pub(crate) fn new(
        declarations: Declarations,
        layout: Layout,
        addresses: Vec<*const u8>,
        compiled: usize,
        code: (Frames, Code),
    ) -> Self {
        Self {
            declarations,
            layout,
            addresses,
            compiled,
            _code: code,
        }
    }
}
