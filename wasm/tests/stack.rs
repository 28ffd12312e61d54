//! Deep recursion is a trap, however much stack the thread has.

use anyhow::{Result, ensure};
use multi_out::Vmctx;
use multi_out_wasm::{Error, Instance, Linker, Module, Store, Trap};

/// Takes stack as host functions do, and touches all of it.
extern "C" fn host(sum: &mut u64) {
    let mut bytes = [1u8; 32 << 10];
    std::hint::black_box(&mut bytes);
    *sum += u64::from(bytes[bytes.len() / 2]);
}

/// Calls an export on a thread with so many bytes of stack.
fn run(bytes: usize, max_stack: usize, export: &str) -> Result<Result<i32, Error>> {
    let module = Module::from_text(
        r#"(module
            (import "" "host" (func $host))
            (func $deep (export "deep") (result i32)
                (call $host) (i32.add (call $deep) (i32.const 1)))
            (func (export "shallow") (result i32) (call $host) (i32.const 7)))"#,
    )?;
    let mut store = Store::new()?;
    store.set_max_stack(max_stack);
    let sum = store.context(0);
    let mut linker = Linker::new();
    linker.safe_function::<fn(Vmctx<u64>), _>(["", "host"], host, &sum);
    // Compiled here, as that takes more stack than some of these threads have.
    let instance = Instance::new(&mut store, &module, &linker)?;
    let function = instance.typed::<fn() -> i32>(&store, export)?;
    Ok(on_stack(bytes, || function.call(&mut store)))
}

/// Calls `f` on a thread of its own, for which this one waits.
fn on_stack<R>(bytes: usize, f: impl FnOnce() -> R) -> R {
    struct Moved<T>(T);
    // SAFETY: nobody else uses what it has until the thread has ended.
    unsafe impl<T> Send for Moved<T> {}
    let moved = Moved(f);
    std::thread::scope(|scope| {
        let run = move || {
            let moved = moved;
            Moved((moved.0)())
        };
        let thread = std::thread::Builder::new().stack_size(bytes);
        let thread = thread.spawn_scoped(scope, run).expect("a thread");
        thread.join().expect("it does not panic").0
    })
}

fn is_exhausted(result: &Result<i32, Error>) -> bool {
    matches!(result, Err(Error::Trap(Trap::StackExhausted)))
}

#[test]
fn deep_recursion_traps_on_threads_of_every_size() -> Result<()> {
    for kib in [16, 64, 128, 140, 256, 1 << 10, 8 << 10] {
        for max_stack in [512 << 10, usize::MAX] {
            let result = run(kib << 10, max_stack, "deep")?;
            ensure!(is_exhausted(&result), "{kib} KiB: {result:?}");
        }
    }
    Ok(())
}

#[test]
fn a_thread_of_256_kib_can_call() -> Result<()> {
    ensure!(matches!(run(256 << 10, 512 << 10, "shallow")?, Ok(7)));
    ensure!(is_exhausted(&run(16 << 10, 512 << 10, "shallow")?));
    Ok(())
}

/// A function that calls itself, and then, so often, one with 1,000 results, all of which it adds up at the end.
fn with_a_large_frame(calls: usize) -> String {
    let results = "i64 ".repeat(1000);
    let (import, add) = (
        "(call $import)".repeat(calls),
        "i64.add ".repeat(1000 * calls - 1),
    );
    format!(
        r#"(module
            (import "" "f" (func $import (result {results})))
            (func $large (export "large") (result i64) (drop (call $large)) {import} {add}))"#
    )
}

#[test]
fn a_frame_of_more_than_64_kib_is_refused() -> Result<()> {
    let error = Module::from_text(&with_a_large_frame(8)).err();
    ensure!(
        matches!(&error, Some(Error::Compile { function: 1, message })
            if message == "its frame is larger than 65536 bytes"),
        "{error:?}"
    );
    Ok(())
}

#[test]
fn recursion_with_frames_just_below_the_limit_traps() -> Result<()> {
    let (results, values) = ("i64 ".repeat(1000), "(i64.const 1)".repeat(1000));
    let f = format!(r#"(module (func (export "f") (result {results}) {values}))"#);
    let (f, large) = (
        Module::from_text(&f)?,
        Module::from_text(&with_a_large_frame(7))?,
    );
    let mut store = Store::new()?;
    store.set_max_stack(usize::MAX);
    let mut linker = Linker::new();
    linker.instance("", &Instance::new(&mut store, &f, &linker)?);
    let instance = Instance::new(&mut store, &large, &linker)?;
    let function = instance.typed::<fn() -> i64>(&store, "large")?;
    for kib in [192, 256, 300, 1 << 10] {
        let result = on_stack(kib << 10, || function.call(&mut store));
        ensure!(
            matches!(result, Err(Error::Trap(Trap::StackExhausted))),
            "{kib} KiB: {result:?}"
        );
    }
    Ok(())
}
