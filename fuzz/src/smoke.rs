//! A second of an oracle's life, without a fuzzer.

use crate::{Oracle, Verdict, random};
use std::time::{Duration, Instant};

const TIME: Duration = Duration::from_secs(1);

/// Judges random cases for a second, and at least `least` of them. At most `max_rejected` percent may
/// be rejected.
pub fn smoke<O: Oracle>(least: u64, max_rejected: u64) {
    let start = Instant::now();
    let (mut cases, mut rejected) = (0, 0);
    for case in random::cases::<O::Case>(0) {
        rejected += u64::from(O::check(&case) == Verdict::Rejected);
        cases += 1;
        if cases >= least && start.elapsed() > TIME {
            break;
        }
    }
    println!("{}: {cases} cases, {rejected} rejected", O::NAME);
    assert!(
        rejected * 100 <= cases * max_rejected,
        "{rejected} of {cases} cases are rejected"
    );
}
