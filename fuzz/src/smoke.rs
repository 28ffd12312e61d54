//! A second of an oracle's life, without a fuzzer: the same inputs on every machine.

use crate::{Oracle, Verdict};
use arbitrary::{Arbitrary, Unstructured};
use filetests::signatures::{Choices, Seed};
use std::time::{Duration, Instant};

const TIME: Duration = Duration::from_secs(1);

/// Judges random cases for a second, and at least `least` of them. At most `max_rejected` percent may
/// be rejected.
pub fn smoke<O: Oracle>(least: u64, max_rejected: u64) {
    let start = Instant::now();
    let (mut cases, mut rejected) = (0, 0);
    while cases < least || start.elapsed() < TIME {
        let mut seed = Seed::new(0, cases);
        let length = 1 << seed.below(12);
        let bytes: Vec<u8> = (0..length).map(|_| seed.below(256) as u8).collect();
        if let Ok(case) = O::Case::arbitrary_take_rest(Unstructured::new(&bytes)) {
            rejected += u64::from(O::check(&case) == Verdict::Rejected);
            cases += 1;
        }
    }
    println!("{}: {cases} cases, {rejected} rejected", O::NAME);
    assert!(
        rejected * 100 <= cases * max_rejected,
        "{rejected} of {cases} cases are rejected"
    );
}
