//! A host in C: its function is an import as it stands, and it calls exports as functions of C.

use anyhow::{Context as _, Result, ensure};
use libloading::Library;
use multi_out::{Results, Vmctx};
use multi_out_wasm::{Error, Instance, Linker, Module, Store, Trap, VmContext};
use std::path::Path;
use std::process::Command;

#[derive(Results)]
#[repr(C)]
struct A(i32, i32);

type Import = unsafe extern "C" fn(*mut A, *mut i32);
type Call = unsafe extern "C-unwind" fn(*const u8, *mut VmContext) -> i32;

const SWAP: &str = include_str!("../../examples/swap.wat");
const TRAP: &str = r#"(module (func (export "swap") (result i32 i32) (unreachable)))"#;

/// `host.c`, compiled with the header that the program writes for `swap.wat`.
fn host(folder: &Path) -> Result<Library> {
    let module = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/swap.wat");
    let mut program = Command::new(env!("CARGO_BIN_EXE_multi-out-wasm"));
    let header = program.args(["explain", "--lang", "c", module]).output()?;
    ensure!(header.status.success(), "{header:?}");
    std::fs::write(folder.join("module.h"), header.stdout)?;
    std::fs::write(folder.join("host.c"), include_str!("host.c"))?;
    let cc = Command::new("cc")
        .args([
            "-Wall",
            "-Werror",
            "-O2",
            "-fexceptions",
            "-fPIC",
            "-shared",
        ])
        .args(["host.c", "-o", "host.so"])
        .current_dir(folder)
        .status()
        .context("cannot run the C compiler `cc`; `cargo xtask setup` installs it")?;
    ensure!(cc.success(), "the C compiler fails");
    // SAFETY: nothing runs when it is loaded.
    Ok(unsafe { Library::new(folder.join("host.so")) }?)
}

#[test]
fn c_is_called_and_calls() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let host = host(folder.path())?;
    // SAFETY: the header has these types.
    let (import, call) = unsafe { (host.get::<Import>(b"nameless")?, host.get::<Call>(b"call")?) };
    let mut store = Store::new()?;
    let calls = store.context(0);
    let mut linker = Linker::new();
    // SAFETY: it asks for no more than a place for the results and its context.
    unsafe { linker.function::<fn(Vmctx<i32>) -> A, _>(["", ""], *import, &calls) };
    let mut run = |text| -> Result<Result<i32, Error>> {
        let instance = Instance::new(&mut store, &Module::from_text(text)?, &linker)?;
        let swap = instance.typed::<fn() -> A>(&store, "swap")?;
        // SAFETY: it calls the export with its context.
        Ok(store.enter(|| unsafe { call(swap.address(), swap.context()) }))
    };
    assert_eq!(run(SWAP)??, 21);
    let trap = run(TRAP)?;
    ensure!(
        matches!(trap, Err(Error::Trap(Trap::Unreachable))),
        "{trap:?}"
    );
    assert_eq!(run(SWAP)??, 21);
    assert_eq!(*store.get(&calls)?, 2);
    Ok(())
}
