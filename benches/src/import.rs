//! What it takes to give a host function to compiled code: time and bytes for one import.

use crate::clif;
use crate::code::shim;
use crate::host::host_of;
use crate::measure::{Figure, figure};
use crate::native::{compile, host_target, isa, parse};
use crate::shapes::{Lane, Shape};
use anyhow::{Context, Result};
use std::time::Instant;

/// One way to take an import of 4 × i64 results.
#[derive(Clone, Debug)]
pub struct Import {
    /// In words.
    pub what: &'static str,
    /// Nanoseconds for one import.
    pub time: Figure,
    /// Machine code that is made for it.
    pub bytes: usize,
}

/// The shape that is imported.
pub const SHAPE: Shape = Shape {
    lane: Lane::I64,
    count: 4,
};

const RUNS: usize = 101;

/// Takes imports in every way that needs code: stock Cranelift, then Wasmtime if it is built in. With the convention the import is
/// the function pointer.
///
/// # Errors
///
/// If a shim does not compile.
pub fn imports() -> Result<Vec<Import>> {
    let host = host_of(SHAPE)
        .context("there is no host function")?
        .function(0);
    let mut imports = Vec::new();
    let target = host_target()?;
    let isa = isa(target)?;
    for (convention, what) in [
        ("system_v", "stock Cranelift, `system_v`: compile a shim"),
        ("tail", "stock Cranelift, `tail`: compile a shim"),
    ] {
        let function = parse(&clif::shim(convention, SHAPE, host as u64, target))?;
        imports.push(Import {
            what,
            time: timed(|| compile(&*isa, function.clone()))?,
            bytes: shim(convention, target, SHAPE)?.bytes,
        });
    }
    #[cfg(feature = "wasmtime")]
    imports.extend(wasmtime_imports()?);
    Ok(imports)
}

/// What Wasmtime needs for one import: a `Func`, an instance that has it, and in the importing module a trampoline.
#[cfg(feature = "wasmtime")]
fn wasmtime_imports() -> Result<[Import; 2]> {
    use crate::peers::wasmtime::{untyped, wrapped};
    use anyhow::anyhow;
    use object::{Object, ObjectSymbol, SymbolKind};
    use wasmtime::{Engine, Func, Instance, Module, Store};

    let wasmtime = |error: wasmtime::Error| anyhow!("Wasmtime: {error:#}");
    let lane = SHAPE.lane.clif();
    let results = [lane; SHAPE.count].join(" ");
    let import = format!(
        "(module (import \"\" \"\" (func $host (param {lane}) (result {results}))) (export \"host\" (func $host)))"
    );
    let engine = Engine::default();
    let artifact = engine.precompile_module(import.as_bytes());
    let artifact = artifact.map_err(wasmtime)?;
    let artifact = object::File::parse(&*artifact)?;
    let functions = artifact.symbols().filter(|s| s.kind() == SymbolKind::Text);
    let bytes = functions.map(|s| s.size() as usize).sum();
    let module = Module::new(&engine, &import).map_err(wasmtime)?;
    let mut store = Store::new(&engine, ());
    let mut take = |what, function: fn(&mut Store<()>) -> Option<Func>| -> Result<Import> {
        let time = timed(|| {
            let function = function(&mut store).context("no such `Func::wrap`")?;
            Instance::new(&mut store, &module, &[function.into()]).map_err(wasmtime)
        })?;
        Ok(Import { what, time, bytes })
    };
    Ok([
        take("Wasmtime: `Func::wrap` and `Instance::new`", |store| {
            wrapped(store, SHAPE)
        })?,
        take("Wasmtime: `Func::new` and `Instance::new`", |store| {
            Some(untyped(store, SHAPE))
        })?,
    ])
}

/// The median of several runs, in nanoseconds.
fn timed<T>(mut run: impl FnMut() -> Result<T>) -> Result<Figure> {
    let mut sample = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        let result = run()?;
        sample.push(start.elapsed().as_secs_f64() * 1e9);
        std::hint::black_box(result);
    }
    Ok(figure(sample))
}
