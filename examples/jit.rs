//! Rust functions and JIT-compiled functions with several results call each other directly.
//!
//! `foo` is the whole point: it is what `(func (result i32 i32))` is hooked up to, as it stands.

use anyhow::{Context, Result};
use multi_out_examples::config::Config;
use multi_out_examples::define::Defined;
use multi_out_examples::demo::Demo;
use multi_out_examples::host::V128;
use multi_out_examples::jit::Jit;
use std::mem::{MaybeUninit, transmute};

/// Two results.
#[repr(C)]
#[derive(Debug)]
struct A(i32, i32);

/// Five, of five kinds.
#[repr(C)]
struct Mixed(i8, i128, f32, f64, V128);

/// Ten, from a function with more parameters than registers.
#[repr(C)]
#[derive(Debug)]
struct Sums(i64, i64, i64, i64, i64, i64, i64, i64, f64, i32);

/// The context of all functions here. Compiled code finds a function to call in it.
#[repr(C)]
struct VMContext {
    mixed: MixedFn,
    name: &'static str,
}

type FooFn = unsafe extern "C" fn(*mut A, *mut VMContext);
type MixedFn = unsafe extern "C" fn(*mut Mixed, *mut VMContext, i8, i128, f32, f64);
#[rustfmt::skip]
type SumsFn = unsafe extern "C" fn(
    *mut Sums, *mut VMContext,
    i64, i64, i64, i64, i64, i64, i64, i64,
    f64, f64, f64, f64, f64, f64, f64, f64, f64,
);

/// # Safety
///
/// As of every function of the convention: `out` is writable memory, and `vmctx` a context.
unsafe extern "C" fn foo(outptr: *mut A, vmctx: *mut VMContext) {
    // SAFETY: the caller vouches for both pointers.
    unsafe {
        println!("  foo(outptr, vmctx of {}) in Rust", (*vmctx).name);
        outptr.write(A(1, 2));
    }
}

/// # Safety
///
/// As of [`foo`].
unsafe extern "C" fn mixed(out: *mut Mixed, vmctx: *mut VMContext, a: i8, b: i128, c: f32, d: f64) {
    // SAFETY: the caller vouches for both pointers, and a vector has no invalid bits.
    unsafe {
        let name = (*vmctx).name;
        println!("  mixed(out, vmctx of {name}, {a}, {b:#x}, {c}, {d}) in Rust");
        let vector = transmute::<[i64; 2], V128>([7, -7]);
        out.write(Mixed(a + 1, b + 1, c + 1.0, d + 1.0, vector));
    }
}

/// # Safety
///
/// As of [`foo`].
#[rustfmt::skip]
#[allow(clippy::too_many_arguments, reason = "some are passed on the stack")]
unsafe extern "C" fn host_sums(
    out: *mut Sums, vmctx: *mut VMContext,
    a: i64, b: i64, c: i64, d: i64, e: i64, f: i64, g: i64, h: i64,
    s: f64, t: f64, u: f64, v: f64, w: f64, x: f64, y: f64, z: f64, last: f64,
) {
    // SAFETY: the caller vouches for both pointers.
    let name = unsafe { (*vmctx).name };
    println!("  host_sums(out, vmctx of {name}, {a}, …, {h}, {s}, …, {last}) in Rust");
    let mut sum = 0;
    let mut add = |int| {
        sum += int;
        sum
    };
    let total = s + t + u + v + w + x + y + z + last;
    let sums = Sums(
        add(a), add(b), add(c), add(d), add(e), add(f), add(g), add(h), total, 17,
    );
    // SAFETY: as above.
    unsafe { out.write(sums) };
}

fn main() -> Result<()> {
    let symbols = [
        ("foo", foo as *const u8),
        ("host_sums", host_sums as *const u8),
    ];
    let mut jit = Jit::new(Config::SPEED, &symbols)?;
    let demo = Demo::define(jit.module())?;
    jit.finalize()?;
    let mut vmctx = VMContext {
        mixed,
        name: "main",
    };

    // SAFETY: `Demo` documents the signatures, for which these are the types in Rust.
    let (swap, grow, sums, sums_twice) = unsafe {
        (
            transmute::<*const u8, FooFn>(jit.code(&demo.swap)),
            transmute::<*const u8, MixedFn>(jit.code(&demo.grow)),
            transmute::<*const u8, SumsFn>(jit.code(&demo.sums)),
            transmute::<*const u8, SumsFn>(jit.code(&demo.sums_twice)),
        )
    };

    println!("Rust calls compiled code, which calls Rust by `call`:");
    let mut out = MaybeUninit::uninit();
    // SAFETY: a compiled function stores every field of the struct that it is given.
    let results: A = unsafe {
        swap(out.as_mut_ptr(), &mut vmctx);
        out.assume_init()
    };
    println!("  swap: {results:?}");
    assert_eq!((results.0, results.1), (2, 1));

    println!("by `call_indirect`, with a pointer from memory:");
    let mut out = MaybeUninit::uninit();
    // SAFETY: as above.
    let results: Mixed = unsafe {
        grow(out.as_mut_ptr(), &mut vmctx, 20, u64::MAX.into(), 0.5, 1.25);
        out.assume_init()
    };
    let Mixed(a, b, c, d, vector) = results;
    // SAFETY: integers have no invalid bits.
    let lanes = unsafe { transmute::<V128, [i64; 2]>(vector) };
    println!("  grow: {a}, {b:#x}, {c}, {d}, {lanes:?}");
    assert_eq!((a, b, c, d, lanes), (42, 2 << 64, 3.0, 4.5, [14, -14]));

    println!("with arguments on the stack, and then compiled code with the results:");
    #[rustfmt::skip]
    let call = |function: SumsFn, vmctx: &mut VMContext| {
        let mut out = MaybeUninit::uninit();
        // SAFETY: as above.
        unsafe {
            function(
                out.as_mut_ptr(), vmctx, 1, 2, 3, 4, 5, 6, 7, 8,
                0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 100.0,
            );
            out.assume_init()
        }
    };
    let once: Sums = call(sums, &mut vmctx);
    println!("  sums: {once:?}");
    assert_eq!((once.0, once.7, once.8, once.9), (1, 36, 104.0, 17));
    let twice: Sums = call(sums_twice, &mut vmctx);
    println!("  sums_twice: {twice:?}");
    assert_eq!((twice.0, twice.7, twice.8, twice.9), (1, 120, 104.0, 17));

    println!("\nNo shim: the constant that `swap` calls is the address of `foo` itself.");
    print_call(&jit, "swap", &demo.swap, foo as *const u8)?;
    println!(
        "\nNor is there one at the other end: `grow` as Rust calls it, with `mixed` in memory."
    );
    println!("grow, at {:p}:", jit.code(&demo.grow));
    print!("{}", jit.disassemble(&demo.grow)?);
    Ok(())
}

/// Print a function that calls one symbol, having made sure whose address it calls.
fn print_call(jit: &Jit, name: &str, caller: &Defined, callee: *const u8) -> Result<()> {
    let targets = jit.call_targets(caller)?;
    let target = targets.first().context("no call")?;
    println!("  address of the Rust function:      {callee:p}");
    println!(
        "  read from {name}'s code, at byte {:#x}: {:p}",
        target.offset, target.address
    );
    assert_eq!(target.address, callee);
    println!("{name}, at {:p}:", jit.code(caller));
    print!("{}", jit.disassemble(caller)?);
    Ok(())
}

#[test]
fn the_assertions_hold() -> Result<()> {
    main()
}
