//! What the examples and their tests share: C functions with several results, in compiled code and
//! around it.
//!
//! - [`target`]: the targets, their C compilers and how their programs run here,
//! - [`config`]: code generation settings, and instruction sets made from them,
//! - [`define`](mod@define): functions into a JIT or object module,
//! - [`demo`]: the compiled functions that the two examples show,
//! - [`seed`]: the program of the object example,
//! - [`shape`]: signatures to test, and [`functions`]: compiled functions of any shape,
//! - [`vmctx`]: what these functions read and write, and [`graffiti`]: the values in it,
//! - [`guard`]: memory between two pages that nobody may touch,
//! - [`host`]: Rust functions of any shape,
//! - [`jit`]: a JIT module that shows its code,
//! - [`cases`]: the same shapes for C,
//! - [`program`]: C files and object files made into a program, and its output.

pub mod cases;
pub mod config;
pub mod define;
pub mod demo;
pub mod functions;
pub mod graffiti;
pub mod guard;
pub mod host;
pub mod jit;
pub mod program;
pub mod seed;
pub mod shape;
pub mod target;
pub mod vmctx;
