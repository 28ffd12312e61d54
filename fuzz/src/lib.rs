//! What the fuzz targets run: generators, judges, and a `smoke` test of each.
//!
//! - [`blame`] says whose a panic is;
//! - [`child`] runs what may end a process in another one;
//! - [`cross`] runs programs on other machines, without a fuzzer;
//! - [`filetest`] prints programs as filetests;
//! - [`generator`] makes programs out of bytes;
//! - [`interpreter`] says what they come to;
//! - [`judges`] has one module for each target: what an input is, and who judges it;
//! - [`operations`] tries which operations the generator can use;
//! - [`random`] makes inputs without a fuzzer;
//! - [`reduce`] makes findings smaller;
//! - [`run`] compiles programs, calls them, and compares;
//! - [`signatures`] compares random signatures with C and Rust, without a fuzzer;
//! - [`stock`] writes programs for Cranelift as it is without us;
//! - [`mod@target`] is the frame of a target file, for libFuzzer and without it;
//! - [`tally`] counts valid and rejected inputs;
//! - `wasm` has modules of WebAssembly, and runtimes for them.
//!
//! An oracle says what is wrong by a panic, which libFuzzer takes for a finding.

pub mod blame;
pub mod child;
pub mod cross;
pub mod filetest;
pub mod generator;
pub mod interpreter;
pub mod judges;
pub mod operations;
pub mod random;
pub mod reduce;
pub mod run;
pub mod signatures;
#[cfg(test)]
mod smoke;
pub mod stock;
pub mod tally;
pub mod target;
#[cfg(feature = "wasm")]
pub mod wasm;

use arbitrary::{Arbitrary, Unstructured};
use std::fmt::Debug;

/// A generator of cases, and a judge of them.
pub trait Oracle {
    /// The name of the target.
    const NAME: &'static str;

    /// Whether a fuzzer may keep cases that are rejected, to make others of them.
    const KEEPS_REJECTED: bool = false;

    /// An input. Its debug text is for people, and if it is code, a filetest ready to paste.
    type Case: for<'a> Arbitrary<'a> + Debug;

    /// Judges a case. Panics if something is wrong.
    fn check(case: &Self::Case) -> Verdict;

    /// The case that is these bytes.
    fn case(bytes: &[u8]) -> arbitrary::Result<Self::Case> {
        Self::Case::arbitrary_take_rest(Unstructured::new(bytes))
    }

    /// Whose fault a finding is, if the target can tell.
    fn blame(_case: &Self::Case) -> Option<&'static str> {
        None
    }
}

/// Whether there was anything to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The case is valid, and all is well.
    Passed,
    /// The case is none that the target is about.
    Rejected,
}

/// Tells something on the standard error stream, if `FUZZ_EXPLAIN` is set.
pub(crate) fn explain(what: &str) {
    if std::env::var_os("FUZZ_EXPLAIN").is_some() {
        eprintln!("{what}");
    }
}
