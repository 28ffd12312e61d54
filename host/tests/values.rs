//! Every type of value at every place: through compiled code to a Rust function and back.
//!
//! `relay` is compiled, `host` is Rust's; both have the same signature, and what Rust passes to `relay` must
//! come back. What this does not prove: that both sides do not agree on something else than C. The
//! Rust compiler is on both ends, and the fork's tests have other judges.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

mod common;

use common::{bytes, module};
use cranelift_module::Linkage;
use multi_out::{AbiValue, BackEnd, Code, FromCode, Function, Imports, Results, Vmctx};
use std::cell::RefCell;
use std::ptr::NonNull;

thread_local! {
    /// The bytes of all arguments that a host function got.
    static SEEN: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

fn see<T: AbiValue>(value: T) -> T {
    SEEN.with_borrow_mut(|seen| seen.push(bytes(&value)));
    value
}

/// For each back end: calls `relay` of the signature with the arguments, and gives what it returns.
macro_rules! relay {
    ($signature:ty, $host:ident, $($arg:expr),*; |$result:ident| $check:expr) => {
        relay!(BackEnd::ALL, $signature, $host, $($arg),*; |$result| $check)
    };
    ($back_ends:expr, $signature:ty, $host:ident, $($arg:expr),*; |$result:ident| $check:expr) => {
        for &back_end in $back_ends {
            let mut imports = Imports::new();
            imports.function::<$signature>("host", $host);
            let mut module = module(&imports);
            let host = Function::<$signature>::declare_with(back_end, &mut module, "host", Linkage::Import);
            let host = host.unwrap();
            let relay = Function::<$signature>::declare_with(back_end, &mut module, "relay", Linkage::Export);
            let relay = relay.unwrap();
            relay.define(&mut module, |body, args| body.call(&host, args)).unwrap();
            let code = Code::finalize(module).unwrap();
            // SAFETY: `relay` calls `host`, which is safe.
            let relay = unsafe { code.get(&relay) }.unwrap();
            SEEN.take();
            let $result = relay.call($($arg),*);
            $check
        }
    };
}

macro_rules! positions {
    ($($name:ident: $ty:ty = $value:expr;)*) => {$(
        mod $name {
            use super::*;

            type T = $ty;

            #[derive(Results)]
            #[repr(C)]
            struct First(T, u8, f64);
            #[derive(Results)]
            #[repr(C)]
            struct Second(u8, T, f32);
            #[derive(Results)]
            #[repr(C)]
            struct Third(i16, f64, T);

            unsafe extern "C" fn first(out: *mut First, vmctx: *mut u64, a: T, b: u8, c: f64) {
                // SAFETY: the caller's place for results, and its context.
                unsafe {
                    *vmctx += 1;
                    out.write(First(see(a), see(b), see(c)));
                }
            }

            unsafe extern "C" fn second(out: *mut Second, a: u8, b: T, c: f32) {
                // SAFETY: as above.
                unsafe { out.write(Second(see(a), see(b), see(c))) };
            }

            unsafe extern "C" fn third(out: *mut Third, a: i16, b: f64, c: T) {
                // SAFETY: as above.
                unsafe { out.write(Third(see(a), see(b), see(c))) };
            }

            extern "C" fn single(value: T) -> T {
                see(value)
            }

            #[test]
            fn arrives_and_comes_back() {
                let value: T = $value;
                let want = bytes(&value);
                let mut calls = 0;
                relay!(fn(Vmctx<u64>, T, u8, f64) -> First, first, &mut calls, value, 200, 0.5; |got| {
                    assert_eq!(bytes(&got.0), want);
                    assert_eq!((got.1, got.2), (200, 0.5));
                    assert_eq!(SEEN.take()[0], want);
                });
                assert_eq!(calls as usize, BackEnd::ALL.len());
                relay!(fn(u8, T, f32) -> Second, second, 200, value, 0.5; |got| {
                    assert_eq!(bytes(&got.1), want);
                    assert_eq!((got.0, got.2), (200, 0.5));
                    assert_eq!(SEEN.take()[1], want);
                });
                relay!(fn(i16, f64, T) -> Third, third, -300, 0.5, value; |got| {
                    assert_eq!(bytes(&got.2), want);
                    assert_eq!((got.0, got.1), (-300, 0.5));
                    assert_eq!(SEEN.take()[2], want);
                });
                relay!(fn(T) -> T, single, value; |got| {
                    assert_eq!(bytes(&got), want);
                    assert_eq!(SEEN.take(), [&want[..]]);
                });
            }
        }
    )*};
}

#[derive(AbiValue, FromCode, Clone, Copy)]
#[repr(transparent)]
struct Handle(u32);

unsafe extern "C" fn callback(_: *mut u8) {}

positions! {
    i8_: i8 = -77;
    i16_: i16 = -30_000;
    i32_: i32 = i32::MIN + 7;
    i64_: i64 = i64::MIN + 7;
    i128_: i128 = i128::MIN + 7;
    isize_: isize = -7;
    u8_: u8 = 0xa7;
    u16_: u16 = 0xb6a7;
    u32_: u32 = 0xd4c3_b2a1;
    u64_: u64 = 0xf8e7_d6c5_b4a3_9281;
    u128_: u128 = 0xf0e1_d2c3_b4a5_9687_7869_5a4b_3c2d_1e0f;
    usize_: usize = 0xf8e7_d6c5_b4a3_9281;
    f32_: f32 = -1.5e-30;
    f64_: f64 = -1.5e-300;
    pointer: *mut String = std::ptr::without_provenance_mut(0xf8e7_d6c5_b4a3_9280);
    constant: *const u8 = std::ptr::without_provenance(3);
    some: Option<NonNull<u64>> = Some(NonNull::dangling());
    none: Option<NonNull<u64>> = None;
    function: Option<unsafe extern "C" fn(*mut u8)> = Some(callback);
    newtype: Handle = Handle(0xd4c3_b2a1);
}

/// 0 to 16 parameters of one class, most of them on the stack in the end.
macro_rules! numbers_of_parameters {
    ($back_ends:expr => $($class:ident: $ty:ty, $value:expr;)*) => {$(
        #[test]
        fn $class() {
            let value: fn(u8) -> $ty = $value;
            let back_ends: &[BackEnd] = $back_ends;
            numbers_of_parameters!(@ back_ends $ty, value, []
                [a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8 i 9 j 10 k 11 l 12 m 13 n 14 o 15 p 16]);
        }
    )*};
    (@ $back_ends:ident $ty:ty, $value:ident, [$($arg:ident $number:literal)*] [$($rest:tt)*]) => {
        {
            unsafe extern "C" fn host(out: *mut Pair, $($arg: $ty),*) {
                $(see($arg);)*
                // SAFETY: the caller's place for results.
                unsafe { out.write(Pair { count: SEEN.with_borrow(Vec::len) as u8, check: 0.25 }) };
            }
            relay!($back_ends, fn($(numbers_of_parameters!(ty $arg $ty)),*) -> Pair, host, $($value($number)),*; |got| {
                let want: Vec<Vec<u8>> = vec![$(bytes(&$value($number))),*];
                assert_eq!(SEEN.take(), want);
                assert_eq!((usize::from(got.count), got.check), (want.len(), 0.25));
            });
        }
        numbers_of_parameters!(next $back_ends $ty, $value, [$($arg $number)*] [$($rest)*]);
    };
    (next $back_ends:ident $ty:ty, $value:ident, [$($arg:ident $number:literal)*] [$next:ident $index:literal $($rest:tt)*]) => {
        numbers_of_parameters!(@ $back_ends $ty, $value, [$($arg $number)* $next $index] [$($rest)*]);
    };
    (next $back_ends:ident $ty:ty, $value:ident, [$($arg:ident $number:literal)*] []) => {
        assert_eq!([$($number),*].len(), 16);
    };
    (ty $arg:ident $ty:ty) => { $ty };
}

#[cfg(target_arch = "x86_64")]
#[allow(
    improper_ctypes_definitions,
    reason = "C has such vectors, as `__m128i`"
)]
mod vectors {
    use super::*;
    use std::arch::x86_64::*;

    const LANES: [u64; 2] = [0x1716_1514_1312_1110, 0x2726_2524_2322_2120];

    positions! {
        ints: __m128i = from_lanes();
        floats: __m128 = from_lanes();
        doubles: __m128d = from_lanes();
    }

    fn from_lanes<T: FromCode>() -> T {
        of(LANES)
    }

    fn of<T: FromCode>(lanes: [u64; 2]) -> T {
        const { assert!(size_of::<T>() == 16) };
        // SAFETY: every pattern is a value.
        unsafe { std::mem::transmute_copy(&lanes) }
    }

    numbers_of_parameters! { BackEnd::ALL =>
        up_to_16_vectors: __m128i, |n| of([n.into(), !u64::from(n)]);
    }
}

#[test]
fn a_bool_and_a_function_pointer_reach_compiled_code() {
    extern "C" fn double(number: i64) -> i64 {
        2 * number
    }
    type Apply = fn(bool, extern "C" fn(i64) -> i64, i64) -> (u8, i64);
    for &back_end in BackEnd::ALL {
        let mut module = module(&Imports::new());
        let apply =
            Function::<Apply>::declare_with(back_end, &mut module, "apply", Linkage::Export);
        let apply = apply.unwrap();
        let body = |body: &mut multi_out::Body<'_, '_, _, Apply>,
                    [flag, function, number]: [_; 3]| {
            let [result] = body.call_indirect::<fn(i64) -> i64>(function, [number])?;
            Ok([flag, result])
        };
        apply.define(&mut module, body).unwrap();
        let code = Code::finalize(module).unwrap();
        // SAFETY: it calls what it gets, with the type that that has.
        let apply = unsafe { code.get(&apply) }.unwrap();
        assert_eq!(apply.call(true, double, 21), (1, 42));
        assert_eq!(apply.call(false, double, -1), (0, -2));
    }
}

#[derive(Results)]
#[repr(C)]
struct Pair {
    count: u8,
    check: f64,
}

numbers_of_parameters! { BackEnd::ALL =>
    up_to_16_i8: i8, |n| -(n as i8);
    up_to_16_u16: u16, |n| 0xff00 | u16::from(n);
    up_to_16_i32: i32, |n| -i32::from(n);
    up_to_16_i64: i64, |n| i64::MIN | i64::from(n);
    up_to_16_f32: f32, |n| -f32::from(n);
    up_to_16_f64: f64, |n| -f64::from(n);
    up_to_16_pointers: *const u8, |n| std::ptr::without_provenance(usize::from(n) << 56);
}

// Stock Cranelift puts some of them elsewhere than C, which `refusals.rs` is about.
#[cfg(feature = "fork")]
numbers_of_parameters! { &[BackEnd::MultiOut] =>
    up_to_16_i128: i128, |n| i128::MIN | i128::from(n) << 64 | i128::from(n);
}
