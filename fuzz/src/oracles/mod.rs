//! One oracle for each target.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub mod host_calls;
pub mod layout;
pub mod queue;
pub mod text;
