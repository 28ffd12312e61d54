//! The other side of a call, for tests, fuzz targets and benchmarks: who says what C and Rust do.
//!
//! - [`toolchain`]: the targets that C has, their compilers and emulators,
//! - [`platform`]: a convention and its compilers, also of Windows and Apple,
//! - [`workshop`]: programs made from sources and object files, and what they print,
//! - [`probes`]: what compilers do not have, and disagree about,
//! - [`temporary`]: folders that go even if their process is killed,
//! - [`seed`]: random decisions, the same on every machine,
//! - [`signatures`]: random ones, made to hurt,
//! - `calls`: calls in this process, with libffi and JIT modules, for which the feature of that name builds libffi,
//! - `unwinding`: exceptions, backtraces and debuggers, with the same feature.

#[cfg(feature = "calls")]
pub mod calls;
pub mod platform;
pub mod probes;
pub mod seed;
pub mod signatures;
pub mod temporary;
pub mod toolchain;
#[cfg(feature = "calls")]
pub mod unwinding;
pub mod workshop;
