//! Rust functions and JIT-compiled functions with several results call each other directly.
//!
//! `foo` is the whole point: it is what `(func (result i32 i32))` is hooked up to, as it stands.

use anyhow::Result;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, types};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::default_libcall_names;
use multi_out::{Code, Function, Imports, Out, Results, Vmctx};
use std::mem::offset_of;

/// Two results.
#[derive(Results, Debug, PartialEq)]
#[repr(C)]
struct A(i32, i32);

/// Four, of four kinds.
#[derive(Results, Debug, PartialEq)]
#[repr(C)]
struct Mixed(i8, i128, f32, f64);

/// The context of all functions here. Compiled code finds a function to call in it.
#[repr(C)]
struct VMContext {
    mixed: unsafe extern "C" fn(*mut Mixed, *mut VMContext, i8, i128, f32, f64),
    name: &'static str,
}

type Grow = fn(Vmctx<VMContext>, i8, i128, f32, f64) -> Mixed;
#[rustfmt::skip]
type Sums = fn(i64, i64, i64, i64, i64, i64, i64, i64) -> (i64, i64, i64, i64, i64, i64, i64, i64);

/// # Safety
///
/// As of every such function: `outptr` is a place for the results, and `vmctx` a context.
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
    // SAFETY: the caller vouches for both pointers.
    unsafe {
        let name = (*vmctx).name;
        println!("  mixed(out, vmctx of {name}, {a}, {b:#x}, {c}, {d}) in Rust");
        out.write(Mixed(a + 1, b + 1, c + 1.0, d + 1.0));
    }
}

/// The same function pointer as with `*mut A` and `*mut VMContext`, without `unsafe`.
extern "C" fn bar(out: Out<'_, A>, vmctx: &mut VMContext) {
    println!("  bar(out, vmctx of {}) in Rust", vmctx.name);
    out.write(A(3, 4));
}

fn main() -> Result<()> {
    let mut imports = Imports::new();
    let host_foo = imports.function::<fn(Vmctx<VMContext>) -> A>("foo", foo);
    let host_bar = imports.safe_function::<fn(Vmctx<VMContext>) -> A>("bar", bar);
    let mut builder = JITBuilder::new(default_libcall_names())?;
    imports.add_to(&mut builder)?;
    let mut module = JITModule::new(builder);

    let swap = Function::<fn(Vmctx<VMContext>) -> A>::export(&mut module, "swap")?;
    swap.define(&mut module, |body, [vmctx]| {
        let [a, _] = body.call(&host_foo, [vmctx])?;
        let [_, b] = body.call(&host_bar, [vmctx])?;
        Ok([b, a])
    })?;

    let grow = Function::<Grow>::export(&mut module, "grow")?;
    grow.define(&mut module, |body, args| {
        let (flags, offset) = (MemFlagsData::trusted(), offset_of!(VMContext, mixed));
        let pointer = body.ins().load(types::I64, flags, args[0], offset as i32);
        let [a, b, c, d] = body.call_indirect::<Grow>(pointer, args)?;
        let (a, b) = (body.ins().iadd(a, a), body.ins().iadd(b, b));
        let (c, d) = (body.ins().fadd(c, c), body.ins().fadd(d, d));
        Ok([a, b, c, d])
    })?;

    let sums = Function::<Sums>::export(&mut module, "sums")?;
    sums.define(&mut module, |body, mut values| {
        for index in 1..values.len() {
            values[index] = body.ins().iadd(values[index - 1], values[index]);
        }
        Ok(values)
    })?;

    let code = Code::finalize(module)?;
    // SAFETY: they call the functions above, with the context that they get, and calculate.
    let (swap, grow, sums) = unsafe { (code.get(&swap)?, code.get(&grow)?, code.get(&sums)?) };
    let name = "main";
    let mut vmctx = VMContext { mixed, name };
    println!("Rust calls compiled code, which calls Rust by `call`:");
    let results = swap.call(&mut vmctx);
    println!("  swap: {results:?}");
    assert_eq!(results, A(4, 1));
    println!("by `call_indirect`, with a pointer from memory:");
    let results = grow.call(&mut vmctx, 20, u64::MAX.into(), 0.5, 1.25);
    println!("  grow: {results:?}");
    assert_eq!(results, Mixed(42, 2 << 64, 3.0, 4.5));
    println!("with arguments on the stack, and a tuple of results:");
    let results = sums.call(1, 2, 3, 4, 5, 6, 7, 8);
    println!("  sums: {results:?}");
    assert_eq!(results, (1, 3, 6, 10, 15, 21, 28, 36));
    Ok(())
}

#[test]
fn the_assertions_hold() -> Result<()> {
    main()
}
