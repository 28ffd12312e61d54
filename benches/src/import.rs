//! What it takes to give a host function to compiled code: time and bytes for one import.

use crate::code::shim;
use crate::host::host_of;
use crate::measure::{Figure, figure};
use crate::native::{compile, host_target, isa, parse};
use crate::shapes::{Lane, Shape};
use crate::{clif, peers};
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
    imports.extend(peers::wasmtime_imports(SHAPE)?);
    Ok(imports)
}

/// The median of several runs, in nanoseconds.
///
/// # Errors
///
/// Those of what runs.
pub fn timed<T>(mut run: impl FnMut() -> Result<T>) -> Result<Figure> {
    let mut sample = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        let result = run()?;
        sample.push(start.elapsed().as_secs_f64() * 1e9);
        std::hint::black_box(result);
    }
    Ok(figure(sample))
}
