//! What compiled code finds behind its context, and where.
//!
//! ```text
//!   0  runtime     the store's, with the stack limit
//!   8  instance    for the functions in Rust that compiled code calls
//!  16  memories    a pointer to `MemoryInstance` each
//!      tables      a pointer to `TableInstance` each
//!      globals     a pointer to 8 bytes each
//!      functions   a `FunctionRecord` each, imports first
//! ```

use crate::module::Declarations;
use std::cell::Cell;

/// The context of all functions of an instance: the beginning of what is drawn above.
#[repr(C)]
#[derive(Debug)]
pub struct VmContext {
    pub(crate) runtime: *const Runtime,
    /// An `InstanceData`, which is above this file: for `builtins` to cast.
    pub(crate) instance: *const (),
}

/// What all instances of a store share.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct Runtime {
    /// Functions trap where their stack pointer is below.
    pub(crate) stack_limit: Cell<usize>,
}

/// A function to call. A reference to a function is a pointer to one of these.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct FunctionRecord {
    pub(crate) code: *const u8,
    pub(crate) context: *mut VmContext,
    /// See [`FuncType::id`](crate::FuncType).
    pub(crate) ty: u64,
}

/// Offsets in a [`FunctionRecord`].
pub(crate) const CODE: i32 = std::mem::offset_of!(FunctionRecord, code) as i32;
pub(crate) const CONTEXT: i32 = std::mem::offset_of!(FunctionRecord, context) as i32;
pub(crate) const TYPE: i32 = std::mem::offset_of!(FunctionRecord, ty) as i32;
/// Offsets in a [`VmContext`].
pub(crate) const RUNTIME: i32 = std::mem::offset_of!(VmContext, runtime) as i32;
pub(crate) const INSTANCE: i32 = std::mem::offset_of!(VmContext, instance) as i32;

/// Where the parts of a module's contexts are, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    memories: i32,
    tables: i32,
    globals: i32,
    functions: i32,
    /// Of all of it.
    pub(crate) size: i32,
}

impl Layout {
    /// The counts are below the validator's limits, of a million.
    pub(crate) fn new(module: &Declarations) -> Self {
        let words = |count: usize| count as i32 * 8;
        let memories = size_of::<VmContext>() as i32;
        let tables = memories + words(module.memories.len());
        let globals = tables + words(module.tables.len());
        let functions = globals + words(module.globals.len());
        Self {
            memories,
            tables,
            globals,
            functions,
            size: functions + 3 * words(module.functions.len()),
        }
    }

    pub(crate) fn memory(&self, index: u32) -> i32 {
        self.memories + index as i32 * 8
    }

    pub(crate) fn table(&self, index: u32) -> i32 {
        self.tables + index as i32 * 8
    }

    pub(crate) fn global(&self, index: u32) -> i32 {
        self.globals + index as i32 * 8
    }

    pub(crate) fn function(&self, index: u32) -> i32 {
        self.functions + index as i32 * size_of::<FunctionRecord>() as i32
    }
}
