//! 2 to 64 results, from Rust through compiled code to Rust.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

mod common;

use common::{bytes, module};
use cranelift_module::Linkage;
use multi_out::{BackEnd, Code, FromCode, Function, Imports, Out, Results};
use std::mem::MaybeUninit;

/// A struct whose every bit pattern is a value, full of bytes of which no two neighbours are the same.
fn pattern<R: FromCode>() -> R {
    let mut results = MaybeUninit::<R>::uninit();
    let start = results.as_mut_ptr().cast::<u8>();
    for index in 0..size_of::<R>() {
        // SAFETY: within the struct.
        unsafe { start.add(index).write((index * 7 + 1) as u8) };
    }
    // SAFETY: every pattern is a value.
    unsafe { results.assume_init() }
}

/// The struct with one field more, and so on. Each is produced by Rust, and relayed by compiled code.
macro_rules! prefixes {
    ([$($field:ident $ty:ident)*] $next:ident $next_ty:ident $($rest:tt)*) => {
        {
            #[derive(Results)]
            #[repr(C)]
            struct All {
                $($field: $ty,)*
                $next: $next_ty,
            }

            extern "C" fn host(out: Out<'_, All>) {
                out.write(pattern());
            }

            for &back_end in BackEnd::ALL {
                let mut imports = Imports::new();
                imports.safe_function::<fn() -> All>("host", host);
                let mut module = module(&imports);
                let host = Function::<fn() -> All>::declare_with(back_end, &mut module, "host", Linkage::Import);
                let host = host.unwrap();
                let relay = Function::<fn() -> All>::declare_with(back_end, &mut module, "f", Linkage::Export);
                let relay = relay.unwrap();
                relay.define(&mut module, |body, []| body.call(&host, [])).unwrap();
                let code = Code::finalize(module).unwrap();
                // SAFETY: it calls `host` alone, which is safe.
                let got = unsafe { code.get(&relay) }.unwrap().call();
                let want: All = pattern();
                $(assert_eq!(bytes(&got.$field), bytes(&want.$field), stringify!($field));)*
                assert_eq!(bytes(&got.$next), bytes(&want.$next), stringify!($next));
            }
        }
        prefixes!([$($field $ty)* $next $next_ty] $($rest)*);
    };
    ([$($field:ident $ty:ident)*]) => {
        assert_eq!([$(stringify!($field)),*].len(), 64);
    };
}

#[test]
#[allow(dead_code, reason = "the pattern fills all fields at once")]
fn two_to_64_results_come_back() {
    prefixes! {
        [first u8]
        r0 i8 r1 f64 r2 i64 r3 i32 r4 f32 r5 i128 r6 i16 r7 u16 r8 u8 r9 i64 r10 i32 r11 f32 r12
        i128 r13 i16 r14 u16 r15 u8 r16 i8 r17 f64 r18 f32 r19 i128 r20 i16 r21 u16 r22 u8 r23 i8
        r24 f64 r25 i64 r26 i32 r27 i16 r28 u16 r29 u8 r30 i8 r31 f64 r32 i64 r33 i32 r34 f32 r35
        i128 r36 u8 r37 i8 r38 f64 r39 i64 r40 i32 r41 f32 r42 i128 r43 i16 r44 u16 r45 f64 r46
        i64 r47 i32 r48 f32 r49 i128 r50 i16 r51 u16 r52 u8 r53 i8 r54 i32 r55 f32 r56 i128 r57
        i16 r58 u16 r59 u8 r60 i8 r61 f64 r62 i64
    }
}
