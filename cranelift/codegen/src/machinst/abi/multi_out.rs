//! `CallConv::SystemVMultiOut`: several results in a C struct behind a first pointer.
//!
//! With two or more results the signature is that of the C function
//!
//! ```text
//!   void f(struct out *out, params...)
//! ```
//!
//! so the out pointer is placed by each backend's own rules for a first integer parameter. In the
//! engine's terms it is the `stack_ret_arg`, and the results are stack slots of the return area,
//! which the caller keeps behind its outgoing arguments:
//!
//! ```text
//!   caller's frame    |  ...                  |
//!                     +-----------------------+
//!                     |  out area             |  <- out pointer: `OutgoingArg(stack arg space)`
//!                     +-----------------------+
//!                     |  stack arguments      |  <- SP (s390x: above the register save area)
//!                     +-----------------------+
//! ```
//!
//! With fewer results the signature is the `system_v` one. Either way parameters are where C passes
//! them, which in a few corners is not where the backend's `system_v` does. Everything behind the
//! signature sees `system_v`, the base convention, in `SigData` and `Callee`: registers, clobbers,
//! frame, unwinding and exception payloads are the same. The exception is the `CallInfo` of a
//! `try_call`, which says by the convention that it has to load fields.
//!
//! Fields are moved by the backend's [`MultiOutSpec`], with exact widths.
//!
//! - `sig`: the signature, from parameters and results to registers and memory;
//! - `check`: what is refused;
//! - `fields`: stores by the callee and loads by the caller.

mod check;
mod fields;
mod sig;

pub(super) use check::check_isa_flags;
pub(super) use fields::{emitted_callee_conv, libcalls_own_stack};
pub(super) use sig::from_func_sig;

use super::*;

impl SigData {
    /// Are the results fields of an out area, to be accessed with exact widths?
    pub(crate) fn uses_out_area(&self) -> bool {
        self.out_area
    }
}
