//! Compiled functions that Rust calls.

use crate::back_end::BackEnd;
use crate::error::Error;
use crate::function::Function;
use crate::results::{Return, Shape};
use crate::signature::Signature;
use crate::value::{AbiValue, FromCode, Vmctx};
use cranelift_codegen::isa::CallConv;
use cranelift_jit::JITModule;
use cranelift_module::{FuncId, Linkage, Module};
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit, transmute};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// The code of a finalized JIT module. Its memory is freed when it is dropped: nothing may call an address that was
/// taken from the module itself, or from [`Compiled::address`], after that.
pub struct Code {
    module: ManuallyDrop<JITModule>,
}

impl Code {
    /// Makes the functions of a module callable.
    ///
    /// # Errors
    ///
    /// [`Error::MissingSymbol`], or what the module says. The module panics about a missing symbol, which is
    /// caught: the panic hook sees it, and with `panic = "abort"` the process ends.
    pub fn finalize(mut module: JITModule) -> Result<Self, Error> {
        let finalize = || module.finalize_definitions().map_err(Error::from);
        match catch_unwind(AssertUnwindSafe(finalize)) {
            Ok(result) => result?,
            Err(panic) => {
                return Err(Error::MissingSymbol {
                    message: message(&*panic),
                });
            }
        }
        Ok(Self {
            module: ManuallyDrop::new(module),
        })
    }

    /// The module, to be asked.
    pub fn module(&self) -> &JITModule {
        &self.module
    }

    /// A function of the module.
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
        function.check(self.module())?;
        // SAFETY: the caller vouches for it.
        unsafe { Compiled::new(self, function.id()) }
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

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("the module panicked").to_owned()
}

/// What keeps code alive: `&Code` or `Rc<Code>`. A module is of one thread, and so is all that is made of it.
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

keep_alive!(&Code, Rc<Code>);

/// A compiled function with the signature `S`, which keeps its code alive.
///
/// `call` takes the parameters of `S`, `&mut C` for a first [`Vmctx<C>`](Vmctx), and returns its results. It
/// is an ordinary call of an `extern "C-unwind"` function.
pub struct Compiled<S, K> {
    address: *const u8,
    signature: PhantomData<fn() -> S>,
    _code: K,
}

impl<S: Signature, K: KeepAlive> Compiled<S, K> {
    /// The function with this id.
    ///
    /// # Safety
    ///
    /// The [safety contract](crate#safety).
    ///
    /// # Errors
    ///
    /// [`Error::WrongSignature`] unless the module declares it with the signature `S`, with either back
    /// end. [`Error::NotDefined`] without code, [`Error::Unsupported`] if the code is not for this machine.
    pub unsafe fn new(code: K, function: FuncId) -> Result<Self, Error> {
        let module = code.code().module();
        let declarations = module.declarations();
        let declared = declarations.get_functions().find(|(id, _)| *id == function);
        let (_, declared) = declared.ok_or_else(|| Error::NotDefined {
            name: function.to_string(),
        })?;
        let name = || declared.linkage_name(function).into_owned();
        let isa = module.isa();
        if !is_host(isa.name(), isa.default_call_conv()) {
            return Err(Error::Unsupported {
                reason: format!("code for {} does not run on this machine", isa.triple()),
            });
        }
        let matches = |back_end: &BackEnd| {
            let expected = back_end.signature::<S>(isa);
            expected.is_ok_and(|expected| expected == declared.signature)
        };
        if !BackEnd::ALL.iter().any(matches) {
            return Err(Error::WrongSignature {
                name: name(),
                declared: Box::new(declared.signature.clone()),
                rust: std::any::type_name::<S>(),
                expected: Box::new(BackEnd::preferred(isa).signature::<S>(isa)?),
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
        let address = AssertUnwindSafe(|| module.get_finalized_function(function));
        let address = catch_unwind(address).map_err(|_| Error::NotDefined { name: name() })?;
        Ok(Self {
            address,
            signature: PhantomData,
            _code: code,
        })
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

calls! {
    []
    [A]
    [A B]
    [A B C]
    [A B C D]
    [A B C D E]
    [A B C D E F]
    [A B C D E F G]
    [A B C D E F G H]
    [A B C D E F G H I]
    [A B C D E F G H I J]
    [A B C D E F G H I J K]
    [A B C D E F G H I J K L]
    [A B C D E F G H I J K L M]
    [A B C D E F G H I J K L M N]
    [A B C D E F G H I J K L M N O]
    [A B C D E F G H I J K L M N O P]
}
