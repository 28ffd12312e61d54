//! Types of Rust are compared with those of the module. Some that are one type to the code generator are not.

use anyhow::{Context as _, Result, bail, ensure};
use multi_out::{Out, Results, Vmctx};
use multi_out_wasm::{Error, Instance, Linker, Module, Store};

#[derive(Results, Debug)]
#[repr(C)]
struct A(i32, i32);

extern "C" fn a(out: Out<'_, A>, _: &mut (), value: i32) {
    out.write(A(value, value));
}

extern "C" fn integer(_: &mut (), value: i64) -> i64 {
    value
}

extern "C" fn natural(_: &mut (), value: u64) -> u64 {
    value
}

extern "C" fn pointer(_: &mut (), value: *mut u32) -> *mut u32 {
    value
}

extern "C" fn byte(_: &mut (), value: u8) -> u8 {
    value
}

/// Imports the function as of this type, and says what is wrong.
fn import(ty: &str, offer: impl FnOnce(&mut Store, &mut Linker)) -> Result<Option<String>> {
    let module = Module::from_text(&format!(r#"(module (import "env" "f" (func {ty})))"#))?;
    let mut store = Store::new()?;
    let mut linker = Linker::new();
    offer(&mut store, &mut linker);
    match Instance::new(&mut store, &module, &linker) {
        Ok(_) => Ok(None),
        Err(error @ Error::ImportType { .. }) => Ok(Some(error.to_string())),
        Err(error) => bail!(error),
    }
}

macro_rules! offer {
    ($ty:ty, $function:ident) => {
        |store: &mut Store, linker: &mut Linker| {
            let context = store.context(());
            linker.safe_function::<$ty, _>(["env", "f"], $function, &context);
        }
    };
}

type Integer = fn(Vmctx<()>, i64) -> i64;
type Natural = fn(Vmctx<()>, u64) -> u64;
type Pointer = fn(Vmctx<()>, *mut u32) -> *mut u32;

#[test]
fn an_import_of_another_type_names_both() -> Result<()> {
    let ty = "(param i32) (result i32 i64)";
    let error = import(ty, offer!(fn(Vmctx<()>, i32) -> A, a))?.context("another type")?;
    ensure!(
        error.contains("imports \"env\" \"f\" as a function (i32) -> (i32, i64)")
            && error.contains("given a function of the host (i32) -> (i32, i32), `fn(")
            && error.contains("types::A`"),
        "{error}"
    );
    let ty = "(param i32) (result i32)";
    let error = import(ty, offer!(fn(Vmctx<()>, u8) -> u8, byte))?.context("no type")?;
    ensure!(
        error.contains("with i8, which WebAssembly has not"),
        "{error}"
    );
    Ok(())
}

#[test]
fn an_import_of_an_integer_is_no_pointer_and_no_reference() -> Result<()> {
    for (ty, fits) in [
        ("(param i64) (result i64)", [true, true, false]),
        ("(param externref) (result externref)", [false, false, true]),
        ("(param externref) (result i64)", [false; 3]),
        ("(param funcref) (result funcref)", [false; 3]),
    ] {
        let errors = [
            import(ty, offer!(Integer, integer))?,
            import(ty, offer!(Natural, natural))?,
            import(ty, offer!(Pointer, pointer))?,
        ];
        let found = errors.each_ref().map(Option::is_none);
        ensure!(found == fits, "{ty}: {errors:?}");
    }
    Ok(())
}

#[test]
fn an_export_of_an_integer_is_no_pointer_and_no_reference() -> Result<()> {
    let module = Module::from_text(
        r#"(module
            (func (export "i64") (param i64) (result i64) (local.get 0))
            (func (export "externref") (param externref) (result externref) (local.get 0)))"#,
    )?;
    let mut store = Store::new()?;
    let instance = Instance::new(&mut store, &module, &Linker::new())?;
    type Pointer = fn(*mut u32) -> *mut u32;
    let mut number = 5;
    let pointer = instance.typed::<Pointer>(&store, "externref")?;
    assert_eq!(pointer.call(&mut store, &mut number)?, &raw mut number);
    let integer = instance.typed::<fn(u64) -> u64>(&store, "i64")?;
    assert_eq!(integer.call(&mut store, u64::MAX)?, u64::MAX);
    let wrong = instance.typed::<Pointer>(&store, "i64").unwrap_err();
    let wrong = wrong.to_string();
    let text = "`i64` is (i64) -> (i64), but is used as (externref) -> (externref), `fn(*mut u32)";
    ensure!(wrong.starts_with(text), "{wrong}");
    ensure!(
        instance
            .typed::<fn(i64) -> i64>(&store, "externref")
            .is_err()
    );
    Ok(())
}
