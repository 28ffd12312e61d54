//! What the examples and their tests share: C functions with several results, in compiled code and
//! around it.
//!
//! - [`target`]: the targets, their C compilers and how their programs run here,
//! - [`config`]: code generation settings, and instruction sets made from them,
//! - [`define`](mod@define): functions into a JIT or object module,
//! - [`demo`]: the compiled functions that the two examples show,
//! - [`seed`]: the program of the object example,
//! - [`shape`]: signatures to test, and [`functions`]: compiled functions of any shape,
//! - [`chain`]: compiled functions for an exception to pass, and [`catcher`]: some that catch it,
//! - [`eh_frame`]: unwind information of a JIT, for the system's [`unwinder`],
//! - [`cfi`]: unwind information against code,
//! - `pinned`: calls with known values in registers and on another stack,
//! - [`vmctx`]: what these functions read and write, and [`graffiti`]: the values in it,
//! - [`guard`]: memory between two pages that nobody may touch,
//! - [`host`]: Rust functions of any shape,
//! - [`jit`]: a JIT module that shows its code,
//! - [`random`]: shapes from a seed, for `ffi_oracle` and [`layout_oracle`], which know C's rules,
//! - [`cases`]: the same shapes for C,
//! - [`unwind`]: the same chains for C++,
//! - [`program`]: C files and object files made into a program, and its output.

pub mod cases;
pub mod catcher;
pub mod cfi;
pub mod chain;
pub mod config;
pub mod define;
pub mod demo;
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
pub mod program;
pub mod random;
pub mod seed;
pub mod shape;
pub mod target;
pub mod unwind;
pub mod unwinder;
pub mod vmctx;
