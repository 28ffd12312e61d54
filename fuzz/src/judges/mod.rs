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

/// Tells on the standard error stream why a case is rejected, if `FUZZ_EXPLAIN` is set.
fn reject(target: &str, why: &str) -> Verdict {
    if std::env::var_os("FUZZ_EXPLAIN").is_some() {
        eprintln!("{target}: rejected: {why}");
    }
    Verdict::Rejected
}
