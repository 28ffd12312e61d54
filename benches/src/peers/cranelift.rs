//! Peers that this build of Cranelift compiles.
//!
//! The stock conventions are the fork's: `cargo xtask campaign all unchanged` proves that it compiles them to the same bytes
//! as stock Cranelift.

use super::{LoopSpec, Made, PLACEMENT_BYTES, Peer, Side, loop_of};
use crate::clif::{self, Style};
use crate::host::host_of;
use crate::native::{Jit, host_target};
use anyhow::{Context, Result};
use std::rc::Rc;

/// Makes a peer's loop.
///
/// # Errors
///
/// If Cranelift refuses the code.
pub fn make(peer: Peer, spec: LoopSpec, placement: usize) -> Result<Made> {
    let shape = spec.shape;
    let host = host_of(shape).context("there is no host function of this shape")?;
    let function = host.function(placement);
    let target = host_target()?;
    let mut jit = Jit::new()?;
    let offset = PLACEMENT_BYTES * placement;
    let style = style(peer);
    let code = match spec.side {
        Side::Caller => jit.add(
            &clif::caller_loop(style, shape, spec.pattern, target),
            offset,
        )?,
        Side::Callee => jit.add(&clif::callee(style, shape, target), offset)?,
    };
    let callee = match style {
        Style::Stock(convention) => {
            let shim = clif::shim(convention, shape, function as u64, target);
            jit.add(&shim, offset)?
        }
        _ => function,
    };
    // SAFETY: the code was just made for this side, and the shim for this caller.
    unsafe { loop_of(spec, code, callee, Rc::new(jit)) }
}

/// How results travel to a peer that Cranelift compiles.
pub fn style(peer: Peer) -> Style {
    match peer {
        Peer::Explicit => Style::Explicit,
        Peer::ShimSystemV => Style::Stock("system_v"),
        Peer::ShimTail => Style::Stock("tail"),
        _ => Style::MultiOut,
    }
}
