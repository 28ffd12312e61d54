//! What modules may import: functions of the host, and exports of other instances.

use crate::error::Error;
use crate::externs::Extern;
use crate::module::{Declarations, Import, Item, describe_memory};
use crate::store::{Context, Store};
use crate::types::{Limits, RustType};
use crate::vmcontext::VmContext;
use multi_out::signature::{Host, ShapeOf};
use multi_out::{Imports, Signature, Vmctx};
use std::collections::HashMap;

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
