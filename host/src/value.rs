//! Values: which Rust types are types of CLIF, and what C demands of small integers.

use cranelift_codegen::ir::{Type, types};
use std::ptr::NonNull;

#[cfg(not(target_pointer_width = "64"))]
compile_error!("multi-out knows the C conventions of 64-bit machines only");

/// What a C compiler takes the bits above an integer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Copies of the sign.
    Signed,
    /// Zeros.
    Unsigned,
    /// There are none, or they mean nothing: floats, vectors and pointers.
    None,
}

/// A Rust type that is one value of CLIF, for a parameter, a single result or a field of results.
///
/// It is implemented for the integers, `f32`, `f64`, `bool`, raw pointers, `Option<NonNull<T>>`,
/// pointers to `extern "C"` and `extern "C-unwind"` functions, with and without `Option`, and the
/// 128-bit vectors of `core::arch`. `#[derive(AbiValue)]` implements it for a
/// `#[repr(transparent)]` newtype of one of these.
///
/// Values of every such type may go from Rust to compiled code. What may come back is [`FromCode`].
///
/// # Safety
///
/// An `extern "C"` function must pass and return the type as C does a value of [`AbiValue::TYPE`] with
/// this [`AbiValue::SIGN`], and the type must be as large as that.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no type of CLIF",
    label = "no value of compiled code",
    note = "values are integers, `f32`, `f64`, `bool`, raw pointers, `Option<NonNull<T>>`, `extern \"C\"` function pointers and 128-bit vectors",
    note = "for a `#[repr(transparent)]` newtype of one of them use `#[derive(AbiValue)]`; for a reference use a raw pointer",
    note = "a context is written `Vmctx<C>`, and comes first: `fn(Vmctx<C>, i32) -> i64`"
)]
pub unsafe trait AbiValue: Copy + 'static {
    /// The type in CLIF.
    const TYPE: Type;

    /// How a small integer is extended.
    const SIGN: Sign;
}

/// A type of which every pattern of bits is a value, so that compiled code may give it to Rust: as a
/// result, or as a parameter of a host function.
///
/// That leaves out `bool` and function pointers, which have invalid patterns: take a `u8`, or an
/// `Option` of a pointer to an `unsafe` function. A `#[repr(transparent)]` newtype without an invariant of its own
/// has `#[derive(FromCode)]`. Result structs and tuples have it if all their fields do.
///
/// # Safety
///
/// Every pattern of bits must be a valid value.
#[diagnostic::on_unimplemented(
    message = "compiled code cannot give `{Self}` to Rust",
    label = "some patterns of its bits are no value of the type",
    note = "instead of `bool` take `u8`, and instead of a function pointer `Option<unsafe extern \"C\" fn(…)>`"
)]
pub unsafe trait FromCode: 'static {}

/// A field of a struct, with a lifetime, as Rust takes bounds without parameters for errors.
#[derive(Debug)]
pub struct Field<'a, T>(std::marker::PhantomData<&'a T>);

/// A field that is [`FromCode`].
pub trait FieldFromCode {}

impl<T: FromCode> FieldFromCode for Field<'_, T> {}

/// The first parameter of a function that is called with a context: `vmctx` in CLIF.
///
/// In Rust it is `&mut C` where compiled code is called, `*mut C` in `unsafe` host functions and
/// `&mut C` in safe ones. It is written `fn(Vmctx<C>, i32) -> i64`, as Rust has no implementations
/// for `fn(&mut C, …)` beside those for `fn(T, …)`. `C` is `'static`, without borrowed fields: compiled code keeps
/// no lifetimes.
#[derive(Debug)]
pub struct Vmctx<C>(std::convert::Infallible, std::marker::PhantomData<C>);

macro_rules! values {
    ($($rust:ty => $clif:ident $sign:ident),* $(,)?) => {$(
        const _: () = assert!(size_of::<$rust>() <= 16);
        // SAFETY: C has a type of this size, which `extern "C"` passes as C does.
        unsafe impl AbiValue for $rust {
            const TYPE: Type = types::$clif;
            const SIGN: Sign = Sign::$sign;
        }
        $crate::results::single!([] $rust);
    )*};
}

macro_rules! from_code {
    ($($rust:ty),* $(,)?) => {$(
        // SAFETY: numbers have no invalid patterns.
        unsafe impl FromCode for $rust {}
    )*};
}

values! {
    i8 => I8 Signed, i16 => I16 Signed, i32 => I32 Signed, i64 => I64 Signed,
    i128 => I128 Signed, isize => I64 Signed,
    u8 => I8 Unsigned, u16 => I16 Unsigned, u32 => I32 Unsigned, u64 => I64 Unsigned,
    u128 => I128 Unsigned, usize => I64 Unsigned,
    bool => I8 Unsigned, f32 => F32 None, f64 => F64 None,
}
from_code!(
    i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64
);

macro_rules! vectors {
    ($architecture:literal $arch:ident: $($rust:ident => $clif:ident),* $(,)?) => {
        #[cfg(target_arch = $architecture)]
        mod vectors {
            use super::*;
            use std::arch::$arch::*;
            values! { $($rust => $clif None),* }
            from_code!($($rust),*);
        }
    };
}

vectors! { "x86_64" x86_64: __m128i => I64X2, __m128 => F32X4, __m128d => F64X2 }
vectors! {
    "aarch64" aarch64:
    int8x16_t => I8X16, uint8x16_t => I8X16, int16x8_t => I16X8, uint16x8_t => I16X8,
    int32x4_t => I32X4, uint32x4_t => I32X4, int64x2_t => I64X2, uint64x2_t => I64X2,
    float32x4_t => F32X4, float64x2_t => F64X2,
}

macro_rules! pointers {
    ($([$($generics:tt)*] $rust:ty),* $(,)?) => {$(
        // SAFETY: a pointer to C.
        unsafe impl<$($generics)*> AbiValue for $rust {
            const TYPE: ::cranelift_codegen::ir::Type = ::cranelift_codegen::ir::types::I64;
            const SIGN: Sign = Sign::None;
        }
        $crate::results::single!([$($generics)*] $rust);
    )*};
}
pub(crate) use pointers;

pointers!([T: 'static] *mut T, [T: 'static] *const T, [T: 'static] Option<NonNull<T>>);

// SAFETY: a raw pointer may hold any address.
unsafe impl<T: 'static> FromCode for *mut T {}
// SAFETY: as above.
unsafe impl<T: 'static> FromCode for *const T {}
// SAFETY: null is `None`, and every other address is a `NonNull`.
unsafe impl<T: 'static> FromCode for Option<NonNull<T>> {}
