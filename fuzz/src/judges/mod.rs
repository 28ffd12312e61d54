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

use crate::{Verdict, explain};

/// Tells why a case is rejected.
fn reject(target: &str, why: &str) -> Verdict {
    explain(&format!("{target}: rejected: {why}"));
    Verdict::Rejected
}
