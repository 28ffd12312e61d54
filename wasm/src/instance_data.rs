//! What an instance consists of, for compiled code and for the functions in Rust that it calls.

use crate::error::Trap;
use crate::memory::{GlobalInstance, MemoryInstance, TableInstance};
use crate::module::{Constant, Mode};
use crate::parts::Parts;
use crate::types::{Bits, FuncType};
use crate::vmcontext::{
    CODE, CONTEXT, FunctionRecord, INSTANCE, RUNTIME, Runtime, TYPE, VmContext,
};
use std::cell::{Cell, RefCell};
use std::ptr;
use std::rc::Rc;

/// See the module.
#[derive(Debug)]
pub(crate) struct InstanceData {
    pub(crate) parts: Rc<Parts>,
    pub(crate) memories: Vec<Rc<MemoryInstance>>,
    pub(crate) tables: Vec<Rc<TableInstance>>,
    pub(crate) globals: Vec<Rc<GlobalInstance>>,
    /// See [`crate::vmcontext`].
    pub(crate) context: Box<[Cell<*const ()>]>,
    pub(crate) dropped_data: Vec<Cell<bool>>,
    pub(crate) elements: Vec<RefCell<Vec<u64>>>,
}

impl InstanceData {
    pub(crate) fn context(&self) -> *mut VmContext {
        self.context.as_ptr().cast_mut().cast()
    }

    fn word<T>(&self, offset: i32, value: *const T) {
        self.context[offset as usize / 8].set(value.cast());
    }

    /// Where a function's record is.
    pub(crate) fn record(&self, index: u32) -> *const FunctionRecord {
        let offset = self.parts.layout.function(index) as usize;
        self.context()
            .cast::<u8>()
            .wrapping_add(offset)
            .cast_const()
            .cast()
    }

    fn set_record(&self, index: u32, record: FunctionRecord) {
        let offset = self.parts.layout.function(index);
        self.word(offset + CODE, record.code);
        self.word(offset + CONTEXT, record.context);
        self.word::<()>(offset + TYPE, ptr::without_provenance(record.ty as usize));
    }

    pub(crate) fn constant(&self, constant: Constant) -> Bits {
        match constant {
            Constant::Bits(bits) => bits,
            Constant::Global(index) => self.globals[index as usize].bits.get(),
            Constant::Function(index) => (self.record(index) as u64).into(),
        }
    }

    pub(crate) fn memory_init(
        &self,
        segment: u32,
        memory: u32,
        to: u32,
        from: u32,
        length: u32,
    ) -> Result<(), Trap> {
        let all = &self.parts.declarations.data[segment as usize].items;
        let dropped = self.dropped_data[segment as usize].get();
        let all: &[u8] = if dropped { &[] } else { all };
        let end = (from as usize).saturating_add(length as usize);
        let bytes = all.get(from as usize..end).ok_or(Trap::MemoryOutOfBounds)?;
        self.memories[memory as usize].write(to, bytes)
    }

    pub(crate) fn drop_data(&self, segment: u32) {
        self.dropped_data[segment as usize].set(true);
    }

    pub(crate) fn table_init(
        &self,
        segment: u32,
        table: u32,
        to: u32,
        from: u32,
        count: u32,
    ) -> Result<(), Trap> {
        let all = self.elements[segment as usize].borrow();
        let end = (from as usize).saturating_add(count as usize);
        let values = all.get(from as usize..end).ok_or(Trap::TableOutOfBounds)?;
        self.tables[table as usize].write(to, values)
    }

    pub(crate) fn drop_elements(&self, segment: u32) {
        self.elements[segment as usize].take();
    }

    pub(crate) fn write_context(&self, runtime: &Runtime, imports: &[(*const u8, *mut VmContext)]) {
        let (layout, declarations) = (&self.parts.layout, &self.parts.declarations);
        self.word(RUNTIME, &raw const *runtime);
        self.word(INSTANCE, self);
        let types: Vec<_> = declarations.types.iter().map(FuncType::id).collect();
        for (index, memory) in (0..).zip(&self.memories) {
            self.word(layout.memory(index), Rc::as_ptr(memory));
        }
        for (index, table) in (0..).zip(&self.tables) {
            self.word(layout.table(index), Rc::as_ptr(table));
        }
        for (index, global) in (0..).zip(&self.globals) {
            self.word(layout.global(index), Rc::as_ptr(global));
        }
        let defined = self
            .parts
            .addresses
            .iter()
            .map(|&code| (code, self.context()));
        let all = imports
            .iter()
            .copied()
            .chain(defined)
            .zip(&declarations.functions);
        for (index, ((code, context), &ty)) in (0..).zip(all) {
            let ty = types[ty as usize];
            self.set_record(index, FunctionRecord { code, context, ty });
        }
    }

    /// Tables first, each as if by its instruction, and dropped.
    pub(crate) fn run_segments(&self) -> Result<(), Trap> {
        let declarations = &self.parts.declarations;
        for (index, segment) in (0..).zip(&declarations.elements) {
            match segment.mode {
                Mode::Passive => continue,
                Mode::Declared => {}
                Mode::Active(table, at) => {
                    let (at, count) = (self.constant(at).narrow(), segment.items.len() as u32);
                    self.table_init(index, table, at, 0, count)?;
                }
            }
            self.drop_elements(index);
        }
        for (index, segment) in (0..).zip(&declarations.data) {
            if let Mode::Active(memory, at) = segment.mode {
                let (at, length) = (self.constant(at).narrow(), segment.items.len() as u32);
                self.memory_init(index, memory, at, 0, length)?;
                self.drop_data(index);
            }
        }
        Ok(())
    }
}
