//! Times of calls: every peer for every shape and pattern on either side, and many results for the scaling plot.

use crate::measure::{CallLoop, CallTime, Effort, measure};
use crate::peers::{LoopSpec, Made, Peer, Side};
use crate::shapes::{Lane, Pattern, SCALING, Shape};
use anyhow::{Context, Result};

/// The peers of one loop, timed against each other.
#[derive(Clone, Debug)]
pub struct TimeCase {
    /// What is measured.
    pub spec: LoopSpec,
    /// Each peer's times, or why there are none. The first is [`Peer::MultiOut`].
    pub peers: Vec<(Peer, Result<CallTime, String>)>,
}

impl TimeCase {
    /// A peer's figures, if it ran.
    pub fn peer(&self, peer: Peer) -> Option<CallTime> {
        let (_, time) = self.peers.iter().find(|(p, _)| *p == peer)?;
        time.as_ref().ok().copied()
    }
}

/// Times every case that goals are about.
///
/// # Errors
///
/// If peers do not compute the same, or a compiler that is there refuses its code.
pub fn time_cases(effort: Effort) -> Result<Vec<TimeCase>> {
    let mut cases = Vec::new();
    for side in [Side::Caller, Side::Callee] {
        for shape in Shape::all() {
            for pattern in Pattern::ALL {
                let spec = LoopSpec {
                    side,
                    shape,
                    pattern,
                };
                cases.push(time_case(spec, Peer::on(side), effort)?);
            }
        }
    }
    Ok(cases)
}

/// Who is in the scaling plot.
pub const SCALING_PEERS: [Peer; 5] = [
    Peer::MultiOut,
    Peer::Explicit,
    Peer::Gcc,
    Peer::Clang,
    Peer::ShimTail,
];

/// Times callers for the scaling plot.
///
/// # Errors
///
/// As [`time_cases`].
pub fn scaling(effort: Effort) -> Result<Vec<TimeCase>> {
    let lane = Lane::I64;
    SCALING
        .into_iter()
        .map(|count| {
            let spec = LoopSpec {
                side: Side::Caller,
                shape: Shape { lane, count },
                pattern: Pattern::Dependent,
            };
            time_case(spec, SCALING_PEERS, effort)
        })
        .collect()
}

fn time_case(
    spec: LoopSpec,
    wanted: impl IntoIterator<Item = Peer>,
    effort: Effort,
) -> Result<TimeCase> {
    let mut loops = Vec::new();
    let mut peers = Vec::new();
    for peer in wanted {
        let made = placements(peer, spec, effort.placements)?;
        peers.push((
            peer,
            made.map(|made| {
                loops.push(made);
                loops.len() - 1
            }),
        ));
    }
    let times = measure(&mut loops, spec.side.calls(), effort);
    let times = times.with_context(|| format!("{spec:?}"))?;
    let peers = peers
        .into_iter()
        .map(|(peer, made)| (peer, made.map(|index| times[index])));
    Ok(TimeCase {
        spec,
        peers: peers.collect(),
    })
}

/// The loops of a peer at several places, or why there are none.
fn placements(peer: Peer, spec: LoopSpec, count: usize) -> Result<Result<Vec<CallLoop>, String>> {
    let mut loops = Vec::new();
    for placement in 0..count {
        match peer.make(spec, placement)? {
            Made::Loop(call_loop) => loops.push(call_loop),
            Made::Skipped(reason) => return Ok(Err(reason)),
        }
    }
    Ok(Ok(loops))
}
