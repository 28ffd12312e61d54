//! What the functions under test read and write through their `vmctx` parameter.

use crate::calls::graffiti;
use std::mem::offset_of;
use std::ptr;

/// A value in memory, from its first byte on. The rest is not used.
pub type Slot = [u8; 16];

/// The most results of any shape.
pub const MAX_RESULTS: usize = 1000;

/// The most parameters of any shape, apart from `vmctx`.
pub const MAX_PARAMS: usize = 128;

/// The context of a call. Keep in sync with `struct vmctx` in `c/unwind.cpp`.
///
/// A callee takes its results from `results` and leaves its arguments in `seen`; a caller takes
/// its arguments from `args` and leaves the callee's results in `got`.
#[repr(C, align(16))]
pub struct VmContext {
    /// How many callees were called.
    pub calls: u64,
    /// Whom to call indirectly.
    pub callee: *const u8,
    /// What a callee returns.
    pub results: [Slot; MAX_RESULTS],
    /// What a caller passes.
    pub args: [Slot; MAX_PARAMS],
    /// What a callee was passed.
    pub seen: [Slot; MAX_PARAMS],
    /// What a caller was returned.
    pub got: [Slot; MAX_RESULTS],
}

impl VmContext {
    /// A context with all values, and nothing seen yet.
    pub fn new() -> Box<Self> {
        let untouched = [graffiti::UNTOUCHED; 16];
        Box::new(Self {
            calls: 0,
            callee: ptr::null(),
            results: std::array::from_fn(graffiti::result),
            args: std::array::from_fn(graffiti::param),
            seen: [untouched; MAX_PARAMS],
            got: [untouched; MAX_RESULTS],
        })
    }
}

/// Where [`VmContext::calls`] is.
pub const CALLS: i32 = offset_of!(VmContext, calls) as i32;

/// Where [`VmContext::callee`] is.
pub const CALLEE: i32 = offset_of!(VmContext, callee) as i32;

/// Where an element of [`VmContext::results`] is.
pub const fn result_offset(index: usize) -> i32 {
    (offset_of!(VmContext, results) + index * size_of::<Slot>()) as i32
}

/// Where an element of [`VmContext::args`] is.
pub const fn arg_offset(index: usize) -> i32 {
    (offset_of!(VmContext, args) + index * size_of::<Slot>()) as i32
}

/// Where an element of [`VmContext::seen`] is.
pub const fn seen_offset(index: usize) -> i32 {
    (offset_of!(VmContext, seen) + index * size_of::<Slot>()) as i32
}

/// Where an element of [`VmContext::got`] is.
pub const fn got_offset(index: usize) -> i32 {
    (offset_of!(VmContext, got) + index * size_of::<Slot>()) as i32
}
