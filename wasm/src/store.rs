//! Stores: what lives together.

use crate::adapter::Adapter;
use crate::compile::native;
use crate::error::{Error, Trap};
use crate::instance_data::InstanceData;
use crate::stack;
use crate::traps::catch;
use crate::types::FuncType;
use crate::vmcontext::Runtime;
use cranelift_codegen::isa::OwnedTargetIsa;
use std::cell::UnsafeCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Owns instances until it is dropped. Whoever calls one borrows it, so that no host function can call back into it while
/// its context is borrowed.
pub struct Store {
    pub(crate) id: u64,
    pub(crate) isa: OwnedTargetIsa,
    pub(crate) runtime: Box<Runtime>,
    pub(crate) instances: Vec<Rc<InstanceData>>,
    pub(crate) adapters: HashMap<FuncType, Adapter>,
    contexts: Vec<Rc<dyn std::any::Any>>,
    max_stack: usize,
}

/// A value that host functions get as their context.
#[derive(Debug)]
pub struct Context<C> {
    pub(crate) value: Rc<UnsafeCell<C>>,
    pub(crate) store: u64,
}

impl<C> Clone for Context<C> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            store: self.store,
        }
    }
}

impl Store {
    /// The end of a thread's stack, which modules leave alone: for host functions, which begin with half of it or more,
    /// and the frame in which the end of the stack is noticed.
    pub const RESERVE: usize = 128 << 10;

    /// An empty store.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] on machines other than those of System V.
    pub fn new() -> Result<Self, Error> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Ok(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            isa: native()?,
            runtime: Box::default(),
            instances: Vec::new(),
            adapters: HashMap::new(),
            contexts: Vec::new(),
            max_stack: 512 << 10,
        })
    }

    /// How many bytes of stack a call from Rust may take before it traps; 512 KiB is what a new store has. A call traps
    /// earlier where less than [`Store::RESERVE`] of the thread's stack would be left. Of a stack that is not the
    /// thread's own nothing is known: there must be these bytes, and the reserve.
    pub fn set_max_stack(&mut self, bytes: usize) {
        self.max_stack = bytes;
    }

    /// Keeps a value for host functions.
    pub fn context<C: 'static>(&mut self, value: C) -> Context<C> {
        let value = Rc::new(UnsafeCell::new(value));
        self.contexts.push(value.clone());
        Context {
            value,
            store: self.id,
        }
    }

    /// The value of a context.
    ///
    /// # Errors
    ///
    /// [`Error::OtherStore`].
    pub fn get<'a, C>(&'a self, context: &'a Context<C>) -> Result<&'a C, Error> {
        self.check(context.store)?;
        // SAFETY: only `get_mut` and calls borrow it otherwise, and they borrow the store.
        Ok(unsafe { &*context.value.get() })
    }

    /// The value of a context, to change it.
    ///
    /// # Errors
    ///
    /// [`Error::OtherStore`].
    pub fn get_mut<'a, C>(&'a mut self, context: &'a Context<C>) -> Result<&'a mut C, Error> {
        self.check(context.store)?;
        // SAFETY: as above.
        Ok(unsafe { &mut *context.value.get() })
    }

    pub(crate) fn check(&self, id: u64) -> Result<(), Error> {
        if id == self.id {
            Ok(())
        } else {
            Err(Error::OtherStore)
        }
    }

    /// Runs what calls functions of the store by their addresses, such as a host in C. A trap, or a host function that
    /// fails, ends it: the frames in between are unwound, so C has to be compiled with `-fexceptions`.
    ///
    /// # Errors
    ///
    /// [`Error::Trap`] and [`Error::Host`].
    pub fn enter<T>(&mut self, call: impl FnOnce() -> T) -> Result<T, Error> {
        let here = 0u8;
        let here = (&raw const here).addr();
        let mut limit = here.saturating_sub(self.max_stack);
        let stack = stack::of_this_thread();
        if stack.contains(&here) {
            limit = limit.max(stack.start + Self::RESERVE);
        }
        if here < limit {
            return Err(Trap::StackExhausted.into());
        }
        self.runtime.stack_limit.set(limit);
        catch(call)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
