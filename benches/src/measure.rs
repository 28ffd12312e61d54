//! Times of loops against each other, on a machine that drifts.
//!
//! Loops run in rounds, one short batch of each in a round, in an order that rotates. A ratio is that of two batches of one round,
//! so what slows down the machine for longer than a round slows down both; the figure is the median over all rounds.
//! What this does not average out is where code lies: [`crate::peers::Peer::Again`] shows how much that is.

use crate::peers::CallLoop;
use std::time::{Duration, Instant};

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds.
    pub rounds: usize,
    /// Time of one batch of the first loop.
    pub batch: Duration,
}

impl Effort {
    /// Half a second for a dozen loops.
    pub const QUICK: Effort = Effort {
        rounds: 101,
        batch: Duration::from_micros(150),
    };
    /// For figures that are published.
    pub const FULL: Effort = Effort {
        rounds: 501,
        batch: Duration::from_micros(300),
    };
}

/// Times of several loops, batch by batch.
#[derive(Clone, Debug)]
pub struct Times {
    /// For each loop, the nanoseconds of one iteration in each round.
    nanoseconds: Vec<Vec<f64>>,
}

/// A figure and how far it may be off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The median.
    pub value: f64,
    /// Half of the interval that holds the median with 95 % confidence.
    pub noise: f64,
}

/// Runs all loops in rounds.
pub fn measure(loops: &mut [CallLoop], effort: Effort) -> Times {
    let mut nanoseconds = vec![Vec::with_capacity(effort.rounds); loops.len()];
    let iterations: Vec<u64> = loops
        .iter_mut()
        .map(|l| calibrate(l, effort.batch))
        .collect();
    for round in 0..effort.rounds {
        for turn in 0..loops.len() {
            let index = (round + turn) % loops.len();
            let start = Instant::now();
            let sum = loops[index].run(iterations[index], round as u64);
            let elapsed = start.elapsed();
            std::hint::black_box(sum);
            nanoseconds[index].push(elapsed.as_secs_f64() * 1e9 / iterations[index] as f64);
        }
    }
    Times { nanoseconds }
}

/// Iterations that take as long as a batch.
fn calibrate(call_loop: &mut CallLoop, batch: Duration) -> u64 {
    let mut iterations = 16;
    loop {
        let start = Instant::now();
        std::hint::black_box(call_loop.run(iterations, 1));
        let elapsed = start.elapsed();
        if elapsed >= batch / 2 || iterations > 1 << 32 {
            let scale = batch.as_secs_f64() / elapsed.as_secs_f64().max(1e-9);
            return ((iterations as f64 * scale) as u64).max(1);
        }
        iterations *= 2;
    }
}

impl Times {
    /// Nanoseconds of one iteration.
    pub fn time(&self, index: usize) -> Figure {
        figure(self.nanoseconds[index].clone())
    }

    /// How many times longer one loop takes than another.
    pub fn ratio(&self, index: usize, to: usize) -> Figure {
        let pairs = self.nanoseconds[index].iter().zip(&self.nanoseconds[to]);
        figure(pairs.map(|(a, b)| a / b).collect())
    }
}

/// The median of a sample, and its confidence from order statistics, which need no distribution.
pub fn figure(mut sample: Vec<f64>) -> Figure {
    sample.sort_by(f64::total_cmp);
    let n = sample.len();
    let value = (sample[(n - 1) / 2] + sample[n / 2]) / 2.0;
    let reach = 0.98 * (n as f64).sqrt();
    let low = ((n as f64 / 2.0 - reach).floor().max(0.0)) as usize;
    let high = ((n as f64 / 2.0 + reach).ceil() as usize).min(n - 1);
    Figure {
        value,
        noise: (sample[high] - value).max(value - sample[low]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_its_interval() {
        let sample: Vec<f64> = (0..101).rev().map(f64::from).collect();
        let figure = figure(sample);
        assert_eq!(figure.value, 50.0);
        assert!(figure.noise > 9.0 && figure.noise < 12.0, "{figure:?}");
    }

    #[test]
    fn equal_samples_have_no_noise() {
        let figure = figure(vec![2.0; 9]);
        assert_eq!((figure.value, figure.noise), (2.0, 0.0));
    }
}
