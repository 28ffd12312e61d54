//! The report in Markdown.

use crate::code::PEERS;
use crate::executed;
use crate::goals::{Row, Verdict};
use crate::peers::{Peer, Side};
use crate::results::Results;
use crate::runtimes::case::Way;
use crate::runtimes::{Runtime, Runtimes};
use crate::times;
use anyhow::Result;
use oracles::toolchain::Compiler;
use std::process::Command;

/// The report: goals first, then what they are made of. `charts` are the paths of pictures.
///
/// # Errors
///
/// If code that is to be shown does not compile.
pub fn markdown(rows: &[Row], results: &Results, charts: &[&str]) -> Result<String> {
    let mut text = String::from(
        "# Benchmarks\n\nWritten by `cargo xtask bench`, which measures all of this and compares it with the goals. Figures are \
         multiples: what the convention `system_v_multi_out` takes, divided by what the other takes, both in one run. Less is \
         better. [The benchmarks' README](README.md) says what is measured, and how.\n\n",
    );
    text += &machine();
    text += &format!("\n## Goals\n\n{}", goals(rows));
    text += &missed(rows)?;
    for chart in charts {
        text += &format!("\n![{chart}]({chart})\n");
    }
    for side in [Side::Caller, Side::Callee] {
        text += &times_of(results, side);
    }
    text += &format!(
        "\n## Runtimes of WebAssembly\n\n{}",
        runtimes(&results.runtimes)
    );
    text += &code(results);
    text += &executed(results);
    text += &scaling(results);
    text += &compile(results);
    Ok(text)
}

/// The table of goals.
pub fn goals(rows: &[Row]) -> String {
    let cells = rows.iter().map(|row| {
        let verdict = row.verdict.to_string();
        vec![
            row.what.clone(),
            row.against.clone(),
            row.goal.clone(),
            row.figure.clone(),
            verdict,
        ]
    });
    table(&["what", "against", "goal", "figure", "verdict"], cells)
}

/// The code of the worst cases of missed goals.
fn missed(rows: &[Row]) -> Result<String> {
    let mut text = String::new();
    for row in rows.iter().filter(|row| row.verdict == Verdict::Missed) {
        let Some(exhibit) = &row.worst else { continue };
        let shown = match exhibit.text()? {
            Ok(code) => format!("```text\n{code}```"),
            Err(reason) => format!("Not shown: {reason}."),
        };
        text += &format!(
            "\n<details>\n<summary>Missed: {}, against {}. The code of its worst case, {}</summary>\n\n{shown}\n\n</details>\n",
            row.what,
            row.against,
            exhibit.title(),
        );
    }
    Ok(text)
}

/// A table, its first row being the head.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|cell| cell.to_string()).collect();
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    let rows: String = rows.map(|row| line(&row)).collect();
    line(&head) + &rule + &rows
}

fn times_of(results: &Results, side: Side) -> String {
    let peers: Vec<Peer> = Peer::on(side).collect();
    let mut head = vec!["results", "pattern"];
    head.extend(peers.iter().map(|peer| peer.name()));
    let cases = results.times.iter().filter(|case| case.spec.side == side);
    let rows = cases.map(|case| {
        let mut row = vec![
            case.spec.shape.to_string(),
            case.spec.pattern.name().to_owned(),
        ];
        row.extend(peers.iter().map(|peer| match case.peer(*peer) {
            None => "–".to_owned(),
            Some(time) if *peer == Peer::MultiOut => format!("{:.2} ns", time.time.value),
            Some(time) => format!("{:.2} ± {:.2}", time.ratio.value, time.ratio.noise),
        }));
        row
    });
    let rows: Vec<_> = rows.collect();
    format!(
        "\n## Times: {}\n\nNanoseconds of one call, and this as a multiple of the others.\n\n{}",
        match side {
            Side::Caller => "compiled code calls a host function",
            Side::Callee => "a host loop calls a compiled function",
        },
        table(&head, rows.into_iter())
    )
}

/// Times of calls between hosts and WebAssembly.
pub fn runtimes(runtimes: &Runtimes) -> String {
    let peers: Vec<Runtime> = runtimes
        .import_bytes
        .iter()
        .map(|(peer, _)| *peer)
        .collect();
    let mut head = vec!["called", "results"];
    head.extend(peers.iter().map(|peer| peer.name()));
    let rows = runtimes.cases.iter().map(|case| {
        let called = match case.way {
            Way::Import => "import",
            Way::Export => "export",
        };
        let mut row = vec![called.to_owned(), case.count.to_string()];
        row.extend(case.times.iter().map(|(peer, call)| match peer {
            Runtime::Ours => format!("{:.2} ns", call.time.value),
            _ => format!("{:.2} ± {:.2}", call.ratio.value, call.ratio.noise),
        }));
        row
    });
    format!(
        "Nanoseconds of one call, and this as a multiple of the others.\n\n{}",
        table(&head, rows)
    )
}

fn code(results: &Results) -> String {
    let mut head = vec!["target", "side", "results"];
    head.extend(PEERS.iter().map(|peer| peer.name()));
    let rows = results.code.iter().map(|case| {
        let mut row = vec![
            case.target.architecture().to_owned(),
            case.side.name().to_owned(),
            case.shape.to_string(),
        ];
        row.extend(case.peers.iter().map(|code| match code {
            Ok(code) => format!("{} / {}", code.bytes, code.instructions),
            Err(_) => "–".into(),
        }));
        row
    });
    let frames = results.frames.iter().map(|frame| {
        let bytes = [frame.many, frame.small, frame.one].map(|bytes| bytes.to_string());
        let mut row = vec![frame.target.architecture().to_owned()];
        row.extend(bytes);
        row
    });
    let shims = results.shims.iter().map(|(convention, shape, bytes)| {
        vec![
            (*convention).to_owned(),
            shape.to_string(),
            bytes.to_string(),
        ]
    });
    format!(
        "\n## Code\n\nBytes and instructions of a caller with one call, and of a callee.\n\n{}\n\
         Frames of callers, in bytes: with 100 calls of functions with 2, 4, 8 and 16 results, with 100 calls of 2, and \
         with one call of 16. How many registers live across calls, and are saved, depends on the number of calls.\n\n{}\n\
         Bytes of the shim that stock Cranelift needs on this machine.\n\n{}",
        table(&head, rows),
        table(
            &[
                "target",
                "100 mixed calls",
                "100 calls of 2",
                "one call of 16"
            ],
            frames
        ),
        table(&["convention", "results", "bytes"], shims)
    )
}

fn executed(results: &Results) -> String {
    let mut head = vec!["target", "results"];
    head.extend(executed::PEERS.iter().map(|peer| peer.name()));
    let rows = results.executed.iter().map(|case| {
        let mut row = vec![case.target.to_string(), case.shape.to_string()];
        row.extend(case.peers.iter().map(|count| match count {
            Ok(count) => format!("{count:.2}"),
            Err(_) => "–".into(),
        }));
        row
    });
    format!(
        "\n## Executed instructions\n\nInstructions of one call in a dependent loop, counted by qemu: the caller's, the callee's, which \
         the same peer compiles, and a quarter of what four calls share, the end of an iteration. The shim calls gcc's callee.\n\n{}",
        table(&head, rows)
    )
}

fn scaling(results: &Results) -> String {
    let rows = results.scaling.iter().map(|case| {
        let count = case.spec.shape.count;
        let mut row = vec![count.to_string()];
        row.extend(times::SCALING_PEERS.map(|peer| match case.peer(peer) {
            Some(time) => format!("{:.1}", time.time.value),
            None => "–".into(),
        }));
        row.extend(results.growth.iter().map(|(_, points)| {
            let point = points.iter().find(|(x, _)| *x == count as f64);
            point.map_or("–".into(), |(_, bytes)| format!("{bytes:.0}"))
        }));
        row
    });
    let mut head = vec!["results".to_owned()];
    head.extend(times::SCALING_PEERS.map(|peer| format!("ns, {peer}")));
    head.extend(PEERS.map(|peer| format!("bytes, {peer}")));
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    format!(
        "\n## Many results\n\nTimes of a dependent call and bytes of a caller with one call, on this machine, by the number of `i64` \
         results.\n\n{}",
        table(&head, rows)
    )
}

fn compile(results: &Results) -> String {
    let rows = results.calls.iter().map(|(calls, counts)| match counts {
        Ok((ours, theirs)) => vec![
            calls.to_string(),
            ours.to_string(),
            theirs.to_string(),
            format!("{:.3}", *ours as f64 / *theirs as f64),
        ],
        Err(reason) => vec![
            calls.to_string(),
            reason.clone(),
            String::new(),
            String::new(),
        ],
    });
    let head = ["calls", "multi-out", "explicit out pointer", "multiple"];
    format!(
        "\n## Compile time\n\nInstructions to compile one function on this machine, by the number of its calls.\n\n{}",
        table(&head, rows)
    )
}

/// The machine and the versions of everything that is compared.
fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| {
        Some(
            line.strip_prefix("model name")?
                .trim_start_matches([' ', '\t', ':']),
        )
    });
    let mut lines = vec![
        format!(
            "{} ({})",
            model.unwrap_or("an unknown processor"),
            std::env::consts::ARCH
        ),
        format!(
            "Cranelift {} with the fork's patches",
            cranelift_codegen::VERSION
        ),
    ];
    for compiler in Compiler::OF_C {
        let name = compiler.to_string();
        let output = Command::new(&name).arg("--version").output();
        let output = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let version = output
            .ok()
            .and_then(|text| text.lines().next().map(str::to_owned));
        lines.push(version.unwrap_or_else(|| format!("no {name}")));
    }
    lines.iter().map(|line| format!("- {line}\n")).collect()
}
