//! Frames of compiled functions, unwound: exceptions, backtraces and debuggers. `UNWINDING.md` has what is shown by that.
//!
//! - [`chain`]: compiled functions for an exception to pass, and [`catcher`]: some that catch it,
//! - [`unwind`]: the same chains for C++,
//! - [`eh_frame`]: unwind information of a JIT, for the system's [`unwinder`],
//! - [`cfi`]: unwind information against code.

pub mod catcher;
pub mod cfi;
pub mod chain;
pub mod eh_frame;
pub mod unwind;
pub mod unwinder;
