//! Instances: imports resolved, memory laid out, segments copied.

use crate::compile::Module;
use crate::error::Error;
use crate::externs::{Extern, Global, Memory, Table};
use crate::function::{Export, Func, TypedFunc};
use crate::instance_data::InstanceData;
use crate::linker::{Linker, Offer};
use crate::memory::{GlobalInstance, MemoryInstance, TableInstance};
use crate::module::{Item, describe_memory};
use crate::store::Store;
use std::cell::{Cell, RefCell};
use std::ptr;
use std::rc::Rc;

/// A module that runs.
#[derive(Clone, Debug)]
pub struct Instance {
    data: Rc<InstanceData>,
    store: u64,
}

impl Instance {
    /// Resolves imports, initializes, and calls the start function.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownImport`] and [`Error::ImportType`], [`Error::Trap`] for a segment that does not fit, and
    /// [`Error::Start`]. What was written until then stays written.
    pub fn new(store: &mut Store, module: &Module, linker: &Linker) -> Result<Self, Error> {
        let parts = module.0.clone();
        let declarations = &parts.declarations;
        let (mut memories, mut tables, mut globals) = (vec![], vec![], vec![]);
        let mut functions = vec![];
        for import in &declarations.imports {
            match linker.resolve(store, declarations, import)? {
                Offer::Host(func) => functions.push((func.code, func.context)),
                Offer::Extern(Extern::Func(func)) => {
                    functions.push((func.record.code, func.record.context));
                }
                Offer::Extern(Extern::Memory(memory)) => memories.push(memory.0.clone()),
                Offer::Extern(Extern::Table(table)) => tables.push(table.instance.clone()),
                Offer::Extern(Extern::Global(global)) => globals.push(global.instance.clone()),
            }
        }
        let no_memory = |what| Error::Unsupported(format!("not enough memory for {what}"));
        for &limits in &declarations.memories[memories.len()..] {
            let memory = MemoryInstance::new(limits);
            let memory = memory.ok_or_else(|| no_memory(describe_memory(limits)))?;
            memories.push(Rc::new(memory));
        }
        for &ty in &declarations.tables[tables.len()..] {
            let table = TableInstance::new(ty).ok_or_else(|| no_memory(ty.to_string()))?;
            tables.push(Rc::new(table));
        }
        let imported_globals = globals.len();
        for &ty in &declarations.globals[imported_globals..] {
            let bits = Cell::default();
            globals.push(Rc::new(GlobalInstance { bits, ty }));
        }
        let words = parts.layout.size as usize / 8;
        let data = Rc::new(InstanceData {
            memories,
            tables,
            globals,
            context: (0..words).map(|_| Cell::new(ptr::null())).collect(),
            dropped_data: declarations.data.iter().map(|_| Cell::default()).collect(),
            elements: declarations
                .elements
                .iter()
                .map(|_| RefCell::default())
                .collect(),
            parts: parts.clone(),
        });
        data.write_context(&store.runtime, &functions);
        for (global, &value) in data.globals[imported_globals..]
            .iter()
            .zip(&declarations.global_values)
        {
            global.bits.set(data.constant(value));
        }
        for (segment, elements) in declarations.elements.iter().zip(&data.elements) {
            let values = (segment.items.iter()).map(|&item| data.constant(item).wide());
            elements.replace(values.collect());
        }
        // From here on others may refer to its functions, even if it fails.
        store.instances.push(data.clone());
        data.run_segments()?;
        let instance = Self {
            data,
            store: store.id,
        };
        if let Some(start) = declarations.start {
            let start = TypedFunc::<fn()>::new(store, instance.function(start), "start")?;
            let done = start.call(store);
            done.map_err(|error| Error::Start(Box::new(error)))?;
        }
        Ok(instance)
    }

    fn function(&self, index: u32) -> Func {
        // SAFETY: a record of this instance, written when it was made.
        let record = unsafe { *self.data.record(index) };
        Func {
            record,
            ty: self.data.parts.declarations.function_type(index).clone(),
            place: self.data.record(index),
            store: self.store,
        }
    }

    /// All exports by name.
    pub fn exports(&self) -> impl Iterator<Item = (&str, Extern)> {
        let exports = self.data.parts.declarations.exports.iter();
        exports.map(|(name, item)| (name.as_str(), self.item(*item)))
    }

    /// An export of any kind.
    pub fn export(&self, name: &str) -> Option<Extern> {
        let mut exports = self.data.parts.declarations.exports.iter();
        let (_, item) = exports.find(|(export, _)| export == name)?;
        Some(self.item(*item))
    }

    fn item(&self, item: Item) -> Extern {
        let data = &self.data;
        match item {
            Item::Function(index) => Extern::Func(self.function(index)),
            Item::Memory(index) => Extern::Memory(Memory(data.memories[index as usize].clone())),
            Item::Table(index) => Extern::Table(Table {
                instance: data.tables[index as usize].clone(),
                store: self.store,
            }),
            Item::Global(index) => Extern::Global(Global {
                instance: data.globals[index as usize].clone(),
                store: Some(self.store),
            }),
        }
    }

    /// An exported function as a type such as `fn(i32) -> (i32, i64)`: the same that a caller in C would call.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownExport`] and [`Error::FunctionType`].
    pub fn typed<S: Export>(&self, store: &Store, name: &str) -> Result<TypedFunc<S>, Error> {
        TypedFunc::new(store, self.func(name)?, name)
    }

    /// An exported function.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownExport`].
    pub fn func(&self, name: &str) -> Result<Func, Error> {
        match self.export(name) {
            Some(Extern::Func(func)) => Ok(func),
            _ => Err(unknown(name, "function")),
        }
    }

    /// An exported memory.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownExport`].
    pub fn memory(&self, name: &str) -> Result<Memory, Error> {
        match self.export(name) {
            Some(Extern::Memory(memory)) => Ok(memory),
            _ => Err(unknown(name, "memory")),
        }
    }

    /// An exported global.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownExport`].
    pub fn global(&self, name: &str) -> Result<Global, Error> {
        match self.export(name) {
            Some(Extern::Global(global)) => Ok(global),
            _ => Err(unknown(name, "global")),
        }
    }
}

fn unknown(name: &str, kind: &'static str) -> Error {
    let name = name.to_owned();
    Error::UnknownExport { name, kind }
}

impl Linker {
    /// Offers all exports of an instance.
    pub fn instance(&mut self, module: &str, instance: &Instance) {
        for (name, item) in instance.exports() {
            self.define(module, name, item);
        }
    }
}
