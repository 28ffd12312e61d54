//! One oracle for each target.

pub mod compile_all;
pub mod convention;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub mod host_calls;
pub mod interpret;
pub mod layout;
pub mod places;
pub mod text;
#[cfg(feature = "wasm")]
pub mod wasm;

use crate::Verdict;

/// Tells something on the standard error stream, if `FUZZ_EXPLAIN` is set.
pub(crate) fn explain(what: &str) {
    if std::env::var_os("FUZZ_EXPLAIN").is_some() {
        eprintln!("{what}");
    }
}

/// Tells why a case is rejected.
fn reject(target: &str, why: &str) -> Verdict {
    explain(&format!("{target}: rejected: {why}"));
    Verdict::Rejected
}
