//! Functions: what is called, and the typed way to call it.

use crate::error::Error;
use crate::store::Store;
use crate::types::{FuncType, RustType};
use crate::vmcontext::{FunctionRecord, VmContext};
use multi_out::results::Shape;
use multi_out::{AbiValue, FromCode, Return, Signature, Vmctx};
use std::fmt;
use std::marker::PhantomData;
use std::mem::{MaybeUninit, transmute};

/// A function that an instance defines or imports.
#[derive(Clone)]
pub struct Func {
    pub(crate) record: FunctionRecord,
    pub(crate) ty: FuncType,
    /// Where an instance has its record, for references.
    pub(crate) place: *const FunctionRecord,
    pub(crate) store: u64,
}

impl Func {
    /// What a call jumps to: for a function of the host, its own address.
    pub fn address(&self) -> *const u8 {
        self.record.code
    }

    /// What a call passes as the context.
    pub fn context(&self) -> *mut VmContext {
        self.record.context
    }

    /// Its type.
    pub fn ty(&self) -> &FuncType {
        &self.ty
    }
}

impl fmt::Debug for Func {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:p}", self.ty, self.record.code)
    }
}

/// The type of an export in Rust: `fn(A, B, …) -> R` with up to 16 values. The context is not among them.
pub trait Export: Signature {
    /// The same with the context first, as the code has it.
    type Code: Signature;
}

/// An exported function, called as the C function that it is.
///
/// It may be a function of the host, which is called with the host's context: here that is a pointer and no more.
pub struct TypedFunc<S> {
    code: *const u8,
    context: *mut VmContext,
    store: u64,
    signature: PhantomData<fn() -> S>,
}

impl<S> fmt::Debug for TypedFunc<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:p}", std::any::type_name::<S>(), self.code)
    }
}

impl<S: Export> TypedFunc<S> {
    pub(crate) fn new(store: &Store, func: Func, name: &str) -> Result<Self, Error> {
        store.check(func.store)?;
        let mut rust = RustType::of::<S::Code>();
        rust.name = std::any::type_name::<S>();
        let wrong = |expected: String, why: &str| Error::FunctionType {
            name: name.to_owned(),
            expected,
            given: format!("{rust}{why}"),
        };
        let ty = &func.ty;
        if ty.mentions_functions() {
            let why = ", which has no type for references to functions; use `Func::call`";
            return Err(wrong(ty.to_string(), why));
        }
        if !rust.is(ty, &*store.isa)? {
            return Err(wrong(ty.to_string(), ""));
        }
        Ok(Self {
            code: func.record.code,
            context: func.record.context,
            signature: PhantomData,
            store: func.store,
        })
    }

    /// The address of the code: a function of C, to be called in [`Store::enter`].
    pub fn address(&self) -> *const u8 {
        self.code
    }

    /// What C passes as the context.
    pub fn context(&self) -> *mut VmContext {
        self.context
    }
}

macro_rules! exports {
    ($([$($name:ident)*])*) => {$(
        impl<$($name: AbiValue,)* Ret: Return> Export for fn($($name),*) -> Ret {
            type Code = fn(Vmctx<VmContext>, $($name),*) -> Ret;
        }

        #[allow(non_snake_case, clippy::too_many_arguments, reason = "as many as the signature has")]
        impl<$($name: AbiValue,)* Ret: Return + FromCode> TypedFunc<fn($($name),*) -> Ret> {
            /// Calls the function.
            ///
            /// # Errors
            ///
            /// [`Error::Trap`], [`Error::Host`] and [`Error::OtherStore`].
            pub fn call(&self, store: &mut Store, $($name: $name),*) -> Result<Ret, Error> {
                type Direct<$($name,)* Ret> = unsafe extern "C-unwind" fn(*mut VmContext, $($name),*) -> Ret;
                type InMemory<$($name,)* Ret> = unsafe extern "C-unwind" fn(*mut Ret, *mut VmContext, $($name),*);
                store.check(self.store)?;
                let (code, context) = (self.code, self.context);
                // SAFETY: the code has this signature and is the store's, as is the context. All that it does is
                // checked: it is a valid module, or a function that the linker was given. That may be one in safe
                // Rust which forgets its `Out`, so the place has bits of the results already.
                store.enter(|| unsafe {
                    if <Ret::Shape as Shape>::IN_MEMORY {
                        let mut out = MaybeUninit::zeroed();
                        let code = transmute::<*const u8, InMemory<$($name,)* Ret::Raw>>(code);
                        code(out.as_mut_ptr(), context, $($name),*);
                        Ret::from_raw(out.assume_init())
                    } else {
                        let code = transmute::<*const u8, Direct<$($name,)* Ret::Raw>>(code);
                        Ret::from_raw(code(context, $($name),*))
                    }
                })
            }
        }
    )*};
}

multi_out::each_arity!(exports);
