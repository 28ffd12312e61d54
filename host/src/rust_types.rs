//! Rust's own types as values, each of which is also a result.

use crate::results::single;
use crate::value::{AbiValue, FromCode, Sign};
use cranelift_codegen::ir::{Type, types};
use std::ptr::NonNull;

macro_rules! values {
    ($($rust:ty => $clif:ident $sign:ident),* $(,)?) => {$(
        const _: () = assert!(size_of::<$rust>() <= 16);
        // SAFETY: C has a type of this size, which `extern "C"` passes as C does.
        unsafe impl AbiValue for $rust {
            const TYPE: Type = types::$clif;
            const SIGN: Sign = Sign::$sign;
        }
        single!([] $rust);
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
            const TYPE: Type = types::I64;
            const SIGN: Sign = Sign::None;
        }
        single!([$($generics)*] $rust);
    )*};
}
pointers!([T: 'static] *mut T, [T: 'static] *const T, [T: 'static] Option<NonNull<T>>);

// SAFETY: a raw pointer may hold any address.
unsafe impl<T: 'static> FromCode for *mut T {}
// SAFETY: as above.
unsafe impl<T: 'static> FromCode for *const T {}
// SAFETY: null is `None`, and every other address is a `NonNull`.
unsafe impl<T: 'static> FromCode for Option<NonNull<T>> {}

macro_rules! function_pointers {
    ($([$($name:ident)*])*) => {$(
        pointers!(
            [$($name: 'static,)* Ret: 'static] extern "C" fn($($name),*) -> Ret,
            [$($name: 'static,)* Ret: 'static] unsafe extern "C" fn($($name),*) -> Ret,
            [$($name: 'static,)* Ret: 'static] extern "C-unwind" fn($($name),*) -> Ret,
            [$($name: 'static,)* Ret: 'static] unsafe extern "C-unwind" fn($($name),*) -> Ret,
            [$($name: 'static,)* Ret: 'static] Option<extern "C" fn($($name),*) -> Ret>,
            [$($name: 'static,)* Ret: 'static] Option<unsafe extern "C" fn($($name),*) -> Ret>,
            [$($name: 'static,)* Ret: 'static] Option<extern "C-unwind" fn($($name),*) -> Ret>,
            [$($name: 'static,)* Ret: 'static] Option<unsafe extern "C-unwind" fn($($name),*) -> Ret>,
        );

        // SAFETY: null is `None`, and whoever calls another address vouches for it.
        unsafe impl<$($name: 'static,)* Ret: 'static> FromCode
            for Option<unsafe extern "C" fn($($name),*) -> Ret> {}
        // SAFETY: as above.
        unsafe impl<$($name: 'static,)* Ret: 'static> FromCode
            for Option<unsafe extern "C-unwind" fn($($name),*) -> Ret> {}
    )*};
}

crate::each_arity!(function_pointers);
