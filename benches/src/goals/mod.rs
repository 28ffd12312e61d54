//! Goals beside figures.

mod code;
mod runtimes;

use crate::code::{CodeCase, Exhibit, FrameCase, PEERS};
use crate::executed::{self, ExecutedCase};
use crate::measure::{Figure, figure, median};
use crate::native::host_target;
use crate::peers::{Peer, Side};
use crate::results::Results;
use crate::shapes::Pattern;
use crate::times::TimeCase;
use code::{code_rows, executed_rows, frame_row};
use oracles::toolchain::CTarget;
pub use runtimes::runtime_rows;
use std::fmt;

/// What became of a goal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The figure is what it should be.
    Met,
    /// It is not, but by less than it may be off.
    WithinNoise,
    /// It is not.
    Missed,
    /// There is no figure, for this reason.
    Skipped(String),
    /// Nothing that could miss it is measured: the caller calls the function pointer that it is given.
    ByConstruction,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Met => f.write_str("met"),
            Verdict::WithinNoise => f.write_str("within noise"),
            Verdict::Missed => f.write_str("**missed**"),
            Verdict::Skipped(reason) => write!(f, "skipped: {reason}"),
            Verdict::ByConstruction => f.write_str("by construction"),
        }
    }
}

/// One goal.
#[derive(Clone, Debug)]
pub struct Row {
    /// What is measured.
    pub what: String,
    /// Compared with what.
    pub against: String,
    /// In words.
    pub goal: String,
    /// In words.
    pub figure: String,
    /// The comparison of both.
    pub verdict: Verdict,
    /// The code of the worst case.
    pub worst: Option<Exhibit>,
}

/// Whether a figure is at most a limit.
pub fn at_most(figure: Figure, limit: f64) -> Verdict {
    if figure.value <= limit {
        Verdict::Met
    } else if figure.value - figure.noise <= limit {
        Verdict::WithinNoise
    } else {
        Verdict::Missed
    }
}

impl Verdict {
    /// The worse of two.
    fn and(self, other: Verdict) -> Verdict {
        let rank = |verdict: &Verdict| match verdict {
            Verdict::Met | Verdict::ByConstruction => 0,
            Verdict::WithinNoise => 1,
            Verdict::Skipped(_) => 2,
            Verdict::Missed => 3,
        };
        if rank(&self) >= rank(&other) {
            self
        } else {
            other
        }
    }
}

/// All goals.
pub fn goals(results: &Results) -> Vec<Row> {
    const AS_FAST: Limits = Limits {
        words: "≤ 1.00 (median), none above 1.05",
        median: 1.0,
        each: 1.05,
    };
    const FASTER: Limits = Limits {
        words: "< 1.00, all",
        median: f64::INFINITY,
        each: 0.9999,
    };
    const MUCH_FASTER: Limits = Limits {
        words: "≤ 0.67 (median): 1.5 times faster",
        median: 1.0 / 1.5,
        each: f64::INFINITY,
    };
    let as_fast = |side| {
        let row = move |peer, pattern| time_row(side, Some(pattern), peer, results, AS_FAST);
        let peers = [Peer::Gcc, Peer::Clang, Peer::Explicit].into_iter();
        // What takes as long in either pattern is not to hide what does not in one.
        peers.flat_map(move |peer| Pattern::ALL.map(|pattern| row(peer, pattern)))
    };
    let caller = |peer, limits| time_row(Side::Caller, None, peer, results, limits);
    let mut rows: Vec<Row> = as_fast(Side::Caller).collect();
    rows.extend([Peer::WasmtimeWrap, Peer::WasmtimeNew].map(|peer| caller(peer, MUCH_FASTER)));
    rows.extend([Peer::ShimSystemV, Peer::ShimTail].map(|peer| caller(peer, FASTER)));
    rows.push(shim_row(results));
    rows.extend(as_fast(Side::Callee));
    rows.extend(code_rows(results));
    rows.extend(executed_rows(results));
    rows.push(frame_row(results));
    rows.extend(compile_rows(results));
    rows.extend(scaling_rows(results));
    rows.push(import_row(results));
    rows.extend(runtime_rows(&results.runtimes));
    rows
}

/// What ratios of times should be at most.
#[derive(Clone, Copy)]
struct Limits {
    words: &'static str,
    median: f64,
    each: f64,
}

impl Limits {
    fn judge(self, ratios: &[Figure]) -> Verdict {
        let each = ratios.iter().map(|ratio| at_most(*ratio, self.each));
        each.fold(at_most(median(ratios), self.median), Verdict::and)
    }
}

/// The ratio that is largest for certain.
fn worst(ratios: &[Figure]) -> Option<usize> {
    let least = |index: &usize| ratios[*index].value - ratios[*index].noise;
    (0..ratios.len()).max_by(|a, b| least(a).total_cmp(&least(b)))
}

/// Times of one pattern, or of all.
fn time_row(
    side: Side,
    pattern: Option<Pattern>,
    peer: Peer,
    results: &Results,
    limits: Limits,
) -> Row {
    let cases = || {
        let cases = results.times.iter().filter(|case| case.spec.side == side);
        cases.filter(move |case| pattern.is_none_or(|pattern| case.spec.pattern == pattern))
    };
    let judged: Vec<&TimeCase> = cases().filter(|case| case.peer(peer).is_some()).collect();
    let ratios: Vec<Figure> = judged
        .iter()
        .filter_map(|case| Some(case.peer(peer)?.ratio))
        .collect();
    let worst = worst(&ratios).map(|index| (judged[index], ratios[index]));
    let (figure, verdict) = match worst {
        None => {
            let reason = cases().find_map(|case| {
                let (_, time) = case.peers.iter().find(|(p, _)| *p == peer)?;
                time.as_ref().err().cloned()
            });
            (String::new(), Verdict::Skipped(reason.unwrap_or_default()))
        }
        Some((case, worst)) => {
            let median = median(&ratios);
            let text = format!(
                "{:.2} ± {:.2}; worst {:.2} ± {:.2}, {} {}; {} of {} cases above 1",
                median.value,
                median.noise,
                worst.value,
                worst.noise,
                case.spec.shape,
                case.spec.pattern.name(),
                ratios.iter().filter(|ratio| ratio.value > 1.0).count(),
                ratios.len()
            );
            (text, limits.judge(&ratios))
        }
    };
    let exhibit = worst.and_then(|(case, _)| {
        Some(Exhibit {
            peer,
            target: host_target().ok()?,
            side,
            shape: case.spec.shape,
            pattern: Some(case.spec.pattern),
        })
    });
    let what = match side {
        Side::Caller => "compiled code calls a host function",
        Side::Callee => "host calls a compiled function",
    };
    let pattern = pattern.map_or(String::new(), |pattern| format!(", {}", pattern.name()));
    Row {
        what: format!("{what}{pattern}: time"),
        against: peer.name().into(),
        goal: limits.words.into(),
        figure,
        verdict,
        worst: exhibit,
    }
}

fn shim_row(results: &Results) -> Row {
    let bytes = results.shims.iter().map(|(_, _, bytes)| *bytes);
    let (least, most) = (bytes.clone().min(), bytes.max());
    Row {
        what: "the same: bytes of shim".into(),
        against: "stock Cranelift".into(),
        goal: "0 instead of N".into(),
        figure: format!(
            "0 instead of {} to {}",
            least.unwrap_or(0),
            most.unwrap_or(0)
        ),
        verdict: Verdict::ByConstruction,
        worst: None,
    }
}

fn compile_rows(results: &Results) -> Vec<Row> {
    let row = |what: String, against: &str, goal: &str, limit, counts: &crate::results::Counts| {
        let (figure, verdict) = match counts {
            Err(reason) => (String::new(), Verdict::Skipped(reason.clone())),
            Ok((ours, theirs)) => {
                let value = *ours as f64 / *theirs as f64;
                let text = format!("{value:.4} ({ours} and {theirs} instructions)");
                (text, at_most(Figure { value, noise: 0.0 }, limit))
            }
        };
        Row {
            what,
            against: against.into(),
            goal: goal.into(),
            figure,
            verdict,
            worst: None,
        }
    };
    let without = "compile time without the convention, all targets".into();
    let stock = format!("stock {}", cranelift_codegen::VERSION);
    let mut rows = vec![row(without, &stock, "≤ 1.001", 1.001, &results.unchanged)];
    rows.extend(results.compile.iter().map(|(target, counts)| {
        let what = format!(
            "compile time with many such calls, {}",
            target.architecture()
        );
        row(what, Peer::Explicit.name(), "≤ 1.05", 1.05, counts)
    }));
    rows
}

/// The exponent of growth between two points.
pub fn exponent(from: (f64, f64), to: (f64, f64)) -> f64 {
    (to.1 / from.1).ln() / (to.0 / from.0).ln()
}

fn scaling_rows(results: &Results) -> Vec<Row> {
    const LIMIT: f64 = 1.1;
    let times = results.scaling.iter().filter_map(|case| {
        let time = case.peer(Peer::MultiOut)?.time.value;
        Some((case.spec.shape.count as f64, time))
    });
    let calls = results.calls.iter().filter_map(|(calls, counts)| {
        let (multi_out, _) = counts.as_ref().ok()?;
        Some((*calls as f64, *multi_out as f64))
    });
    let code = results
        .growth
        .iter()
        .find(|(peer, _)| *peer == Peer::MultiOut);
    let code = code.map(|(_, points)| points.clone());
    let rows: [(&str, Vec<(f64, f64)>); 3] = [
        ("time of a call, by results", times.collect()),
        ("bytes of a caller, by results", code.unwrap_or_default()),
        ("compile time of a function, by calls", calls.collect()),
    ];
    rows.into_iter()
        .map(|(what, points)| {
            let last = points.last().copied();
            let before = last.and_then(|last| points.iter().rfind(|point| point.0 * 9.0 < last.0));
            let (figure, verdict) = match (before, last) {
                (Some(before), Some(last)) => {
                    let value = exponent(*before, last);
                    let text = format!("{value:.2} from {} to {}", before.0, last.0);
                    (text, at_most(Figure { value, noise: 0.02 }, LIMIT))
                }
                _ => (String::new(), Verdict::Skipped("no figures".into())),
            };
            Row {
                what: what.into(),
                against: "linear growth".into(),
                goal: format!("exponent ≤ {LIMIT:.1}"),
                figure,
                verdict,
                worst: None,
            }
        })
        .collect()
}

fn import_row(results: &Results) -> Row {
    let texts = results.imports.iter().map(|import| {
        format!(
            "{}: {:.1} µs, {} bytes",
            import.what,
            import.time.value / 1000.0,
            import.bytes
        )
    });
    Row {
        what: "taking a function pointer as an import".into(),
        against: "stock with shim; Wasmtime".into(),
        goal: "nothing compiled, the same pointer".into(),
        figure: format!(
            "the pointer itself, 0 bytes; {}",
            texts.collect::<Vec<_>>().join("; ")
        ),
        verdict: Verdict::ByConstruction,
        worst: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_respect_noise() {
        let figure = |value, noise| Figure { value, noise };
        assert_eq!(at_most(figure(1.0, 0.0), 1.0), Verdict::Met);
        assert_eq!(at_most(figure(1.02, 0.03), 1.0), Verdict::WithinNoise);
        assert_eq!(at_most(figure(1.05, 0.03), 1.0), Verdict::Missed);
    }

    #[test]
    fn a_noisy_case_hides_no_certain_one() {
        let figure = |value, noise| Figure { value, noise };
        let ratios = [figure(0.9, 0.0), figure(1.3, 0.3), figure(1.1, 0.01)];
        let limits = Limits {
            words: "",
            median: 1.5,
            each: 1.05,
        };
        assert_eq!(limits.judge(&ratios), Verdict::Missed);
        assert_eq!(limits.judge(&ratios[..2]), Verdict::WithinNoise);
        assert_eq!(worst(&ratios), Some(2));
    }

    #[test]
    fn a_miss_outweighs_everything() {
        let skipped = Verdict::Skipped("no gcc".into());
        assert_eq!(Verdict::Met.and(skipped.clone()), skipped);
        assert_eq!(Verdict::Missed.and(skipped), Verdict::Missed);
        assert_eq!(Verdict::WithinNoise.and(Verdict::Met), Verdict::WithinNoise);
    }

    #[test]
    fn quadratic_growth_has_the_exponent_two() {
        assert!((exponent((10.0, 100.0), (100.0, 10_000.0)) - 2.0).abs() < 1e-9);
    }
}
