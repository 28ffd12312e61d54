//! Random cases without a fuzzer: the same on every machine.

use arbitrary::{Arbitrary, Unstructured};
use oracles::seed::Seed;

/// Cases of random bytes, without end. The same seed makes the same ones.
pub fn cases<C: for<'a> Arbitrary<'a>>(seed: u64) -> impl Iterator<Item = C> {
    (0..).filter_map(move |number| {
        C::arbitrary_take_rest(Unstructured::new(&bytes(seed, number))).ok()
    })
}

/// The bytes of one of these cases.
pub fn bytes(seed: u64, number: u64) -> Vec<u8> {
    let mut seed = Seed::new(seed, number);
    let length = 1 << seed.below(12);
    (0..length).map(|_| seed.below(256) as u8).collect()
}
