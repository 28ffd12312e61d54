//! Memories, tables and globals, as compiled code and Rust share them.
//!
//! They are of one thread, and Rust keeps no reference into them while code may run.

use crate::error::Trap;
use crate::types::{Bits, GlobalType, Limits, TableType};
use std::alloc::{alloc_zeroed, dealloc, realloc};
use std::cell::{Cell, RefCell};
use std::mem::offset_of;
use std::ptr;

/// The size of a page.
pub const PAGE: u64 = 1 << 16;
/// The most pages of a memory.
const MAX_PAGES: u64 = 1 << 16;
/// The most elements of a table, which is this runtime's own limit.
const MAX_ELEMENTS: u64 = 10_000_000;

/// Offsets in memories and tables, of what compiled code knows of them.
pub(crate) const BASE: i32 = offset_of!(MemoryInstance, base) as i32;
pub(crate) const LENGTH: i32 = offset_of!(MemoryInstance, length) as i32;
const _: () = assert!(offset_of!(TableInstance, base) as i32 == BASE);
const _: () = assert!(offset_of!(TableInstance, length) as i32 == LENGTH);

/// A memory. Compiled code knows `base` and `length`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct MemoryInstance {
    base: Cell<*mut u8>,
    length: Cell<u64>,
    max: Option<u64>,
}

impl MemoryInstance {
    /// `None` without the memory for it.
    pub(crate) fn new(limits: Limits) -> Option<Self> {
        let memory = Self {
            base: Cell::new(ptr::null_mut()),
            length: Cell::new(0),
            max: limits.max,
        };
        memory.grow(limits.min)?;
        Some(memory)
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            min: self.length.get() / PAGE,
            max: self.max,
        }
    }

    /// Adds pages, and returns how many there were.
    pub(crate) fn grow(&self, pages: u64) -> Option<u64> {
        let old = self.length.get() / PAGE;
        let new = old.checked_add(pages)?;
        if new > self.max.unwrap_or(MAX_PAGES).min(MAX_PAGES) {
            return None;
        }
        if pages > 0 {
            let base = self.reserve(new * PAGE)?;
            self.base.set(base);
            self.length.set(new * PAGE);
        }
        Some(old)
    }

    /// The memory with more bytes, which are zero. Whoever grows it little by little has it moved by the system, not
    /// copied; new pages of one that doubles are left to the system, untouched.
    fn reserve(&self, bytes: u64) -> Option<*mut u8> {
        let (new, old) = (layout(bytes)?, self.size());
        // SAFETY: no allocation is empty, the old one is as `layout` says, and the new one is larger.
        unsafe {
            if new.size() < 2 * old {
                let base = realloc(self.base.get(), layout(old as u64)?, new.size());
                let base = ptr::NonNull::new(base)?.as_ptr();
                base.add(old).write_bytes(0, new.size() - old);
                return Some(base);
            }
            let base = ptr::NonNull::new(alloc_zeroed(new))?.as_ptr();
            ptr::copy_nonoverlapping(self.base.get().cast_const(), base, old);
            self.free();
            Some(base)
        }
    }

    fn size(&self) -> usize {
        self.length.get() as usize
    }

    fn free(&self) {
        if let (true, Some(layout)) = (self.size() > 0, layout(self.length.get())) {
            // SAFETY: `grow` has allocated it with this layout.
            unsafe { dealloc(self.base.get(), layout) };
        }
    }

    /// A pointer to so many bytes.
    fn range(&self, at: u32, length: u32) -> Result<*mut u8, Trap> {
        if u64::from(at) + u64::from(length) > self.length.get() {
            return Err(Trap::MemoryOutOfBounds);
        }
        Ok(self.base.get().wrapping_add(at as usize))
    }

    pub(crate) fn read(&self, at: u32, bytes: &mut [u8]) -> Result<(), Trap> {
        let length = u32::try_from(bytes.len()).map_err(|_| Trap::MemoryOutOfBounds)?;
        let from = self.range(at, length)?;
        // SAFETY: they are in the memory, and nothing of Rust's.
        unsafe { ptr::copy(from, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    pub(crate) fn write(&self, at: u32, bytes: &[u8]) -> Result<(), Trap> {
        let length = u32::try_from(bytes.len()).map_err(|_| Trap::MemoryOutOfBounds)?;
        let to = self.range(at, length)?;
        // SAFETY: as above.
        unsafe { ptr::copy(bytes.as_ptr(), to, bytes.len()) };
        Ok(())
    }

    pub(crate) fn fill(&self, at: u32, value: u8, length: u32) -> Result<(), Trap> {
        let to = self.range(at, length)?;
        // SAFETY: as above.
        unsafe { ptr::write_bytes(to, value, length as usize) };
        Ok(())
    }

    pub(crate) fn copy(&self, to: u32, from: u32, length: u32) -> Result<(), Trap> {
        let (to, from) = (self.range(to, length)?, self.range(from, length)?);
        // SAFETY: as above; they may overlap.
        unsafe { ptr::copy(from, to, length as usize) };
        Ok(())
    }
}

impl Drop for MemoryInstance {
    fn drop(&mut self) {
        self.free();
    }
}

fn layout(bytes: u64) -> Option<std::alloc::Layout> {
    std::alloc::Layout::from_size_align(usize::try_from(bytes).ok()?, 16).ok()
}

/// A table. Compiled code knows `base` and `length`, as of a memory.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct TableInstance {
    base: Cell<*const Cell<u64>>,
    length: Cell<u64>,
    elements: RefCell<Vec<Cell<u64>>>,
    ty: TableType,
}

impl TableInstance {
    /// `None` without the memory for it.
    pub(crate) fn new(ty: TableType) -> Option<Self> {
        let table = Self {
            base: Cell::new(ptr::null()),
            length: Cell::new(0),
            elements: RefCell::default(),
            ty,
        };
        table.grow(0, ty.limits.min)?;
        Some(table)
    }

    pub(crate) fn ty(&self) -> TableType {
        let limits = Limits {
            min: self.length.get(),
            max: self.ty.limits.max,
        };
        TableType { limits, ..self.ty }
    }

    pub(crate) fn grow(&self, value: u64, count: u64) -> Option<u64> {
        let old = self.length.get();
        let new = old.checked_add(count)?;
        if new > self.ty.limits.max.unwrap_or(MAX_ELEMENTS).min(MAX_ELEMENTS) {
            return None;
        }
        let mut elements = self.elements.borrow_mut();
        elements.try_reserve(count as usize).ok()?;
        elements.resize(new as usize, Cell::new(value));
        self.base.set(elements.as_ptr());
        self.length.set(new);
        Some(old)
    }

    pub(crate) fn write(&self, at: u32, values: &[u64]) -> Result<(), Trap> {
        let elements = self.elements.borrow();
        let end = (at as usize).saturating_add(values.len());
        let range = elements.get(at as usize..end);
        for (element, &value) in range.ok_or(Trap::TableOutOfBounds)?.iter().zip(values) {
            element.set(value);
        }
        Ok(())
    }

    pub(crate) fn fill(&self, at: u32, value: u64, count: u32) -> Result<(), Trap> {
        let elements = self.elements.borrow();
        let end = (at as usize).saturating_add(count as usize);
        let range = elements.get(at as usize..end);
        for element in range.ok_or(Trap::TableOutOfBounds)? {
            element.set(value);
        }
        Ok(())
    }

    pub(crate) fn slice(&self, at: u32, count: u32) -> Result<Vec<u64>, Trap> {
        let elements = self.elements.borrow();
        let end = (at as usize).saturating_add(count as usize);
        let range = elements.get(at as usize..end);
        let range = range.ok_or(Trap::TableOutOfBounds)?;
        Ok(range.iter().map(Cell::get).collect())
    }
}

/// A global; compiled code knows `bits`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct GlobalInstance {
    pub(crate) bits: Cell<Bits>,
    pub(crate) ty: GlobalType,
}
