//! Counts of executed instructions, beside what disassembly says about the same code.

use multi_out_benches::code::code;
use multi_out_benches::executed::{PATTERN, PEERS, executed};
use multi_out_benches::peers::{Peer, Side};
use multi_out_benches::shapes::{CALLS, Lane, Shape};
use oracles::toolchain::CTarget;

/// The callee has no branches, and the loop is most of the caller.
fn check(peer: Peer, target: CTarget, shape: Shape) {
    let of = |side, pattern| match code(peer, target, side, shape, pattern).unwrap() {
        Ok(code) => code.instructions as f64,
        Err(reason) => panic!("{peer}, {target}: {reason}"),
    };
    match executed(peer, target, shape).unwrap() {
        Err(reason) => println!("skipped: {reason}"),
        Ok(count) => {
            let callee = of(Side::Callee, None);
            let most = callee + of(Side::Caller, Some(PATTERN)) / CALLS as f64;
            // A caller loads and folds each result, and makes the call.
            let least = callee + shape.count as f64;
            assert!(
                least < count && count < most,
                "{peer}, {target}, {shape}: {least} < {count} < {most}"
            );
        }
    }
}

#[test]
fn counts_are_those_of_the_loop() {
    let lane = Lane::I64;
    for target in CTarget::ALL {
        for peer in PEERS.into_iter().filter(|peer| *peer != Peer::ShimTail) {
            check(peer, target, Shape { lane, count: 2 });
            check(peer, target, Shape { lane, count: 16 });
        }
    }
}
