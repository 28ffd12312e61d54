//! WebAssembly modules whose imports are Rust functions with several results, as they stand.
//!
//! No code is made for an import: a module calls the address of the Rust function, with its context. Nor is any for an
//! export, which Rust calls as the C function that it is.

use anyhow::Result;
use multi_out::{Out, Results, Vmctx};
use multi_out_wasm::{Instance, Linker, Module, Store, fail};

/// Two results.
#[derive(Results, Debug, PartialEq)]
#[repr(C)]
struct A(i32, i32);

/// Four, of four kinds.
#[derive(Results, Debug, PartialEq)]
#[repr(C)]
struct Mixed(i32, i64, f32, f64);

/// The context of the functions here.
struct VMContext {
    name: &'static str,
    calls: u32,
}

/// # Safety
///
/// As of every such function: `outptr` is a place for the results, and `vmctx` a context.
unsafe extern "C" fn foo(outptr: *mut A, vmctx: *mut VMContext) {
    // SAFETY: the caller vouches for both pointers.
    unsafe {
        println!("  foo(outptr, vmctx of {}) in Rust", (*vmctx).name);
        (*vmctx).calls += 1;
        outptr.write(A(1, 2));
    }
}

/// The same kind of function without `unsafe`, which may fail.
extern "C-unwind" fn mixed(
    out: Out<'_, Mixed>,
    vmctx: &mut VMContext,
    a: i32,
    b: i64,
    c: f32,
    d: f64,
) {
    if a < 0 {
        fail("a negative number");
    }
    println!(
        "  mixed(out, vmctx of {}, {a}, {b}, {c}, {d}) in Rust",
        vmctx.name
    );
    vmctx.calls += 1;
    out.write(Mixed(a + 1, b * 2, c + 0.5, d * 2.0));
}

fn main() -> Result<()> {
    run().map(drop)
}

fn run() -> Result<(A, Mixed, String)> {
    let mut store = Store::new()?;
    let context = store.context(VMContext {
        name: "main",
        calls: 0,
    });
    let mut linker = Linker::new();
    // SAFETY: it asks for no more than a place for the results and its context.
    unsafe { linker.function::<fn(Vmctx<VMContext>) -> A, _>(["", ""], foo, &context) };
    type Host = fn(Vmctx<VMContext>, i32, i64, f32, f64) -> Mixed;
    linker.safe_unwind_function::<Host, _>(["host", "mixed"], mixed, &context);

    println!("swap.wat:");
    let module = Module::from_text(include_str!("swap.wat"))?;
    let instance = Instance::new(&mut store, &module, &linker)?;
    let swap = instance.typed::<fn() -> A>(&store, "swap")?;
    let swapped = swap.call(&mut store)?;
    println!("  swap: {swapped:?}");

    println!("mixed.wat:");
    let module = Module::from_text(include_str!("mixed.wat"))?;
    let instance = Instance::new(&mut store, &module, &linker)?;
    let grow = instance.typed::<fn(i32, i64, f32, f64) -> Mixed>(&store, "grow")?;
    let grown = grow.call(&mut store, 1, 3, 0.5, 1.25)?;
    println!("  grow: {grown:?}");
    let error = match grow.call(&mut store, -1, 0, 0.0, 0.0) {
        Ok(results) => anyhow::bail!("it returns {results:?}"),
        Err(error) => error.to_string(),
    };
    println!("  grow: {error}");
    println!("{} calls of functions in Rust", store.get(&context)?.calls);
    Ok((swapped, grown, error))
}

#[test]
fn modules_call_rust_and_are_called() -> Result<()> {
    let (swapped, grown, error) = run()?;
    assert_eq!(swapped, A(2, 1));
    assert_eq!(grown, Mixed(3, 12, 1.5, 5.0));
    assert_eq!(error, "a host function failed: a negative number");
    Ok(())
}
