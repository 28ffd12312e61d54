//! Results: none, one value, a C struct of several, or a tuple of several.

use crate::value::{AbiValue, FromCode, Sign};
use cranelift_codegen::ir::{self, Type};
use std::fmt;
use std::mem::MaybeUninit;

/// One parameter or result in a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    pub(crate) ty: Type,
    pub(crate) sign: Sign,
    pub(crate) is_vmctx: bool,
}

impl Slot {
    /// The slot of a value.
    pub const fn of<T: AbiValue>() -> Self {
        Self {
            ty: T::TYPE,
            sign: T::SIGN,
            is_vmctx: false,
        }
    }

    /// The type in CLIF.
    pub const fn ty(self) -> Type {
        self.ty
    }

    pub(crate) const VMCTX: Self = Self {
        is_vmctx: true,
        ..Self::of::<*mut u8>()
    };
}

/// Values in a function body: an array with one for each parameter or result.
pub trait Values: AsRef<[ir::Value]> + Copy + fmt::Debug {
    /// The values in order, if they are as many as the array has.
    fn from_slice(values: &[ir::Value]) -> Option<Self>;
}

impl<const N: usize> Values for [ir::Value; N] {
    fn from_slice(values: &[ir::Value]) -> Option<Self> {
        values.try_into().ok()
    }
}

/// What a function returns: `()`, an [`AbiValue`], a struct with `#[derive(Results)]`, or a tuple of
/// 2 to 16 values.
///
/// # Safety
///
/// An `extern "C"` function must have the results `SLOTS` if it returns `Raw`, which is so for up to one
/// of them, or if it writes `Raw` through its first parameter.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no result of compiled code",
    label = "neither a value nor several",
    note = "results are `()`, one value, a `#[repr(C)]` struct with `#[derive(Results)]`, or a tuple of 2 to 16 values"
)]
pub unsafe trait Return: Sized + 'static {
    /// [`Direct`] or [`InMemory`].
    type Shape: Shape;

    /// The result as C has it: `()`, the value, or the struct of several.
    type Raw: 'static;

    /// The results in a function body: `[Value; N]`.
    type Values: Values;

    /// The results in order.
    const SLOTS: &'static [Slot];

    /// The result of a call.
    fn from_raw(raw: Self::Raw) -> Self;
}

/// How C returns.
pub trait Shape {
    /// Is it through a pointer that comes before all parameters?
    const IN_MEMORY: bool;
}

/// Nothing, or one value, where C has it.
#[derive(Debug)]
pub enum Direct {}

impl Shape for Direct {
    const IN_MEMORY: bool = false;
}

/// Several values in a struct, to which the first parameter points.
#[derive(Debug)]
pub enum InMemory {}

impl Shape for InMemory {
    const IN_MEMORY: bool = true;
}

// SAFETY: nothing has no bits.
unsafe impl FromCode for () {}

// SAFETY: a function of C that returns `void`.
unsafe impl Return for () {
    type Shape = Direct;
    type Raw = ();
    type Values = [ir::Value; 0];
    const SLOTS: &'static [Slot] = &[];

    #[inline]
    fn from_raw((): ()) {}
}

/// Implements [`Return`] for values. In a macro, as it could not be told from that for structs.
macro_rules! single {
    ([$($generics:tt)*] $rust:ty) => {
        // SAFETY: the contract of `AbiValue`.
        unsafe impl<$($generics)*> $crate::results::Return for $rust {
            type Shape = $crate::results::Direct;
            type Raw = Self;
            type Values = [::cranelift_codegen::ir::Value; 1];
            const SLOTS: &'static [$crate::results::Slot] =
                &[$crate::results::Slot::of::<Self>()];

            #[inline]
            fn from_raw(raw: Self) -> Self {
                raw
            }
        }
    };
}
pub(crate) use single;

/// The first parameter of a safe host function with several results: a place for them.
///
/// To C and to compiled code it is the pointer to the struct, so `extern "C" fn f(out: Out<'_, A>)` is the
/// same function as `unsafe extern "C" fn f(out: *mut A)`. The caller reads the results when the function returns,
/// so write them on every path.
///
/// # Panics
///
/// When it is dropped instead of written, unless the thread panics already. That ends the process, but for a function that is
/// `extern "C-unwind"`.
#[must_use = "the caller reads the results, written or not"]
#[repr(transparent)]
#[derive(Debug)]
pub struct Out<'a, R>(&'a mut MaybeUninit<R>);

impl<R> Out<'_, R> {
    /// Return these results.
    #[inline]
    pub fn write(self, results: R) {
        self.0.write(results);
        std::mem::forget(self);
    }
}

impl<R> Drop for Out<'_, R> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!(
                "a host function returns without its results: write them to `Out` on every path"
            );
        }
    }
}

impl<'a, R> From<&'a mut MaybeUninit<R>> for Out<'a, R> {
    /// For whoever calls a host function as a function of Rust, such as a test.
    fn from(place: &'a mut MaybeUninit<R>) -> Self {
        Self(place)
    }
}

macro_rules! tuples {
    ($([$($name:ident $index:tt)*])*) => {$(
        const _: () = {
            #[repr(C)]
            #[derive(Clone, Copy)]
            #[allow(missing_debug_implementations, reason = "nobody sees it")]
            pub struct Raw<$($name),*>($($name),*);

            impl<$($name: AbiValue),*> Raw<$($name),*> {
                const HAS_C_LAYOUT: () = {
                    let sizes = [$(size_of::<$name>() as u32),*];
                    let layout = crate::layout::Layout::new(&sizes, crate::layout::MAX_ALIGN);
                    $(assert!(std::mem::offset_of!(Self, $index) == layout.offset($index) as usize);)*
                    assert!(size_of::<Self>() == layout.size() as usize);
                };
            }

            // SAFETY: the compiler of Rust has just confirmed the layout.
            unsafe impl<$($name: AbiValue),*> Return for ($($name,)*) {
                type Shape = InMemory;
                type Raw = Raw<$($name),*>;
                type Values = [ir::Value; [$($index),*].len()];
                const SLOTS: &'static [Slot] = {
                    let () = Raw::<$($name),*>::HAS_C_LAYOUT;
                    &[$(Slot::of::<$name>()),*]
                };

                #[inline]
                fn from_raw(raw: Self::Raw) -> Self {
                    ($(raw.$index,)*)
                }
            }

            // SAFETY: of nothing but such values.
            unsafe impl<$($name: AbiValue + FromCode),*> FromCode for ($($name,)*) {}
        };
    )*};
}

tuples! {
    [A 0 B 1]
    [A 0 B 1 C 2]
    [A 0 B 1 C 2 D 3]
    [A 0 B 1 C 2 D 3 E 4]
    [A 0 B 1 C 2 D 3 E 4 F 5]
    [A 0 B 1 C 2 D 3 E 4 F 5 G 6]
    [A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7]
    [A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8]
    [A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9]
    [A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10]
    [A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11]
    [A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12]
    [A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13]
    [A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14]
    [A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15]
}
