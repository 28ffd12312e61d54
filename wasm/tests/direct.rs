//! Imports and exports are called directly: no code but the module's own functions, and the addresses are those of Rust.

use anyhow::{Context as _, Result};
use multi_out::{Out, Results, Vmctx};
use multi_out_wasm::{Error, Instance, Linker, Module, Store, Trap, fail};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Results, Debug, PartialEq)]
#[repr(C)]
struct A(i32, i32);

struct VMContext {
    calls: u32,
}

/// # Safety
///
/// `out` is a place for the results, and `vmctx` a context.
unsafe extern "C" fn foo(out: *mut A, vmctx: *mut VMContext) {
    // SAFETY: the caller vouches for both.
    unsafe {
        (*vmctx).calls += 1;
        out.write(A(1, 2));
    }
}

/// # Safety
///
/// As of `foo`.
unsafe extern "C-unwind" fn never(_: *mut A, vmctx: *mut VMContext) {
    // SAFETY: the caller vouches for it.
    unsafe { (*vmctx).calls += 1 };
    fail("never");
}

extern "C-unwind" fn checked(out: Out<'_, A>, _: &mut VMContext, value: i32) {
    if value < 0 {
        fail("a negative number");
    }
    out.write(A(value, value + 1));
}

#[test]
fn imports_and_exports_are_the_functions_themselves() -> Result<()> {
    let module = Module::from_text(
        r#"(module
            (import "" "" (func $foo (result i32 i32)))
            (func (export "swap") (result i32 i32) (local i32)
                (call $foo) (local.set 0) (local.get 0)
                (drop) (drop) (call $foo) (drop) (local.get 0))
            (export "foo" (func $foo)))"#,
    )?;
    assert_eq!(module.compiled_functions(), 1);
    let mut store = Store::new()?;
    let context = store.context(VMContext { calls: 0 });
    let mut linker = Linker::new();
    // SAFETY: it asks for no more than a place and a context.
    unsafe { linker.function::<fn(Vmctx<VMContext>) -> A, _>(["", ""], foo, &context) };
    let instance = Instance::new(&mut store, &module, &linker)?;
    let exported = instance.typed::<fn() -> A>(&store, "foo")?;
    assert_eq!(exported.address(), foo as *const u8);
    assert_eq!(exported.call(&mut store)?, A(1, 2));
    let swap = instance.typed::<fn() -> (i32, i32)>(&store, "swap")?;
    assert_eq!(swap.call(&mut store)?, (1, 2));
    assert_eq!(store.get(&context)?.calls, 3);
    Ok(())
}

#[test]
fn an_unsafe_host_function_may_fail() -> Result<()> {
    let module = Module::from_text(
        r#"(module (import "" "" (func $never (result i32 i32)))
            (func (export "f") (result i32 i32) (call $never)))"#,
    )?;
    let mut store = Store::new()?;
    let context = store.context(VMContext { calls: 0 });
    let mut linker = Linker::new();
    // SAFETY: it asks for no more than a context.
    unsafe { linker.unwind_function::<fn(Vmctx<VMContext>) -> A, _>(["", ""], never, &context) };
    let instance = Instance::new(&mut store, &module, &linker)?;
    let f = instance.typed::<fn() -> A>(&store, "f")?;
    let error = f.call(&mut store).unwrap_err();
    assert_eq!(error.to_string(), "a host function failed: never");
    assert_eq!(store.get(&context)?.calls, 1);
    Ok(())
}

#[test]
fn a_host_error_ends_the_call_and_no_more() -> Result<()> {
    let module = Module::from_text(
        r#"(module
            (import "env" "checked" (func $checked (param i32) (result i32 i32)))
            (memory 1)
            (func (export "sum") (param i32) (result i32)
                (call $checked (local.get 0)) (i32.add))
            (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
            (func $deep (export "deep") (result i32) (i32.add (call $deep) (i32.const 1))))"#,
    )?;
    let mut store = Store::new()?;
    let context = store.context(VMContext { calls: 0 });
    let mut linker = Linker::new();
    let name = ["env", "checked"];
    linker.safe_unwind_function::<fn(Vmctx<VMContext>, i32) -> A, _>(name, checked, &context);
    let instance = Instance::new(&mut store, &module, &linker)?;
    let sum = instance.typed::<fn(i32) -> i32>(&store, "sum")?;
    let load = instance.typed::<fn(i32) -> i32>(&store, "load")?;
    let deep = instance.typed::<fn() -> i32>(&store, "deep")?;
    for _ in 0..2 {
        assert_eq!(sum.call(&mut store, 4)?, 9);
        let error = sum.call(&mut store, -1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a host function failed: a negative number"
        );
        let error = load.call(&mut store, 65533).unwrap_err();
        assert!(
            matches!(error, Error::Trap(Trap::MemoryOutOfBounds)),
            "{error}"
        );
        let error = deep.call(&mut store).unwrap_err();
        assert!(
            matches!(error, Error::Trap(Trap::StackExhausted)),
            "{error}"
        );
    }
    Ok(())
}

extern "C-unwind" fn panics(context: &mut VMContext) {
    context.calls += 1;
    panic!("a bug");
}

/// It is no error of a call, but goes on to whoever catches panics.
#[test]
fn a_panic_of_a_host_function_goes_on_and_the_store_is_usable() -> Result<()> {
    let module = Module::from_text(
        r#"(module
            (import "env" "panics" (func $panics))
            (global $count (mut i32) (i32.const 0))
            (func (export "panics") (global.set $count (i32.const 5)) (call $panics))
            (func (export "count") (result i32) (global.get $count)))"#,
    )?;
    let mut store = Store::new()?;
    let context = store.context(VMContext { calls: 0 });
    let mut linker = Linker::new();
    let name = ["env", "panics"];
    linker.safe_unwind_function::<fn(Vmctx<VMContext>), _>(name, panics, &context);
    let instance = Instance::new(&mut store, &module, &linker)?;
    let typed = instance.typed::<fn()>(&store, "panics")?;
    let func = instance.func("panics")?;
    for calls in 1..=2 {
        let direct = catch_unwind(AssertUnwindSafe(|| typed.call(&mut store)));
        let panic = direct.err().context("a panic")?;
        assert_eq!(panic.downcast_ref(), Some(&"a bug"));
        let dynamic = catch_unwind(AssertUnwindSafe(|| func.call(&mut store, &[])));
        let panic = dynamic.err().context("a panic")?;
        assert_eq!(panic.downcast_ref(), Some(&"a bug"));
        assert_eq!(store.get(&context)?.calls, 2 * calls);
        let count = instance.typed::<fn() -> i32>(&store, "count")?;
        assert_eq!(count.call(&mut store)?, 5);
    }
    Ok(())
}

extern "C" fn forgets(out: Out<'_, A>, _: &mut VMContext) {
    std::mem::forget(out);
}

/// The context of a function that is exported again, or the start function, is the host's, and smaller than an instance's.
#[test]
fn rust_calls_rust_with_its_context_and_gets_no_garbage() -> Result<()> {
    extern "C" fn count(calls: &mut u8) {
        *calls += 1;
    }
    let module = Module::from_text(
        r#"(module
            (import "env" "forgets" (func $forgets (result i32 i32)))
            (import "env" "count" (func $count))
            (start $count)
            (export "forgets" (func $forgets))
            (export "count" (func $count)))"#,
    )?;
    let mut store = Store::new()?;
    let (context, calls) = (store.context(VMContext { calls: 0 }), store.context(0));
    let mut linker = Linker::new();
    linker.safe_function::<fn(Vmctx<VMContext>) -> A, _>(["env", "forgets"], forgets, &context);
    linker.safe_function::<fn(Vmctx<u8>), _>(["env", "count"], count, &calls);
    let instance = Instance::new(&mut store, &module, &linker)?;
    instance.typed::<fn()>(&store, "count")?.call(&mut store)?;
    assert_eq!(*store.get(&calls)?, 2);
    let forgets = instance.typed::<fn() -> A>(&store, "forgets")?;
    assert_eq!(forgets.call(&mut store)?, A(0, 0));
    Ok(())
}
