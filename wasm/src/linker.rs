//! What modules may import: functions of the host, and exports of other instances.

use crate::error::{Error, Trap};
use crate::function::Func;
use crate::instance::Instance;
use crate::memory::{GlobalInstance, MemoryInstance, TableInstance};
use crate::module::{Declarations, GlobalType, Import, Item, Limits, TableType, describe_memory};
use crate::store::{Context, Store};
use crate::types::{RustType, ValType};
use crate::vmcontext::VmContext;
use multi_out::signature::{Host, ShapeOf};
use multi_out::{Imports, Signature, Vmctx};
use std::cell::Cell;
use std::collections::HashMap;
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
    pub fn new(value: crate::Value, mutable: bool) -> Result<Self, Error> {
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

    pub(crate) fn check(&self, store: &Store) -> Result<(), Error> {
        self.store.map_or(Ok(()), |id| store.check(id))
    }
}

/// The type of a host function with the context `C`: `fn(Vmctx<C>, A, …) -> R`.
pub trait HostFunction<C>: Signature + Host<ShapeOf<Self>> {}

macro_rules! host_functions {
    ($([$($name:ident)*])*) => {$(
        impl<Ctx: 'static, $($name,)* Ret> HostFunction<Ctx> for fn(Vmctx<Ctx>, $($name),*) -> Ret
        where
            Self: Signature + Host<ShapeOf<Self>>,
        {
        }
    )*};
}

multi_out::each_arity!(host_functions);

/// What a name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Offer {
    Extern(Extern),
    Host(HostFunc),
}

/// A function of the host's, of which no module has said the type yet.
#[derive(Clone, Debug)]
pub(crate) struct HostFunc {
    pub(crate) code: *const u8,
    pub(crate) context: *mut VmContext,
    ty: RustType,
    store: u64,
}

/// What there is to import, by its two names.
#[derive(Clone, Debug, Default)]
pub struct Linker {
    items: HashMap<(String, String), Offer>,
}

impl Linker {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers anything. What had the name before is replaced.
    pub fn define(&mut self, module: &str, name: &str, item: impl Into<Extern>) {
        self.offer(module, name, Offer::Extern(item.into()));
    }

    fn offer(&mut self, module: &str, name: &str, offer: Offer) {
        let name = (module.to_owned(), name.to_owned());
        self.items.insert(name, offer);
    }

    /// Offers all exports of an instance.
    pub fn instance(&mut self, module: &str, instance: &Instance) {
        for (name, item) in instance.exports() {
            self.define(module, name, item);
        }
    }

    /// Offers an `extern "C" fn(out: Out<'_, R>, context: &mut C, …)`, as `fn(Vmctx<C>, …) -> R`.
    pub fn safe_function<S: HostFunction<C>, C: 'static>(
        &mut self,
        [module, name]: [&str; 2],
        function: <S as Host<ShapeOf<S>>>::SafeFunction,
        context: &Context<C>,
    ) {
        let mut imports = Imports::new();
        imports.safe_function::<S>(name, function);
        self.host::<S, C>([module, name], &imports, context);
    }

    /// The same, `extern "C-unwind"`: it may [`fail`](crate::fail).
    pub fn safe_unwind_function<S: HostFunction<C>, C: 'static>(
        &mut self,
        [module, name]: [&str; 2],
        function: <S as Host<ShapeOf<S>>>::SafeUnwindFunction,
        context: &Context<C>,
    ) {
        let mut imports = Imports::new();
        imports.safe_unwind_function::<S>(name, function);
        self.host::<S, C>([module, name], &imports, context);
    }

    /// Offers an `unsafe extern "C" fn(out: *mut R, context: *mut C, …)`, as `fn(Vmctx<C>, …) -> R`.
    ///
    /// # Safety
    ///
    /// The function has no undefined behaviour if `out` is a place for results, which it writes, and `context` is a
    /// pointer to the context, which nothing else borrows.
    pub unsafe fn function<S: HostFunction<C>, C: 'static>(
        &mut self,
        [module, name]: [&str; 2],
        function: <S as Host<ShapeOf<S>>>::Function,
        context: &Context<C>,
    ) {
        let mut imports = Imports::new();
        imports.function::<S>(name, function);
        self.host::<S, C>([module, name], &imports, context);
    }

    /// The same, `unsafe extern "C-unwind"`: it may [`fail`](crate::fail).
    ///
    /// # Safety
    ///
    /// As of [`Linker::function`].
    pub unsafe fn unwind_function<S: HostFunction<C>, C: 'static>(
        &mut self,
        [module, name]: [&str; 2],
        function: <S as Host<ShapeOf<S>>>::UnwindFunction,
        context: &Context<C>,
    ) {
        let mut imports = Imports::new();
        imports.unwind_function::<S>(name, function);
        self.host::<S, C>([module, name], &imports, context);
    }

    fn host<S: Signature, C>(
        &mut self,
        [module, name]: [&str; 2],
        imports: &Imports,
        context: &Context<C>,
    ) {
        let mut symbols = imports.symbols().into_iter().flatten();
        if let Some((_, code)) = symbols.next() {
            let func = HostFunc {
                code,
                context: context.value.get().cast(),
                ty: RustType::of::<S>(),
                store: context.store,
            };
            self.offer(module, name, Offer::Host(func));
        }
    }

    pub(crate) fn resolve(
        &self,
        store: &Store,
        declarations: &Declarations,
        import: &Import,
    ) -> Result<&Offer, Error> {
        let expected = || declarations.describe(import.item);
        let (module, name) = (import.module.clone(), import.name.clone());
        let Some(given) = self.items.get(&(module.clone(), name.clone())) else {
            let expected = expected();
            return Err(Error::UnknownImport {
                module,
                name,
                expected,
            });
        };
        let fits = match (import.item, given) {
            (Item::Function(index), Offer::Host(func)) => {
                store.check(func.store)?;
                let ty = declarations.function_type(index);
                func.ty.is(ty, &*store.isa)?
            }
            (Item::Function(index), Offer::Extern(Extern::Func(func))) => {
                store.check(func.store)?;
                func.ty == *declarations.function_type(index)
            }
            (Item::Memory(index), Offer::Extern(Extern::Memory(memory))) => {
                within(memory.0.limits(), declarations.memories[index as usize])
            }
            (Item::Table(index), Offer::Extern(Extern::Table(table))) => {
                store.check(table.store)?;
                let (ty, wanted) = (table.instance.ty(), declarations.tables[index as usize]);
                ty.element == wanted.element && within(ty.limits, wanted.limits)
            }
            (Item::Global(index), Offer::Extern(Extern::Global(global))) => {
                global.check(store)?;
                global.instance.ty == declarations.globals[index as usize]
            }
            _ => false,
        };
        if fits {
            return Ok(given);
        }
        let given = match given {
            Offer::Host(func) => format!("a function of the host {}", func.ty),
            Offer::Extern(Extern::Func(func)) => format!("a function {}", func.ty),
            Offer::Extern(Extern::Memory(memory)) => describe_memory(memory.0.limits()),
            Offer::Extern(Extern::Table(table)) => table.instance.ty().to_string(),
            Offer::Extern(Extern::Global(global)) => global.instance.ty.to_string(),
        };
        Err(Error::ImportType {
            module,
            name,
            expected: expected(),
            given,
        })
    }
}

fn within(given: Limits, wanted: Limits) -> bool {
    let below = match (given.max, wanted.max) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(given), Some(wanted)) => given <= wanted,
    };
    given.min >= wanted.min && below
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
