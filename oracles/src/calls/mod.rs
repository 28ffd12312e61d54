//! Compiled functions in this process, and what calls them: libffi and Rust.
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
//! - `ffi_oracle`: libffi calls compiled functions, and is called,
//! - `pinned`: calls with known values in registers and on another stack.

pub mod config;
pub mod define;
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
pub mod vmctx;
