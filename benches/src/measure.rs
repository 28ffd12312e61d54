//! Times of loops against each other, on a machine that drifts.
//!
//! Loops run in rounds, one short batch of each in a round, in an order that rotates and turns around. A ratio is of times in one
//! round, so what slows down the machine for longer than a round slows down both; the figure is the median over all rounds.
//! Where code lies makes a difference that no repetition averages out. So a peer has several loops that differ in that alone, and
//! its time in a round is their median, which is as uncertain as their times say that lie apart.

use anyhow::{Result, ensure};
use std::time::{Duration, Instant};

/// A loop of calls.
pub struct CallLoop {
    pub(crate) run: Box<dyn FnMut(u64, u64) -> u64>,
    /// Where the peer's code lies, if that is known.
    pub address: Option<usize>,
}

impl CallLoop {
    /// A loop of the host's, or of code whose address is not known.
    pub fn new(run: impl FnMut(u64, u64) -> u64 + 'static) -> Self {
        Self {
            run: Box::new(run),
            address: None,
        }
    }

    /// Runs it: iterations, at least 1, and a seed. Returns a checksum.
    pub fn run(&mut self, iterations: u64, seed: u64) -> u64 {
        (self.run)(iterations, seed)
    }
}

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Places at which the code of each peer lies.
    pub placements: usize,
    /// Rounds.
    pub rounds: usize,
    /// Time of one batch of the first loop.
    pub batch: Duration,
}

impl Effort {
    /// Half a second for eight peers.
    pub const QUICK: Effort = Effort {
        placements: 4,
        rounds: 101,
        batch: Duration::from_micros(150),
    };
    /// For figures that are published.
    pub const FULL: Effort = Effort {
        placements: 8,
        rounds: 501,
        batch: Duration::from_micros(300),
    };
}

/// Times of several peers, batch by batch.
#[derive(Clone, Debug)]
struct Times {
    peers: Vec<PeerTimes>,
}

/// Times of one peer.
#[derive(Clone, Debug)]
struct PeerTimes {
    /// For each placement, the nanoseconds of one iteration in each round.
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

/// How long a peer's calls take.
#[derive(Clone, Copy, Debug)]
pub struct CallTime {
    /// Nanoseconds of one call, with the work around it.
    pub time: Figure,
    /// The first peer's time divided by this one's, both of the same rounds.
    pub ratio: Figure,
}

/// Times loops that have so many calls in an iteration. They are lists of one length, the placements of each peer.
///
/// # Errors
///
/// If the loops' checksums differ, or are 0, which is what a failed one returns.
pub fn measure(peers: &mut [Vec<CallLoop>], calls: usize, effort: Effort) -> Result<Vec<CallTime>> {
    let all = peers.iter_mut().flatten();
    let sums: Vec<u64> = all.map(|call_loop| call_loop.run(1000, 7)).collect();
    ensure!(
        sums.iter().all(|sum| *sum == sums[0] && *sum != 0),
        "the checksums differ, or are 0: {sums:x?}"
    );
    let times = run_rounds(peers, effort);
    let call_time = |index| {
        let Figure { value, noise } = times.time(index);
        let calls = calls as f64;
        CallTime {
            time: Figure {
                value: value / calls,
                noise: noise / calls,
            },
            ratio: times.ratio(0, index),
        }
    };
    Ok((0..peers.len()).map(call_time).collect())
}

/// Runs all loops in rounds.
fn run_rounds(peers: &mut [Vec<CallLoop>], effort: Effort) -> Times {
    let mut times = Vec::new();
    let mut iterations = Vec::new();
    for placements in peers.iter_mut() {
        let of_one = placements.first_mut().map(|l| calibrate(l, effort.batch));
        iterations.push(of_one.unwrap_or(1));
        times.push(PeerTimes {
            nanoseconds: vec![Vec::with_capacity(effort.rounds); placements.len()],
        });
    }
    for round in 0..effort.rounds {
        for placement in 0..effort.placements {
            for turn in 0..peers.len() {
                let turn = match round % 2 {
                    0 => turn,
                    _ => peers.len() - 1 - turn,
                };
                let index = (round / 2 + turn) % peers.len();
                let call_loop = &mut peers[index][placement];
                let start = Instant::now();
                let sum = call_loop.run(iterations[index], round as u64);
                let elapsed = start.elapsed();
                std::hint::black_box(sum);
                let nanoseconds = elapsed.as_secs_f64() * 1e9 / iterations[index] as f64;
                times[index].nanoseconds[placement].push(nanoseconds);
            }
        }
    }
    Times { peers: times }
}

/// Iterations that take as long as a batch.
fn calibrate(call_loop: &mut CallLoop, batch: Duration) -> u64 {
    let mut iterations = 16;
    loop {
        let mut time = || {
            let start = Instant::now();
            std::hint::black_box(call_loop.run(iterations, 1));
            start.elapsed()
        };
        // Something else may run once.
        let elapsed = time().min(time()).min(time());
        if elapsed >= batch / 2 || iterations > 1 << 32 {
            let scale = batch.as_secs_f64() / elapsed.as_secs_f64().max(1e-9);
            return ((iterations as f64 * scale) as u64).max(1);
        }
        iterations *= 2;
    }
}

impl PeerTimes {
    /// For each round, the median of all placements.
    fn rounds(&self) -> impl Iterator<Item = f64> + '_ {
        let rounds = self.nanoseconds.first().map_or(0, Vec::len);
        (0..rounds).map(|round| figure(self.nanoseconds.iter().map(|n| n[round]).collect()).value)
    }

    /// How far the median of the placements may be off, as a share: twice its standard error.
    fn spread(&self) -> f64 {
        let times = self.nanoseconds.iter();
        let times: Vec<f64> = times.map(|n| figure(n.clone()).value).collect();
        let n = times.len() as f64;
        let mean = times.iter().sum::<f64>() / n;
        let squares: f64 = times.iter().map(|time| (time - mean).powi(2)).sum();
        let deviation = (squares / (n - 1.0).max(1.0)).sqrt();
        2.0 * MEDIAN_ERROR * deviation / n.sqrt() / mean
    }
}

/// The standard error of a median as a multiple of that of a mean, for a normal distribution.
const MEDIAN_ERROR: f64 = 1.2533;

/// The median of figures that have nothing to do with each other.
pub fn median(figures: &[Figure]) -> Figure {
    let squares: f64 = figures.iter().map(|figure| figure.noise.powi(2)).sum();
    Figure {
        value: figure(figures.iter().map(|figure| figure.value).collect()).value,
        noise: MEDIAN_ERROR * squares.sqrt() / figures.len() as f64,
    }
}

impl Times {
    /// Nanoseconds of one iteration.
    fn time(&self, index: usize) -> Figure {
        let peer = &self.peers[index];
        let time = figure(peer.rounds().collect());
        Figure {
            noise: time.noise.max(time.value * peer.spread()),
            ..time
        }
    }

    /// How many times longer one peer takes than another.
    fn ratio(&self, index: usize, to: usize) -> Figure {
        let [peer, other] = [index, to].map(|index| &self.peers[index]);
        let pairs = peer.rounds().zip(other.rounds());
        let ratio = figure(pairs.map(|(a, b)| a / b).collect());
        let spread = match index == to {
            true => 0.0,
            false => peer.spread().hypot(other.spread()),
        };
        Figure {
            noise: ratio.noise.max(ratio.value * spread),
            ..ratio
        }
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
    fn placements_that_lie_apart_are_noise() {
        let peer = |placements: &[f64]| PeerTimes {
            nanoseconds: placements.iter().map(|time| vec![*time; 9]).collect(),
        };
        let times = Times {
            peers: vec![peer(&[1.0, 3.0, 1.0, 3.0]), peer(&[4.0; 4])],
        };
        let [ratio, same] = [times.ratio(0, 1), times.ratio(0, 0)];
        assert_eq!(ratio.value, 0.5);
        // The standard deviation is 2/√3.
        let noise = 2.0 * MEDIAN_ERROR * (2.0 / 3.0_f64.sqrt()) / 2.0 / 2.0 * 0.5;
        assert!((ratio.noise - noise).abs() < 1e-9, "{ratio:?}");
        assert_eq!((same.value, same.noise), (1.0, 0.0));
    }

    #[test]
    fn a_median_of_many_is_less_uncertain() {
        let figure = Figure {
            value: 1.03,
            noise: 0.04,
        };
        let all = median(&[figure; 20]);
        assert_eq!(all.value, 1.03);
        assert!(all.noise > 0.01 && all.noise < 0.012, "{all:?}");
    }

    #[test]
    fn equal_samples_have_no_noise() {
        let figure = figure(vec![2.0; 9]);
        assert_eq!((figure.value, figure.noise), (2.0, 0.0));
    }
}
