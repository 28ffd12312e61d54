//! Calls between hosts and WebAssembly: this project's runtime against others.
//!
//! - [`case`] has the modules and what is computed;
//! - [`ours`], `wasmtime`, with the feature of that name, and [`wasmer`] make loops of calls.

pub mod case;
pub mod ours;
pub mod wasmer;
#[cfg(feature = "wasmtime")]
pub mod wasmtime;

use crate::measure::{CallTime, Effort, measure};
use anyhow::{Context, Result};
use case::{CALLS, COUNTS, Way};
use std::path::Path;
use std::time::Duration;

/// A runtime: ours, or one that it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// The one of this project.
    Ours,
    /// Wasmtime.
    Wasmtime,
    /// Wasmer, with its Cranelift compiler.
    Wasmer,
}

impl Runtime {
    /// In tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "multi-out-wasm",
            Self::Wasmtime => "Wasmtime",
            Self::Wasmer => "Wasmer",
        }
    }
}

/// Times of calls in one way with one number of results.
#[derive(Clone, Debug)]
pub struct RuntimeCase {
    /// Who calls.
    pub way: Way,
    /// Results.
    pub count: usize,
    /// Of each runtime. The first is ours.
    pub times: Vec<(Runtime, CallTime)>,
}

/// All figures about runtimes.
#[derive(Clone, Debug)]
pub struct Runtimes {
    /// Times of calls.
    pub cases: Vec<RuntimeCase>,
    /// Executable memory, in bytes, for a module with a hundred imports of as many types and no functions.
    pub import_bytes: Vec<(Runtime, usize)>,
}

/// Measures all runtimes that are there, Wasmer if its program is given.
///
/// # Errors
///
/// Those of runtimes, and if they compute different sums.
pub fn runtimes(effort: Effort, wasmer: Option<&Path>) -> Result<Runtimes> {
    let wasmer = wasmer.map(wasmer::Wasmer::start).transpose()?;
    let mut all = vec![Runtime::Ours];
    if cfg!(feature = "wasmtime") {
        all.push(Runtime::Wasmtime);
    }
    if wasmer.is_some() {
        all.push(Runtime::Wasmer);
    }
    let make = |runtime, way, count, placement| match (runtime, &wasmer) {
        (Runtime::Wasmer, Some(wasmer)) => wasmer.make(way, count, placement),
        #[cfg(feature = "wasmtime")]
        (Runtime::Wasmtime, _) => wasmtime::make(way, count, placement),
        _ => ours::make(way, count, placement),
    };
    // Long enough for a question to another process not to count, and so fewer.
    let effort = Effort {
        rounds: effort.rounds / 5,
        batch: Duration::from_millis(3),
        ..effort
    };
    let mut cases = Vec::new();
    for way in [Way::Import, Way::Export] {
        for count in COUNTS {
            let mut peers = Vec::new();
            for &runtime in &all {
                let loops = (0..effort.placements).map(|at| make(runtime, way, count, at));
                peers.push(loops.collect::<Result<Vec<_>>>()?);
            }
            let calls = match way {
                Way::Import => CALLS,
                Way::Export => 1,
            };
            let times = measure(&mut peers, calls, effort);
            let times = times.with_context(|| format!("{way:?}, {count} results"))?;
            cases.push(RuntimeCase {
                way,
                count,
                times: all.iter().copied().zip(times).collect(),
            });
        }
    }
    let bytes = |runtime| match (runtime, &wasmer) {
        (Runtime::Wasmer, Some(wasmer)) => wasmer.import_bytes(),
        #[cfg(feature = "wasmtime")]
        (Runtime::Wasmtime, _) => wasmtime::import_bytes(),
        _ => ours::import_bytes(),
    };
    let import_bytes = all.iter().map(|&runtime| Ok((runtime, bytes(runtime)?)));
    Ok(Runtimes {
        cases,
        import_bytes: import_bytes.collect::<Result<_>>()?,
    })
}
