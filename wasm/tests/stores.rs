//! What is of one store is refused by another, wherever it is given to one.

use anyhow::{Context as _, Result, ensure};
use multi_out::Vmctx;
use multi_out_wasm::{Error, Instance, Linker, Module, Store, Value};

const MODULE: &str = r#"(module
    (func (export "func") (param i32) (result i32) (local.get 0))
    (func (export "take") (param funcref))
    (table (export "table") 1 funcref)
    (global (export "global") i32 (i32.const 5)))"#;

extern "C" fn host(_: &mut u32) {}

fn is_refused<T>(what: &str, result: Result<T, Error>) -> Result<()> {
    let error = result.err().with_context(|| format!("{what} is taken"))?;
    ensure!(matches!(error, Error::OtherStore), "{what}: {error}");
    Ok(())
}

#[test]
fn what_is_of_another_store_is_refused() -> Result<()> {
    let module = Module::from_text(MODULE)?;
    let (mut one, mut other) = (Store::new()?, Store::new()?);
    let instance = Instance::new(&mut one, &module, &Linker::new())?;
    let func = instance.func("func")?;
    let typed = instance.typed::<fn(i32) -> i32>(&one, "func")?;
    let global = instance.global("global")?;
    let context = one.context(0);

    is_refused("`typed`", instance.typed::<fn(i32) -> i32>(&other, "func"))?;
    is_refused("a typed call", typed.call(&mut other, 1))?;
    is_refused("a call", func.call(&mut other, &[Value::I32(1)]))?;
    is_refused("a global", global.get(&other))?;
    is_refused("a context", other.get(&context).map(drop))?;
    is_refused("a context to change", other.get_mut(&context).map(drop))?;
    let take = Instance::new(&mut other, &module, &Linker::new())?.func("take")?;
    let reference = Value::FuncRef(Some(func.clone()));
    is_refused("a reference", take.call(&mut other, &[reference]))?;

    let mut linker = Linker::new();
    linker.instance("one", &instance);
    linker.safe_function::<fn(Vmctx<u32>), _>(["one", "host"], host, &context);
    for import in [
        r#""func" (func (param i32) (result i32))"#,
        r#""host" (func)"#,
        r#""table" (table 1 funcref)"#,
        r#""global" (global i32)"#,
    ] {
        let module = Module::from_text(&format!(r#"(module (import "one" {import}))"#))?;
        is_refused(import, Instance::new(&mut other, &module, &linker))?;
        Instance::new(&mut one, &module, &linker)?;
    }
    assert_eq!(typed.call(&mut one, 1)?, 1);
    Ok(())
}
