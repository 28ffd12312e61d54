//! Random shapes from a seed: by shape, not by chance.

use crate::shape::Shape;
use cranelift_codegen::ir::Type;

/// A small generator of numbers, the same on every machine (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator that a seed determines.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Types out of `choice`: any, alternating ones, or the same with one that differs.
    pub fn types(&mut self, choice: &[Type], count: usize) -> Vec<Type> {
        let pick = |random: &mut Self| choice[random.below(choice.len())];
        let (first, second) = (pick(self), pick(self));
        let odd = self.below(count.max(1));
        let pattern = self.below(4);
        (0..count)
            .map(|index| match pattern {
                0 if index == odd => second,
                0 => first,
                1 if index % 2 == 1 => second,
                1 => first,
                _ => pick(self),
            })
            .collect()
    }

    /// A count up to `max`: mostly a few, at times many.
    pub fn count(&mut self, max: usize) -> usize {
        match self.below(16) {
            0 => self.below(max + 1),
            1..=4 => self.below(max.min(16) + 1),
            _ => self.below(max.min(9) + 1),
        }
    }

    /// A shape, with parameters and results out of these.
    pub fn shape(
        &mut self,
        params: &[Type],
        max_params: usize,
        results: &[Type],
        max_results: usize,
    ) -> Shape {
        let count = self.count(max_params);
        let params = self.types(params, count);
        let count = self.count(max_results);
        Shape::new(&params, &self.types(results, count))
    }
}
