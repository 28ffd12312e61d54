//! Compiled functions that Rust calls.

use crate::error::Error;
use crate::function::Function;
use crate::results::{Return, Shape};
use crate::signature::Signature;
use crate::value::{AbiValue, FromCode, Vmctx};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_jit::JITModule;
use cranelift_module::{Linkage, Module};
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit, transmute};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;

/// The code of a finalized JIT module. Its memory is freed when it is dropped: nothing may call an address that was
/// taken from [`Compiled::address`], after that.
pub struct Code {
    module: ManuallyDrop<JITModule>,
}

// SAFETY: a module looks up symbols in a cell, but not for what is here: its target, declarations and addresses.
unsafe impl Sync for Code {}

impl Code {
    /// Makes the functions of a module callable.
    ///
    /// # Errors
    ///
    /// [`Error::MissingSymbol`], or what the module says. The module panics about a missing symbol, which is
    /// caught: the panic hook sees it, and with `panic = "abort"` the process ends. Other panics go on.
    pub fn finalize(mut module: JITModule) -> Result<Self, Error> {
        let finalize = || module.finalize_definitions().map_err(Error::from);
        match catch_unwind(AssertUnwindSafe(finalize)) {
            Ok(result) => result?,
            Err(panic) => match message(&*panic) {
                Some(message) if message.starts_with("can't resolve") => {
                    return Err(Error::MissingSymbol {
                        message: message.to_owned(),
                    });
                }
                _ => resume_unwind(panic),
            },
        }
        Ok(Self {
            module: ManuallyDrop::new(module),
        })
    }

    /// The target of the module.
    pub fn isa(&self) -> &dyn TargetIsa {
        self.module.isa()
    }

    /// A function of the module. For one that is to live as long as it keeps the code there is [`Compiled::new`].
    ///
    /// # Safety
    ///
    /// The [safety contract](crate#safety).
    ///
    /// # Errors
    ///
    /// As of [`Compiled::new`].
    pub unsafe fn get<S: Signature>(
        &self,
        function: &Function<S>,
    ) -> Result<Compiled<S, &Self>, Error> {
        // SAFETY: the caller vouches for it.
        unsafe { Compiled::new(self, function) }
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        // SAFETY: the module is not used again, and nobody runs its code: a `Compiled` keeps this alive.
        unsafe { ManuallyDrop::take(&mut self.module).free_memory() };
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Code").finish_non_exhaustive()
    }
}

fn message(panic: &(dyn Any + Send)) -> Option<&str> {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
}

/// What keeps code alive: `&Code`, `Rc<Code>` or, for several threads, `Arc<Code>`.
pub trait KeepAlive: sealed::Sealed {
    /// The code.
    fn code(&self) -> &Code;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! keep_alive {
    ($($ty:ty),*) => {$(
        impl sealed::Sealed for $ty {}
        impl KeepAlive for $ty {
            fn code(&self) -> &Code {
                self
            }
        }
    )*};
}

keep_alive!(&Code, Rc<Code>, Arc<Code>);

/// A compiled function with the signature `S`, which keeps its code alive.
///
/// `call` takes the parameters of `S`, `&mut C` for a first [`Vmctx<C>`](Vmctx), and returns its results. It
/// is an ordinary call of an `extern "C-unwind"` function. What raw pointers among the parameters must point to, whoever
/// made this says to whoever calls it: see the [safety contract](crate#safety).
pub struct Compiled<S, K> {
    address: *const u8,
    signature: PhantomData<fn() -> S>,
    _code: K,
}

// SAFETY: code does not change, and a call has all that it works on from its caller; the contract says the same of
// what else it works on.
unsafe impl<S, K: Send> Send for Compiled<S, K> {}
// SAFETY: as above.
unsafe impl<S, K: Sync> Sync for Compiled<S, K> {}

impl<S: Signature, K: KeepAlive> Compiled<S, K> {
    /// The code of a function.
    ///
    /// # Safety
    ///
    /// The [safety contract](crate#safety).
    ///
    /// # Errors
    ///
    /// [`Error::OtherModule`] and [`Error::WrongSignature`] unless the function is of this module.
    /// [`Error::NotDefined`] without code, [`Error::Unsupported`] if the code is not for this machine. The module
    /// panics about a function without code, which is caught as in [`Code::finalize`].
    pub unsafe fn new(code: K, function: &Function<S>) -> Result<Self, Error> {
        let module = &code.code().module;
        function.check(&**module)?;
        let declared = module.declarations().get_function_decl(function.id());
        let name = || declared.linkage_name(function.id()).into_owned();
        let isa = module.isa();
        if !is_host(isa.name(), isa.default_call_conv()) {
            return Err(Error::Unsupported {
                reason: format!("code for {} does not run on this machine", isa.triple()),
            });
        }
        if isa.name() == "riscv64" && declared.signature.call_conv == CallConv::SystemV {
            return Err(Error::Unsupported {
                reason: "functions of stock Cranelift overwrite fs1, which is Rust's, on riscv64; use the fork"
                    .to_owned(),
            });
        }
        if !declared.linkage.is_definable() {
            return Err(Error::NotDefined { name: name() });
        }
        if declared.linkage == Linkage::Preemptible {
            return Err(Error::Unsupported {
                reason: format!(
                    "`{}` may be another's at run time; declare it with `Linkage::Export`",
                    name()
                ),
            });
        }
        // It panics without code, and has no other way to say so.
        let address = AssertUnwindSafe(|| module.get_finalized_function(function.id()));
        let address = catch_unwind(address).map_err(|_| Error::NotDefined { name: name() })?;
        Ok(Self {
            address,
            signature: PhantomData,
            _code: code,
        })
    }
}

impl<S: Signature, K> Compiled<S, K> {
    /// A function at an address that is known otherwise, such as one from a table of functions. `keep` is for what has
    /// to live as long as this.
    ///
    /// # Safety
    ///
    /// The [safety contract](crate#safety), and the address is of a C function with this signature for as long as `keep`
    /// or the caller keeps it there.
    pub unsafe fn at(address: *const u8, keep: K) -> Self {
        Self {
            address,
            signature: PhantomData,
            _code: keep,
        }
    }

    /// The address of the code.
    pub fn address(&self) -> *const u8 {
        self.address
    }
}

impl<S, K> fmt::Debug for Compiled<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:p}", std::any::type_name::<S>(), self.address)
    }
}

fn is_host(name: &str, convention: CallConv) -> bool {
    let architecture = if name == "x64" { "x86_64" } else { name };
    let host = if cfg!(windows) {
        CallConv::WindowsFastcall
    } else if cfg!(all(target_vendor = "apple", target_arch = "aarch64")) {
        CallConv::AppleAarch64
    } else {
        CallConv::SystemV
    };
    architecture == std::env::consts::ARCH && convention == host
}

macro_rules! call {
    ([$($ctx:ident)?] [$($vmctx:ident)?] $($name:ident)*) => {
        #[allow(non_snake_case, clippy::too_many_arguments, reason = "as many as the signature has")]
        impl<$($ctx: 'static,)? $($name: AbiValue,)* Ret: Return, Keep>
            Compiled<fn($(Vmctx<$ctx>,)? $($name),*) -> Ret, Keep>
        {
            /// Calls the function.
            #[inline]
            pub fn call(&self, $($vmctx: &mut $ctx,)? $($name: $name),*) -> Ret
            where
                Ret: FromCode,
            {
                type Direct<$($ctx,)? $($name,)* Ret> =
                    unsafe extern "C-unwind" fn($(*mut $ctx,)? $($name),*) -> Ret;
                type InMemory<$($ctx,)? $($name,)* Ret> =
                    unsafe extern "C-unwind" fn(*mut Ret, $(*mut $ctx,)? $($name),*);
                if <Ret::Shape as Shape>::IN_MEMORY {
                    let mut out = MaybeUninit::uninit();
                    // SAFETY: the code has this signature and stores every field before it returns, by the
                    // contract of `Compiled::new`. It is alive, as `_code` is.
                    unsafe {
                        let code = transmute::<*const u8, InMemory<$($ctx,)? $($name,)* Ret::Raw>>(self.address);
                        code(out.as_mut_ptr(), $($vmctx,)? $($name),*);
                        Ret::from_raw(out.assume_init())
                    }
                } else {
                    // SAFETY: as above.
                    unsafe {
                        let code = transmute::<*const u8, Direct<$($ctx,)? $($name,)* Ret::Raw>>(self.address);
                        Ret::from_raw(code($($vmctx,)? $($name),*))
                    }
                }
            }
        }
    };
}

macro_rules! calls {
    ($([$($name:ident)*])*) => {$(
        call!([] [] $($name)*);
        call!([Ctx] [vmctx] $($name)*);
    )*};
}

crate::each_arity!(calls);
