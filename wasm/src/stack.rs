//! How much stack a thread has, so that deep recursion is a trap before it is the end of the stack.

use std::cell::Cell;
use std::ops::Range;

/// The addresses of this thread's stack, or none if the system does not say.
pub(crate) fn of_this_thread() -> Range<usize> {
    thread_local! {
        // To ask takes microseconds, and of the main thread a file.
        static KNOWN: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
    }
    let (start, end) = KNOWN.get().unwrap_or_else(ask);
    KNOWN.set(Some((start, end)));
    start..end
}

#[cfg(target_os = "linux")]
fn ask() -> (usize, usize) {
    let mut attributes = std::mem::MaybeUninit::uninit();
    let (mut start, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the first call fills in the attributes that the others read, if it returns 0.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return (0, 0);
        }
        libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut start, &raw mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
    }
    (start.addr(), start.addr() + size)
}

#[cfg(not(target_os = "linux"))]
fn ask() -> (usize, usize) {
    (0, 0)
}
