//! Signatures: `fn(Vmctx<C>, i32) -> R` as a type, and what it is to C and to Rust.

use crate::results::{Direct, InMemory, Out, Return, Slot, Values};
use crate::value::{AbiValue, FromCode, Vmctx};
use cranelift_codegen::ir;

/// A signature: the type `fn(A, B, …) -> R` with up to 16 values, the first of which may be
/// [`Vmctx<C>`](Vmctx), and a [`Return`].
///
/// It is a name for parameters and results. No function of this type exists.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no signature",
    label = "not of the form `fn(A, B, …) -> R`",
    note = "parameters are up to 16 values; a first one `Vmctx<C>` is a context",
    note = "write `Vmctx<C>` for `&mut C`, and `fn` without `extern \"C\"` and `unsafe`"
)]
pub trait Signature: Sealed + Clone + 'static {
    /// The parameters in a function body: `[Value; N]`.
    type Params: Values;

    /// What it returns.
    type Return: Return;

    /// The parameters in order.
    const PARAMS: &'static [Slot];
}

/// The results of a signature in a function body.
pub type ResultValues<S> = <<S as Signature>::Return as Return>::Values;

/// How a signature returns.
pub type ShapeOf<S> = <<S as Signature>::Return as Return>::Shape;

/// The types of Rust functions with a signature, for each [`Shape`](crate::results::Shape).
///
/// Compiled code calls them, so all parameters are [`FromCode`].
pub trait Host<Shape>: Sealed {
    /// `unsafe extern "C" fn(*mut R, *mut C, …)`, or without the first and with `-> R`.
    type Function: Copy;
    /// The same, `extern "C-unwind"`.
    type UnwindFunction: Copy;
    /// `extern "C" fn(Out<'_, R>, &mut C, …)`, or without the first and with `-> R`.
    type SafeFunction: Copy;
    /// The same, `extern "C-unwind"`.
    type SafeUnwindFunction: Copy;
}

mod sealed {
    pub trait Sealed {}
}
use sealed::Sealed;

// A context and 16 values; those with fewer parameters are below.
impl<Ctx, A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Ret> Sealed
    for fn(Vmctx<Ctx>, A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P) -> Ret
{
}

macro_rules! count {
    ($($name:ident)*) => {
        <[&str]>::len(&[$(stringify!($name)),*])
    };
}

macro_rules! signatures {
    ($([$($name:ident)*])*) => {$(
        impl<$($name,)* Ret> Sealed for fn($($name),*) -> Ret {}

        impl<$($name: AbiValue,)* Ret: Return> Signature for fn($($name),*) -> Ret
        {
            type Params = [ir::Value; count!($($name)*)];
            type Return = Ret;
            const PARAMS: &'static [Slot] = &[$(Slot::of::<$name>()),*];
        }

        impl<$($name: AbiValue + FromCode,)* Ret: Return> Host<InMemory> for fn($($name),*) -> Ret {
            type Function = unsafe extern "C" fn(*mut Ret::Raw, $($name),*);
            type UnwindFunction = unsafe extern "C-unwind" fn(*mut Ret::Raw, $($name),*);
            type SafeFunction = extern "C" fn(Out<'_, Ret::Raw>, $($name),*);
            type SafeUnwindFunction = extern "C-unwind" fn(Out<'_, Ret::Raw>, $($name),*);
        }

        impl<$($name: AbiValue + FromCode,)* Ret: Return> Host<Direct> for fn($($name),*) -> Ret {
            type Function = unsafe extern "C" fn($($name),*) -> Ret::Raw;
            type UnwindFunction = unsafe extern "C-unwind" fn($($name),*) -> Ret::Raw;
            type SafeFunction = extern "C" fn($($name),*) -> Ret::Raw;
            type SafeUnwindFunction = extern "C-unwind" fn($($name),*) -> Ret::Raw;
        }

        impl<Ctx: 'static, $($name: AbiValue,)* Ret: Return> Signature
            for fn(Vmctx<Ctx>, $($name),*) -> Ret
        {
            type Params = [ir::Value; 1 + count!($($name)*)];
            type Return = Ret;
            const PARAMS: &'static [Slot] = &[Slot::VMCTX, $(Slot::of::<$name>()),*];
        }

        impl<Ctx: 'static, $($name: AbiValue + FromCode,)* Ret: Return> Host<InMemory>
            for fn(Vmctx<Ctx>, $($name),*) -> Ret
        {
            type Function = unsafe extern "C" fn(*mut Ret::Raw, *mut Ctx, $($name),*);
            type UnwindFunction = unsafe extern "C-unwind" fn(*mut Ret::Raw, *mut Ctx, $($name),*);
            type SafeFunction = extern "C" fn(Out<'_, Ret::Raw>, &mut Ctx, $($name),*);
            type SafeUnwindFunction = extern "C-unwind" fn(Out<'_, Ret::Raw>, &mut Ctx, $($name),*);
        }

        impl<Ctx: 'static, $($name: AbiValue + FromCode,)* Ret: Return> Host<Direct>
            for fn(Vmctx<Ctx>, $($name),*) -> Ret
        {
            type Function = unsafe extern "C" fn(*mut Ctx, $($name),*) -> Ret::Raw;
            type UnwindFunction = unsafe extern "C-unwind" fn(*mut Ctx, $($name),*) -> Ret::Raw;
            type SafeFunction = extern "C" fn(&mut Ctx, $($name),*) -> Ret::Raw;
            type SafeUnwindFunction = extern "C-unwind" fn(&mut Ctx, $($name),*) -> Ret::Raw;
        }
    )*};
}

crate::each_arity!(signatures);
