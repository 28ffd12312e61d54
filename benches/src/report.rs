//! The report in Markdown.

use crate::code::PEERS;
use crate::goals::Row;
use crate::peers::{Peer, Side};
use crate::results::Results;
use filetests::c_abi::toolchain::Compiler;
use std::process::Command;

/// The report: goals first, then what they are made of. `charts` are the paths of pictures.
pub fn markdown(rows: &[Row], results: &Results, charts: &[&str]) -> String {
    let mut text = String::from(
        "# Benchmarks\n\nWritten by `cargo xtask bench`, which measures all of this and compares it with the goals. Figures are \
         multiples: what the convention `system_v_multi_out` takes, divided by what the other takes, both in one run. Less is \
         better. [The benchmarks' README](README.md) says what is measured, and how.\n\n",
    );
    text += &machine();
    text += &format!("\n## Goals\n\n{}", goals(rows));
    for chart in charts {
        text += &format!("\n![{chart}]({chart})\n");
    }
    for side in [Side::Caller, Side::Callee] {
        text += &times(results, side);
    }
    text += &code(results);
    text += &compile(results);
    text
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

/// A table, its first row being the head.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|cell| cell.to_string()).collect();
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    let rows: String = rows.map(|row| line(&row)).collect();
    line(&head) + &rule + &rows
}

fn times(results: &Results, side: Side) -> String {
    let peers: Vec<Peer> = Peer::on(side).collect();
    let mut head = vec!["results", "pattern"];
    head.extend(peers.iter().map(|peer| peer.name()));
    let cases = results.times.iter().filter(|case| case.side == side);
    let rows = cases.map(|case| {
        let mut row = vec![case.shape.to_string(), case.pattern.name().to_owned()];
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
    for program in [Compiler::Gcc, Compiler::Clang] {
        let name = match program {
            Compiler::Gcc => "gcc",
            _ => "clang",
        };
        let output = Command::new(name).arg("--version").output();
        let output = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let version = output
            .ok()
            .and_then(|text| text.lines().next().map(str::to_owned));
        lines.push(version.unwrap_or_else(|| format!("no {name}")));
    }
    lines.iter().map(|line| format!("- {line}\n")).collect()
}
