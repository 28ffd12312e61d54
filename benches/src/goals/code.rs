//! Goals of code: its bytes, the instructions that it executes, and its frames.

use super::*;

/// The code of a peer as a multiple, and the case where it is largest: bytes or instructions.
pub fn code_ratio(case: &CodeCase, peer: Peer, instructions: bool) -> Option<f64> {
    let of = |wanted: Peer| {
        let index = PEERS.iter().position(|p| *p == wanted)?;
        let code = case.peers[index].as_ref().ok()?;
        Some(if instructions {
            code.instructions
        } else {
            code.bytes
        } as f64)
    };
    Some(of(Peer::MultiOut)? / of(peer)?)
}

pub(super) fn code_rows(results: &Results) -> Vec<Row> {
    let mut rows = Vec::new();
    for target in CTarget::ALL {
        for side in [Side::Caller, Side::Callee] {
            let cases = || {
                results
                    .code
                    .iter()
                    .filter(|c| c.target == target && c.side == side)
            };
            let mut texts = Vec::new();
            let mut worst: Option<(f64, &CodeCase)> = None;
            for (unit, instructions) in [("bytes", false), ("instructions", true)] {
                // The one that is farthest above its limit, or nearest to it.
                let ratios = cases().filter_map(|case| {
                    let value = code_ratio(case, Peer::Explicit, instructions)?;
                    Some((value / code_limit(case), value, case))
                });
                if let Some((excess, value, case)) = ratios.max_by(|a, b| a.0.total_cmp(&b.0)) {
                    texts.push(format!("{unit} at most {value:.2}, {}", case.shape));
                    worst = worst.filter(|w| w.0 >= excess).or(Some((excess, case)));
                }
            }
            let gcc: Vec<f64> = cases()
                .filter_map(|case| code_ratio(case, Peer::Gcc, false))
                .collect();
            if !gcc.is_empty() {
                texts.push(format!("gcc: bytes {:.2} (median)", figure(gcc).value));
            }
            rows.push(Row {
                what: format!("code of the {}, {}", side.name(), target.architecture()),
                against: Peer::Explicit.name().into(),
                goal: match (target, side) {
                    (CTarget::X86_64, Side::Caller) => {
                        format!("≤ 1.00, each; above 64 results ≤ {FAR_FIELDS}")
                    }
                    _ => "≤ 1.00, each".into(),
                },
                figure: texts.join("; "),
                verdict: exactly_at_most(worst.map(|(excess, _)| excess), "no code"),
                worst: worst.map(|(_, case)| Exhibit {
                    peer: Peer::Explicit,
                    target,
                    side,
                    shape: case.shape,
                    pattern: None,
                }),
            });
        }
    }
    rows
}

/// What an explicit pointer's register saves on x86-64 for each of many fields: the byte that an operand relative to
/// the stack pointer takes more.
const FAR_FIELDS: f64 = 1.15;

/// What a caller's or a callee's code may be, as a multiple of that with an explicit out pointer.
fn code_limit(case: &CodeCase) -> f64 {
    let is_far = case.target == CTarget::X86_64 && case.shape.count > 64;
    if is_far && case.side == Side::Caller {
        FAR_FIELDS
    } else {
        1.0
    }
}

/// Whether a multiple that has no noise is at most 1.
fn exactly_at_most(value: Option<f64>, otherwise: &str) -> Verdict {
    match value {
        Some(value) => at_most(Figure { value, noise: 0.0 }, 1.0),
        None => Verdict::Skipped(otherwise.into()),
    }
}

pub(super) fn executed_rows(results: &Results) -> Vec<Row> {
    let targets = CTarget::ALL.into_iter();
    targets
        .map(|target| {
            let cases = || results.executed.iter().filter(|c| c.target == target);
            let against = |peer| {
                cases().filter_map(move |case: &ExecutedCase| Some((case.ratio(peer)?, case)))
            };
            let worst = against(Peer::Explicit).max_by(|a, b| a.0.total_cmp(&b.0));
            let mut texts = Vec::new();
            texts.extend(worst.map(|(value, case)| format!("at most {value:.2}, {}", case.shape)));
            let gcc: Vec<f64> = against(Peer::Gcc).map(|(value, _)| value).collect();
            if !gcc.is_empty() {
                texts.push(format!("gcc: {:.2} (median)", figure(gcc).value));
            }
            let reasons = cases().flat_map(|case| &case.peers);
            let reason = reasons.filter_map(|count| count.as_ref().err()).next();
            Row {
                what: format!("executed instructions of a call, {}", target.architecture()),
                against: Peer::Explicit.name().into(),
                goal: "≤ 1.00, each".into(),
                figure: texts.join("; "),
                verdict: exactly_at_most(
                    worst.map(|(value, _)| value),
                    reason.map_or("no counts", |reason| reason),
                ),
                worst: worst.map(|(_, case)| Exhibit {
                    peer: Peer::Explicit,
                    target,
                    side: Side::Caller,
                    shape: case.shape,
                    pattern: Some(executed::PATTERN),
                }),
            }
        })
        .collect()
}

pub(super) fn frame_row(results: &Results) -> Row {
    let texts = results.frames.iter().map(|frame| {
        let (target, more, many, small) = (frame.target, frame.more(), frame.many, frame.small);
        format!("{target} {more} ({many} less {small})")
    });
    let shared = |frame: &FrameCase| frame.more() <= FrameCase::LARGEST;
    Row {
        what: "frame of a caller with 100 calls, of 2 to 16 results: bytes".into(),
        against: "100 calls of 2 results".into(),
        goal: format!(
            "≤ {} more: one area for all, of 16 results instead of 2",
            FrameCase::LARGEST
        ),
        figure: texts.collect::<Vec<_>>().join(", "),
        verdict: if results.frames.iter().all(shared) {
            Verdict::Met
        } else {
            Verdict::Missed
        },
        worst: None,
    }
}
