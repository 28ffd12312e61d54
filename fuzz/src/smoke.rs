//! A second of an oracle's life, without a fuzzer.

use crate::{Oracle, Verdict, random};
use std::time::{Duration, Instant};

const TIME: Duration = Duration::from_secs(1);

/// What of programs may be rejected, in a thousand: next to nothing is, and of a few none may be.
pub const SELDOM: u64 = 5;

/// Judges random cases for a second, and at least `least` of them. At most `max_rejected` in a thousand may
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
        rejected * 1000 <= cases * max_rejected,
        "{rejected} of {cases} cases are rejected"
    );
}
