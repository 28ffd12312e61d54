//! `cargo xtask campaign all unchanged`: the fork compiles every other convention to the same bytes as stock Cranelift.
//!
//! The program `unchanged` of `scripts/fixtures/outside` compiles a generated corpus, and programs that the fuzz targets' generator
//! makes without functions of ours, and prints a line per compilation. It is built on stock Cranelift and on the fork, and the lines
//! are compared. What it does not prove: anything about functions of a shape that the corpus lacks; the queue's own hunks should be read
//! with that in mind.

use crate::outside::{Cranelift, base};
use crate::programs::{Build, PROGRAMS, run_program};
use crate::repo::{Repo, write};
use crate::steps::{Counts, run_function};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;

/// What selects the program in a Cargo command line.
pub const PROGRAM: [&str; 4] = ["--bin", "unchanged", "--features", "corpus"];

/// For each architecture; a program has up to six functions.
const COUNT: &str = "40";

/// Builds both, compares, and proves that the comparison notices one byte.
pub fn run(repo: &Repo) -> Result<Counts> {
    let mut lines = Vec::new();
    let programs = base(repo).join("programs");
    let programs = programs.to_string_lossy();
    let built = run_function(
        "unchanged: build and run on stock Cranelift and on the fork",
        || {
            write_programs(repo, &programs)?;
            for on in [Cranelift::Stock, Cranelift::Fork] {
                lines.push(corpus(repo, on, &["--programs", &programs])?);
            }
            Ok(())
        },
    );
    let [stock, fork] = lines.as_slice() else {
        return Ok(built);
    };
    let same = run_function("unchanged: the same bytes", || {
        let report = compare(stock, fork);
        if let Some(first) = report.different.first() {
            let clif = corpus(
                repo,
                Cranelift::Stock,
                &["--programs", &programs, "--show", first],
            )?;
            let path = base(repo).join("different.clif");
            write(&path, clif.as_bytes())?;
            bail!(
                "{} of {} compilations differ; the first is in {}:\n  {}\nlook for the hunk that changes another convention",
                report.different.len(),
                report.compared,
                path.display(),
                report
                    .different
                    .iter()
                    .take(5)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join("\n  ")
            );
        }
        let percent = report.refused as f64 * 100.0 / report.compared.max(1) as f64;
        println!(
            "{} compilations, {} bytes of code, {percent:.1}% refused by both",
            report.compared, report.bytes
        );
        ensure!(
            report.compared >= 20_000,
            "the corpus should have 20000 compilations; enlarge it in scripts/fixtures/outside"
        );
        let least = report.programs.values().min();
        ensure!(
            report.programs.len() >= 8 && least.is_some_and(|count| *count >= 100),
            "each target should have 100 compilations of programs: {:?}; is there a file for each in target/outside/programs?",
            report.programs
        );
        ensure!(
            percent < 10.0,
            "too many are refused to prove much; correct the corpus in scripts/fixtures/outside"
        );
        Ok(())
    });
    let sensitive = run_function("unchanged: one changed byte is noticed", || {
        let one = ["--only", "f000"];
        let plain = corpus(repo, Cranelift::Stock, &one)?;
        let report = compare(
            &plain,
            &corpus(repo, Cranelift::Stock, &[&one[..], &["--perturb"]].concat())?,
        );
        ensure!(
            report.different.len() == 1,
            "{} of {} lines differ, not one",
            report.different.len(),
            report.compared
        );
        Ok(())
    });
    Ok(built.and(same).and(sensitive))
}

/// Programs of the fuzz targets for each architecture. Random bytes mean other programs whenever the generator changes.
fn write_programs(repo: &Repo, folder: &str) -> Result<()> {
    let mut command = run_program(repo, &repo.path(""), Build::Debug, PROGRAMS);
    command.args(["write", folder, "--count", COUNT]);
    ensure!(command.status()?.success(), "cannot write programs");
    Ok(())
}

/// Runs the program and returns what it prints.
fn corpus(repo: &Repo, on: Cranelift, args: &[&str]) -> Result<String> {
    let mut command = on.cargo(repo, "run")?;
    command.arg("--quiet").args(PROGRAM);
    command.arg("--").args(args);
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "the corpus program failed; repeat it with `cargo run` in target/outside/{}",
        on.name()
    );
    Ok(String::from_utf8(output.stdout)?)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Report {
    compared: usize,
    refused: usize,
    bytes: u64,
    /// How many are of programs, by target.
    programs: BTreeMap<String, usize>,
    /// Names of compilations.
    different: Vec<String>,
}

/// Each line is `NAME: BYTES HASH`, or `NAME: error: …`, or `NAME: panic: …`.
fn compare(stock: &str, fork: &str) -> Report {
    let mut report = Report::default();
    let mut fork_lines = fork.lines();
    for line in stock.lines() {
        let (name, result) = line.split_once(": ").unwrap_or((line, ""));
        report.compared += 1;
        // `p017 tail s390x speed` is of a program, for s390x.
        if let Some(target) = name.strip_prefix('p').and_then(|n| n.split(' ').nth(2)) {
            *report.programs.entry(target.into()).or_default() += 1;
        }
        match result
            .split(' ')
            .next()
            .and_then(|bytes| bytes.parse::<u64>().ok())
        {
            Some(bytes) => report.bytes += bytes,
            None => report.refused += 1,
        }
        if fork_lines.next() != Some(line) {
            report.different.push(name.into());
        }
    }
    report
        .different
        .extend(fork_lines.map(|line| line.split(": ").next().unwrap_or_default().into()));
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "f0 tail x64: 12 abc\nf1 fast x64: error: no\np2 fast x64 none: 8 def\n";

    #[test]
    fn equal_lines_are_counted() {
        let report = compare(LINES, LINES);
        assert_eq!(
            report,
            Report {
                compared: 3,
                refused: 1,
                bytes: 20,
                programs: [("x64".to_string(), 1)].into(),
                different: vec![]
            }
        );
    }

    #[test]
    fn every_difference_is_named() {
        assert_eq!(
            compare(LINES, &LINES.replace("def", "dee")).different,
            ["p2 fast x64 none"]
        );
        assert_eq!(
            compare(LINES, &LINES.replace("error: no", "panic: no")).different,
            ["f1 fast x64"]
        );
        assert_eq!(
            compare(LINES, "f0 tail x64: 12 abc\n").different,
            ["f1 fast x64", "p2 fast x64 none"]
        );
        assert_eq!(compare("", LINES).different.len(), 3);
    }
}
