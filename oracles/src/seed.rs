//! Random decisions that are the same on every machine.

use std::hash::{BuildHasher, RandomState};

/// Decisions from a seed, by SplitMix64.
#[derive(Clone, Debug)]
pub struct Seed(u64);

impl Seed {
    /// A number that is another each time, short enough to be typed.
    pub fn draw() -> u64 {
        u64::from(RandomState::new().hash_one(()) as u32)
    }

    /// The seed of one of many cases, which does not depend on those before it.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut mixed = Seed(seed);
        let start = mixed.next().wrapping_add(number);
        Seed(Seed(start).next())
    }

    /// A number below `count`, which is not 0.
    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}
