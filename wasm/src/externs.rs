//! What instances export and modules import, whoever made it.

use crate::dynamic::Value;
use crate::error::{Error, Trap};
use crate::function::Func;
use crate::memory::{GlobalInstance, MemoryInstance, TableInstance};
use crate::store::Store;
use crate::types::{GlobalType, Limits, TableType, ValType};
use std::cell::Cell;
use std::rc::Rc;

/// Anything that is exported or imported.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A memory.
    Memory(Memory),
    /// A table.
    Table(Table),
    /// A global.
    Global(Global),
}

/// A memory. Host functions may keep it in their context: nothing borrows from it.
#[derive(Clone, Debug)]
pub struct Memory(pub(crate) Rc<MemoryInstance>);

impl Memory {
    /// A memory of the host's, of so many pages.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] without the memory for it.
    pub fn new(min: u32, max: Option<u32>) -> Result<Self, Error> {
        let (min, max) = (min.into(), max.map(u64::from));
        let memory = MemoryInstance::new(Limits { min, max });
        let memory = memory.ok_or_else(|| Error::Unsupported("not enough memory".to_owned()))?;
        Ok(Self(Rc::new(memory)))
    }

    /// Copies bytes out of it.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`].
    pub fn read(&self, at: u32, bytes: &mut [u8]) -> Result<(), Trap> {
        self.0.read(at, bytes)
    }

    /// Copies bytes into it.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`].
    pub fn write(&self, at: u32, bytes: &[u8]) -> Result<(), Trap> {
        self.0.write(at, bytes)
    }
}

/// A table of a store, whose instances the functions in it are of. Modules fill it; the host makes one to share it
/// between them.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) instance: Rc<TableInstance>,
    pub(crate) store: u64,
}

impl Table {
    /// A table of so many null references.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] if it is too large, or not of references.
    pub fn new(store: &Store, element: ValType, min: u32, max: Option<u32>) -> Result<Self, Error> {
        let unsupported = || Error::Unsupported(format!("no table of {min} {element}"));
        if !matches!(element, ValType::FuncRef | ValType::ExternRef) {
            return Err(unsupported());
        }
        let (min, max) = (min.into(), max.map(u64::from));
        let limits = Limits { min, max };
        let table = TableInstance::new(TableType { element, limits });
        Ok(Self {
            instance: Rc::new(table.ok_or_else(unsupported)?),
            store: store.id,
        })
    }
}

/// A global: of an instance, or a number of the host's, which any store may have.
#[derive(Clone, Debug)]
pub struct Global {
    pub(crate) instance: Rc<GlobalInstance>,
    pub(crate) store: Option<u64>,
}

impl Global {
    /// A global number of the host's.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for references.
    pub fn new(value: Value, mutable: bool) -> Result<Self, Error> {
        let Some((value, bits)) = value.number() else {
            return Err(Error::Unsupported(
                "the host's globals are numbers".to_owned(),
            ));
        };
        let (ty, bits) = (GlobalType { value, mutable }, Cell::new(bits));
        Ok(Self {
            instance: Rc::new(GlobalInstance { bits, ty }),
            store: None,
        })
    }

    /// Its value.
    ///
    /// # Errors
    ///
    /// [`Error::OtherStore`].
    pub fn get(&self, store: &Store) -> Result<Value, Error> {
        self.check(store)?;
        let (ty, bits) = (self.instance.ty.value, self.instance.bits.get());
        Ok(Value::from_bits(store, ty, bits))
    }

    pub(crate) fn check(&self, store: &Store) -> Result<(), Error> {
        self.store.map_or(Ok(()), |id| store.check(id))
    }
}

macro_rules! into_extern {
    ($($name:ident)*) => {$(
        impl From<$name> for Extern {
            fn from(item: $name) -> Self {
                Self::$name(item)
            }
        }
    )*};
}

into_extern! { Func Memory Table Global }
