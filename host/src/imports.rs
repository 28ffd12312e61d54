//! Rust functions that compiled code calls.

use crate::error::Error;
use crate::function::{Callable, Function};
use crate::signature::{Host, ShapeOf, Signature};
use cranelift_module::Module;
use std::marker::PhantomData;

/// The functions of this program that compiled code calls: their symbols, for the builder of a JIT module,
/// and their types, for every module.
///
/// There are four methods for the four ways to write such a function. Each takes it as it stands and
/// compares it with the signature when the program is compiled.
#[derive(Debug, Default)]
pub struct Imports {
    symbols: Vec<(String, *const u8)>,
}

impl Imports {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// An `unsafe extern "C" fn(out: *mut R, vmctx: *mut C, …)`, or one without `out` that returns `R` if that
    /// is no or one value. Such functions need not be `unsafe`.
    pub fn function<S>(
        &mut self,
        name: &str,
        function: <S as Host<ShapeOf<S>>>::Function,
    ) -> Import<S>
    where
        S: Signature + Host<ShapeOf<S>>,
    {
        self.add(name, function)
    }

    /// The same, `extern "C-unwind"`: it may panic, and the panic goes through its callers.
    pub fn unwind_function<S>(
        &mut self,
        name: &str,
        function: <S as Host<ShapeOf<S>>>::UnwindFunction,
    ) -> Import<S>
    where
        S: Signature + Host<ShapeOf<S>>,
    {
        self.add(name, function)
    }

    /// An `extern "C" fn(out: Out<'_, R>, vmctx: &mut C, …)`, or one without `out` that returns `R`.
    pub fn safe_function<S>(
        &mut self,
        name: &str,
        function: <S as Host<ShapeOf<S>>>::SafeFunction,
    ) -> Import<S>
    where
        S: Signature + Host<ShapeOf<S>>,
    {
        self.add(name, function)
    }

    /// The same, `extern "C-unwind"`.
    pub fn safe_unwind_function<S>(
        &mut self,
        name: &str,
        function: <S as Host<ShapeOf<S>>>::SafeUnwindFunction,
    ) -> Import<S>
    where
        S: Signature + Host<ShapeOf<S>>,
    {
        self.add(name, function)
    }

    /// `F` is a pointer to a function, as all associated types of the sealed trait `Host` are.
    fn add<S, F: Copy>(&mut self, name: &str, function: F) -> Import<S> {
        const { assert!(size_of::<F>() == size_of::<*const u8>()) };
        // SAFETY: a pointer to a function is an address.
        let address = unsafe { std::mem::transmute_copy::<F, *const u8>(&function) };
        self.symbols.push((name.to_owned(), address));
        Import {
            name: name.to_owned(),
            signature: PhantomData,
        }
    }

    /// Name and address of each function.
    ///
    /// # Errors
    ///
    /// If two have the same name.
    pub fn symbols(&self) -> Result<impl Iterator<Item = (&str, *const u8)>, Error> {
        let mut names = std::collections::HashSet::new();
        match self.symbols.iter().find(|(name, _)| !names.insert(name)) {
            Some((name, _)) => Err(Error::DuplicateImport { name: name.clone() }),
            None => Ok(self
                .symbols
                .iter()
                .map(|(name, address)| (name.as_str(), *address))),
        }
    }

    /// Makes the functions known to a JIT module.
    ///
    /// # Errors
    ///
    /// As of [`Imports::symbols`].
    #[cfg(feature = "jit")]
    pub fn add_to(&self, builder: &mut cranelift_jit::JITBuilder) -> Result<(), Error> {
        builder.symbols(self.symbols()?);
        Ok(())
    }
}

/// A function among [`Imports`].
#[derive(Debug)]
pub struct Import<S> {
    name: String,
    signature: PhantomData<fn() -> S>,
}

impl<S: Signature> Callable<S> for Import<S> {
    fn name(&self) -> &str {
        &self.name
    }

    fn function<M: Module>(&self, module: &mut M) -> Result<Function<S>, Error> {
        Function::import(module, &self.name)
    }
}
