//! All peers compute the same: otherwise their times would not compare.

use multi_out_benches::host::host_of;
use multi_out_benches::peers::{LoopSpec, Made, Peer, Side};
use multi_out_benches::shapes::{Lane, Pattern, SCALING, Shape, expected};
use std::collections::BTreeSet;

fn check(side: Side, shape: Shape, pattern: Pattern) {
    let spec = LoopSpec {
        side,
        shape,
        pattern,
    };
    for peer in Peer::on(side) {
        let mut call_loop = match peer.make(spec, 1).unwrap() {
            Made::Loop(call_loop) => call_loop,
            Made::Skipped(reason) => {
                println!("skipped: {peer}: {reason}");
                continue;
            }
        };
        for (iterations, seed) in [(1, 5), (2, 0), (1000, 0xffff_ffff)] {
            assert_eq!(
                call_loop.run(iterations, seed),
                expected(shape, pattern, side.calls(), iterations, seed),
                "{peer}, {side:?}, {shape}, {pattern:?}, {iterations} iterations"
            );
        }
    }
}

#[test]
fn peers_agree() {
    for shape in Shape::all() {
        for pattern in Pattern::ALL {
            check(Side::Caller, shape, pattern);
            check(Side::Callee, shape, pattern);
        }
    }
}

#[test]
fn peers_agree_for_the_scaling_plot() {
    for count in SCALING {
        let lane = Lane::I64;
        assert!(host_of(Shape { lane, count }).is_some());
        check(Side::Caller, Shape { lane, count }, Pattern::Dependent);
    }
}

#[test]
fn most_host_functions_lie_at_several_places_of_a_cache_line() {
    let shapes: Vec<Shape> = Shape::all().collect();
    let is_spread = |shape: &&Shape| {
        let host = host_of(**shape).unwrap();
        let addresses = BTreeSet::from([0, 2, 4, 6].map(|at| host.function(at).addr()));
        assert_eq!(addresses.len(), 4, "{shape}");
        let offsets: BTreeSet<usize> = addresses.iter().map(|address| address % 64).collect();
        offsets.len() > 1
    };
    let spread = shapes.iter().filter(is_spread).count();
    assert!(spread > shapes.len() / 2, "{spread} of {}", shapes.len());
}

#[test]
fn placements_differ_within_a_cache_line() {
    let (lane, count) = (Lane::I64, 16);
    for side in [Side::Caller, Side::Callee] {
        let spec = LoopSpec {
            side,
            shape: Shape { lane, count },
            pattern: Pattern::Dependent,
        };
        for peer in Peer::on(side) {
            let mut offsets = Vec::new();
            for placement in 0..4 {
                let made = peer.make(spec, placement);
                if let Made::Loop(call_loop) = made.unwrap() {
                    offsets.extend(call_loop.address.map(|address| address % 64));
                }
            }
            let first = offsets.first().copied().unwrap_or_default();
            let want = (0..offsets.len()).map(|placement| (first + 16 * placement) % 64);
            assert!(offsets.iter().copied().eq(want), "{peer}: {offsets:?}");
        }
    }
}
