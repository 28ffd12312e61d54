//! Calls with several results, compared with C compilers, with Wasmtime and with what stock Cranelift needs.
//!
//! - [`shapes`] says what is measured; [`clif`], [`c`] and [`host`] have the functions, [`native`] compiles them;
//! - [`peers`] make loops of calls, [`measure`] times them against each other, [`times`] does so for every shape;
//! - [`runtimes`] does the same with WebAssembly and its hosts;
//! - [`code`] counts bytes and instructions, [`executed`] those that run, [`compile`] those of compiling, [`import`] what an import
//!   takes;
//! - [`results`] runs all of it, [`goals`] judges, [`report`] and [`chart`] show.

pub mod c;
pub mod chart;
pub mod clif;
pub mod code;
pub mod compile;
pub mod executed;
pub mod goals;
pub mod host;
pub mod import;
pub mod measure;
pub mod native;
pub mod peers;
pub mod report;
pub mod results;
pub mod runtimes;
pub mod shapes;
pub mod times;

/// Says on the error stream what is measured now.
fn progress(what: &str) {
    eprintln!("bench: {what}");
}
