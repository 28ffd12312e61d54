//! Times of calls: every peer for every shape and pattern on either side, and many results for the scaling plot.

use crate::measure::{CallLoop, Effort, Figure, measure};
use crate::peers::{LoopSpec, Made, Peer, Side};
use crate::shapes::{Lane, Pattern, SCALING, Shape};
use anyhow::{Result, ensure};

/// The peers of one loop, timed against each other.
#[derive(Clone, Debug)]
pub struct TimeCase {
    /// What is measured.
    pub spec: LoopSpec,
    /// Each peer's times, or why there are none.
    pub peers: Vec<(Peer, Result<PeerTime, String>)>,
}

/// One peer in a [`TimeCase`].
#[derive(Clone, Copy, Debug)]
pub struct PeerTime {
    /// Nanoseconds of one call, with the work around it.
    pub time: Figure,
    /// The time of [`Peer::MultiOut`] divided by this peer's, both of the same rounds.
    pub ratio: Figure,
}

impl TimeCase {
    /// A peer's figures, if it ran.
    pub fn peer(&self, peer: Peer) -> Option<PeerTime> {
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
    let all = loops.iter_mut().flatten();
    let sums: Vec<u64> = all.map(|l| l.run(1000, 7)).collect();
    ensure!(
        sums.iter().all(|sum| *sum == sums[0]),
        "the peers' checksums differ for {spec:?}: {sums:x?}"
    );
    let times = measure(&mut loops, effort);
    let of_one_call = |figure: Figure| Figure {
        value: figure.value / spec.side.calls() as f64,
        noise: figure.noise / spec.side.calls() as f64,
    };
    let figures = |index| PeerTime {
        time: of_one_call(times.time(index)),
        ratio: times.ratio(0, index),
    };
    let peers = peers
        .into_iter()
        .map(|(peer, made)| (peer, made.map(figures)));
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
