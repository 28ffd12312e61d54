//! Goals about runtimes of WebAssembly.

use super::{Row, Verdict, at_most};
use crate::measure::Figure;
use crate::runtimes::case::Way;
use crate::runtimes::{Runtime, Runtimes};

/// Goals about runtimes.
pub fn runtime_rows(runtimes: &Runtimes) -> Vec<Row> {
    let (import, export) = (Way::Import, Way::Export);
    let all: fn(usize) -> bool = |_| true;
    let two: fn(usize) -> bool = |count| count == 2;
    let many: fn(usize) -> bool = |count| count >= 8;
    let mut rows = vec![
        time_row(runtimes, import, Runtime::Wasmtime, "", all, 0.50),
        time_row(runtimes, export, Runtime::Wasmtime, "", all, 0.50),
        time_row(
            runtimes,
            import,
            Runtime::Wasmer,
            ", two results",
            two,
            0.80,
        ),
        time_row(
            runtimes,
            import,
            Runtime::Wasmer,
            ", eight and more results",
            many,
            0.67,
        ),
    ];
    rows.extend([Runtime::Wasmtime, Runtime::Wasmer].map(|peer| bytes_row(runtimes, peer)));
    rows
}

fn time_row(
    runtimes: &Runtimes,
    way: Way,
    peer: Runtime,
    which: &str,
    is_meant: fn(usize) -> bool,
    limit: f64,
) -> Row {
    let cases = runtimes.cases.iter();
    let cases = cases.filter(|case| case.way == way && is_meant(case.count));
    let ratios: Vec<(usize, Figure)> = cases
        .filter_map(|case| {
            let (_, times) = case.times.iter().find(|(runtime, _)| *runtime == peer)?;
            Some((case.count, times.ratio))
        })
        .collect();
    let verdicts = ratios.iter().map(|(_, ratio)| at_most(*ratio, limit));
    let verdict = verdicts
        .reduce(Verdict::and)
        .unwrap_or_else(|| not_there(peer));
    let figures: Vec<String> = ratios
        .iter()
        .map(|(count, ratio)| format!("{count}: {:.2} ± {:.2}", ratio.value, ratio.noise))
        .collect();
    let calls = match way {
        Way::Import => "WebAssembly calls a host function",
        Way::Export => "host calls an export of WebAssembly",
    };
    Row {
        what: format!("{calls}{which}: time"),
        against: peer.name().into(),
        goal: format!("≤ {limit:.2}, all"),
        figure: figures.join("; "),
        verdict,
        worst: None,
    }
}

fn bytes_row(runtimes: &Runtimes, peer: Runtime) -> Row {
    let of = |runtime| {
        let mut bytes = runtimes.import_bytes.iter();
        bytes
            .find(|(of, _)| *of == runtime)
            .map(|(_, bytes)| *bytes)
    };
    let (figure, verdict) = match (of(Runtime::Ours), of(peer)) {
        (Some(ours), Some(bytes)) => {
            let verdict = match ours {
                0 => Verdict::Met,
                _ => Verdict::Missed,
            };
            (format!("{ours} instead of {bytes}"), verdict)
        }
        _ => (String::new(), not_there(peer)),
    };
    Row {
        what: "a hundred imports of a hundred types: executable memory, in bytes".into(),
        against: peer.name().into(),
        goal: "0".into(),
        figure,
        verdict,
        worst: None,
    }
}

fn not_there(peer: Runtime) -> Verdict {
    Verdict::Skipped(format!(
        "built without {}; use `cargo xtask bench`",
        peer.name()
    ))
}
