//! Compiled functions in this process, and what calls them: libffi, Rust, unwinders.
//!
//! Signatures and values:
//!
//! - [`shape`]: signatures that libffi and Rust functions have, too,
//! - [`vmctx`]: what these functions read and write, and [`graffiti`]: the values in it,
//! - [`guard`]: memory between two pages that nobody may touch.
//!
//! Functions:
//!
//! - [`config`]: code generation settings, and instruction sets made from them,
//! - [`define`](mod@define): functions into a JIT or object module, and [`jit`]: a JIT module that shows its code,
//! - [`functions`]: compiled functions of any shape, and [`host`]: Rust functions of any shape,
//! - `ffi_oracle`: libffi calls compiled functions, and is called.
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
#[cfg(target_arch = "x86_64")]
pub mod pinned;
pub mod shape;
pub mod unwind;
pub mod unwinder;
pub mod vmctx;
