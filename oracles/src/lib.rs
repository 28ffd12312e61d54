//! The other side of a call, for tests, fuzz targets and benchmarks: who says what C and Rust do.
//!
//! Tools:
//!
//! - [`toolchain`]: the targets that C has, their compilers and emulators, and [`quarrels`]: what compilers disagree about,
//! - [`workshop`]: programs made from sources and object files, and what they print; [`temporary`] makes its folders,
//! - [`guard`]: memory between two pages that nobody may touch.
//!
//! Signatures:
//!
//! - [`signatures`]: random ones, from a seed or from the bytes of a fuzzer,
//! - [`shape`]: the ones that Rust functions here have, and [`random`]: more of them,
//! - [`layout_oracle`]: where [`core::alloc::Layout`] puts their results; `ffi_oracle`: libffi calls them, and is called.
//!
//! Compiled functions, and what calls them:
//!
//! - [`config`]: code generation settings, and instruction sets made from them,
//! - [`define`](mod@define): functions into a JIT or object module, and [`jit`]: a JIT module that shows its code,
//! - [`functions`]: compiled functions of any shape, and [`host`]: Rust functions of any shape,
//! - [`vmctx`]: what these functions read and write, and [`graffiti`]: the values in it.
//!
//! Unwinding, of which `UNWINDING.md` has more:
//!
//! - [`chain`]: compiled functions for an exception to pass, and [`catcher`]: some that catch it,
//! - [`unwind`]: the same chains for C++,
//! - [`eh_frame`]: unwind information of a JIT, for the system's [`unwinder`],
//! - [`cfi`]: unwind information against code,
//! - `pinned`: calls with known values in registers and on another stack.

pub mod catcher;
pub mod cfi;
pub mod chain;
pub mod config;
pub mod define;
pub mod eh_frame;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub mod ffi_oracle;
pub mod functions;
pub mod graffiti;
pub mod guard;
pub mod host;
pub mod jit;
pub mod layout_oracle;
#[cfg(target_arch = "x86_64")]
pub mod pinned;
pub mod quarrels;
pub mod random;
pub mod shape;
pub mod signatures;
pub mod temporary;
pub mod toolchain;
pub mod unwind;
pub mod unwinder;
pub mod vmctx;
pub mod workshop;
