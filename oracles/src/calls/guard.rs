//! Memory between two pages that nobody may touch.

use crate::calls::graffiti;
use anyhow::{Result, ensure};
use std::io;
use std::ops::Range;
use std::ptr;
use std::slice;

/// Where in the memory a struct is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Right after the first guard page: a byte before it faults.
    Start,
    /// Right before the last guard page: a byte after it faults.
    End,
}

/// Readable and writable memory, with an inaccessible page before and after it.
///
/// ```text
///   | no access | Start …      … End | no access |
/// ```
pub struct Guarded {
    mapping: *mut u8,
    page: usize,
    len: usize,
}

impl Guarded {
    /// Map at least `size` bytes between guard pages.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn new(size: usize) -> Result<Self> {
        // SAFETY: a query without preconditions.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) })?;
        let len = size.max(1).next_multiple_of(page);
        // SAFETY: a new private mapping at an address of the system's choice.
        let mapping = unsafe {
            libc::mmap(
                ptr::null_mut(),
                len + 2 * page,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        ensure!(
            mapping != libc::MAP_FAILED,
            "mmap: {}",
            io::Error::last_os_error()
        );
        let memory = Self {
            mapping: mapping.cast(),
            page,
            len,
        };
        // SAFETY: all but the first and the last page of the mapping above, which nobody else knows.
        let status = unsafe {
            libc::mprotect(
                memory.start().cast(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
            )
        };
        ensure!(status == 0, "mprotect: {}", io::Error::last_os_error());
        Ok(memory)
    }

    /// Fill all of it with [`graffiti::UNTOUCHED`].
    pub fn fill(&mut self) {
        // SAFETY: readable and writable memory, borrowed for writing through `self`.
        unsafe { slice::from_raw_parts_mut(self.start(), self.len) }.fill(graffiti::UNTOUCHED);
    }

    /// All of its bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: readable memory, borrowed through `self`, and initialized: mapped pages are zero.
        unsafe { slice::from_raw_parts(self.start(), self.len) }
    }

    /// Where in [`Guarded::bytes`] a struct of this size lies when placed there.
    ///
    /// It is aligned, as a page is, and the size of a struct is a multiple of its alignment.
    pub fn range(&self, place: Place, size: usize) -> Range<usize> {
        let start = match place {
            Place::Start => 0,
            Place::End => self.len - size,
        };
        start..start + size
    }

    /// The address of a value placed there.
    pub fn place<T>(&mut self, place: Place) -> *mut T {
        let range = self.range(place, size_of::<T>());
        self.start().wrapping_add(range.start).cast()
    }

    fn start(&self) -> *mut u8 {
        self.mapping.wrapping_add(self.page)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new`, which nobody uses any more.
        unsafe { libc::munmap(self.mapping.cast(), self.len + 2 * self.page) };
    }
}
