//! `cargo bench -p multi-out-benches --features criterion --bench host_calls`: the same loops in criterion, which draws their
//! distributions in `target/criterion`. Its figures are of one peer after the other; `cargo xtask bench` compares peers round by round.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use multi_out_benches::peers::{LoopSpec, Made, Peer, Side};
use multi_out_benches::shapes::{COUNTS, Lane, Pattern, Shape};

/// Iterations of our loops in one of criterion's.
const ITERATIONS: u64 = 250;

fn host_calls(criterion: &mut Criterion) {
    for side in [Side::Caller, Side::Callee] {
        for pattern in Pattern::ALL {
            let mut group =
                criterion.benchmark_group(format!("{} {}", side.name(), pattern.name()));
            group.throughput(Throughput::Elements(ITERATIONS * side.calls() as u64));
            for count in COUNTS {
                let lane = Lane::I64;
                let spec = LoopSpec {
                    side,
                    shape: Shape { lane, count },
                    pattern,
                };
                for peer in Peer::on(side) {
                    match peer.make(spec, 0) {
                        Ok(Made::Loop(mut call_loop)) => {
                            let id = BenchmarkId::new(peer.name(), count);
                            group.bench_function(id, |b| b.iter(|| call_loop.run(ITERATIONS, 7)));
                        }
                        Ok(Made::Skipped(reason)) => println!("{peer}, {count}: skipped: {reason}"),
                        Err(error) => panic!("{peer}, {count}: {error:#}"),
                    }
                }
            }
            group.finish();
        }
    }
}

criterion_group!(benches, host_calls);
criterion_main!(benches);
