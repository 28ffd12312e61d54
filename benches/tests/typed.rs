//! What the crate `multi-out` adds to a call is types: the machine code is what one writes by hand.
//!
//! This package is optimized in every build, for these functions to be what a user gets.

use multi_out::{Code, Compiled, Out, Results, Vmctx};
use object::{Object, ObjectSection, ObjectSymbol};
use std::hint::black_box;
use std::mem::{MaybeUninit, transmute};

#[derive(Results)]
#[repr(C)]
struct DivRem {
    quotient: i64,
    remainder: i64,
}

type Typed<'a, S> = Compiled<S, &'a Code>;
type OfStruct = fn(Vmctx<u64>, i64, i64) -> DivRem;
type OfTuple = fn(Vmctx<u64>, i64, i64) -> (i64, i64);

type Struct = unsafe extern "C-unwind" fn(*mut DivRem, *mut u64, i64, i64);
type Single = unsafe extern "C-unwind" fn(i64) -> i64;

#[unsafe(no_mangle)]
extern "C-unwind" fn typed_struct(f: &Typed<'_, OfStruct>, vmctx: &mut u64, a: i64, b: i64) -> i64 {
    let DivRem {
        quotient,
        remainder,
    } = f.call(vmctx, a, b);
    quotient ^ remainder
}

#[unsafe(no_mangle)]
extern "C-unwind" fn by_hand_struct(
    f: &Typed<'_, OfStruct>,
    vmctx: &mut u64,
    a: i64,
    b: i64,
) -> i64 {
    let mut out = MaybeUninit::uninit();
    // SAFETY: nothing calls it here.
    let DivRem {
        quotient,
        remainder,
    } = unsafe {
        let code: Struct = transmute(f.address());
        code(out.as_mut_ptr(), vmctx, a, b);
        out.assume_init()
    };
    quotient ^ remainder
}

#[unsafe(no_mangle)]
extern "C-unwind" fn typed_tuple(f: &Typed<'_, OfTuple>, vmctx: &mut u64, a: i64, b: i64) -> i64 {
    let (quotient, remainder) = f.call(vmctx, a, b);
    quotient ^ remainder
}

#[unsafe(no_mangle)]
extern "C-unwind" fn typed_single(f: &Typed<'_, fn(i64) -> i64>, a: i64) -> i64 {
    f.call(a).wrapping_add(1)
}

#[unsafe(no_mangle)]
extern "C-unwind" fn by_hand_single(f: &Typed<'_, fn(i64) -> i64>, a: i64) -> i64 {
    // SAFETY: nothing calls it here.
    unsafe { transmute::<*const u8, Single>(f.address())(a) }.wrapping_add(1)
}

#[unsafe(no_mangle)]
extern "C-unwind" fn typed_host(out: Out<'_, DivRem>, vmctx: &mut u64, a: i64, b: i64) {
    *vmctx = vmctx.wrapping_add(1);
    out.write(DivRem {
        quotient: a ^ b,
        remainder: a & b,
    });
}

#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn by_hand_host(out: *mut DivRem, vmctx: *mut u64, a: i64, b: i64) {
    // SAFETY: nothing calls it here.
    unsafe {
        *vmctx = (*vmctx).wrapping_add(1);
        out.write(DivRem {
            quotient: a ^ b,
            remainder: a & b,
        });
    }
}

/// The bytes of a function in this very program.
fn code(name: &str) -> Vec<u8> {
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let file = object::File::parse(&*program).unwrap();
    let symbol = file.symbol_by_name(name).unwrap();
    let section = symbol.section_index().unwrap();
    let section = file.section_by_index(section).unwrap();
    let code = section.data_range(symbol.address(), symbol.size());
    code.unwrap().unwrap().to_vec()
}

#[test]
fn calls_and_host_functions_are_the_code_that_one_writes_by_hand() {
    // Otherwise they would not be in the program.
    black_box((
        typed_struct as *const u8,
        by_hand_struct as *const u8,
        typed_tuple as *const u8,
        typed_single as *const u8,
        by_hand_single as *const u8,
        typed_host as *const u8,
        by_hand_host as *const u8,
    ));
    for (typed, by_hand) in [
        ("typed_struct", "by_hand_struct"),
        ("typed_tuple", "by_hand_struct"),
        ("typed_single", "by_hand_single"),
        ("typed_host", "by_hand_host"),
    ] {
        assert!(code(typed).len() > 8, "{typed} is a function");
        assert_eq!(code(typed), code(by_hand), "{typed} and {by_hand}");
    }
    assert_ne!(code("typed_single"), code("typed_struct"));
}
