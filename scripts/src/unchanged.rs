//! The step `unchanged` of `cargo xtask test`: the fork compiles every other convention to the same bytes as stock Cranelift.
//!
//! The package `scripts/fixtures/unchanged` compiles a generated corpus, and programs that the fuzz targets' generator makes without
//! functions of ours, and prints a line per compilation. It is built twice, on stock Cranelift and on the fork, and the lines are
//! compared. What it does not prove: anything about functions of a shape that the corpus lacks; the queue's own hunks should be read
//! with that in mind.

use crate::fork::make::patch_lines;
use crate::pin::Pin;
use crate::repo::{Repo, cargo, files_below, read, write};
use crate::steps::{Counts, run_function};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::path::Path;

/// For each architecture; a program has up to six functions.
const PROGRAMS: &str = "40";

/// Builds both, compares, and proves that the comparison notices one byte.
pub fn run(repo: &Repo) -> Result<Counts> {
    let mut lines = Vec::new();
    let programs = repo.target().join("unchanged/programs");
    let programs = programs.to_string_lossy();
    let built = run_function(
        "unchanged: build and run on stock Cranelift and on the fork",
        || {
            write_programs(repo, &programs)?;
            let checkout = repo.checkout();
            for (kind, fork) in [("stock", None), ("fork", Some(checkout.as_path()))] {
                copy_package(
                    repo,
                    "unchanged",
                    &repo.target().join("unchanged").join(kind),
                    fork,
                )?;
                lines.push(corpus(repo, kind, &["--programs", &programs])?);
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
            let clif = corpus(repo, "stock", &["--programs", &programs, "--show", first])?;
            let path = repo.target().join("unchanged/different.clif");
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
            "the corpus should have 20000 compilations; enlarge it in scripts/fixtures/unchanged"
        );
        let least = report.programs.values().min();
        ensure!(
            report.programs.len() >= 8 && least.is_some_and(|count| *count >= 100),
            "each target should have 100 compilations of programs: {:?}; is there a file for each in target/unchanged/programs?",
            report.programs
        );
        ensure!(
            percent < 10.0,
            "too many are refused to prove much; correct the corpus in scripts/fixtures/unchanged"
        );
        Ok(())
    });
    let sensitive = run_function("unchanged: one changed byte is noticed", || {
        let one = ["--only", "f000"];
        let plain = corpus(repo, "stock", &one)?;
        let report = compare(
            &plain,
            &corpus(repo, "stock", &[&one[..], &["--perturb"]].concat())?,
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
    let mut command = cargo(&repo.path(""));
    command.args(["run", "--quiet"]);
    crate::fuzz::cross::select(&mut command);
    command.args(["--", "write", folder, "--count", PROGRAMS]);
    ensure!(command.status()?.success(), "cannot write programs");
    Ok(())
}

/// Copies a package from `scripts/fixtures`, for the fork in a folder if there is one. Files that are the same are left alone.
pub fn copy_package(repo: &Repo, name: &str, to: &Path, fork: Option<&Path>) -> Result<()> {
    let from = repo.path("scripts/fixtures").join(name);
    let pin = Pin::read(repo)?;
    for file in files_below(&from)?
        .iter()
        .filter(|f| !f.starts_with("target/"))
    {
        let mut bytes = read(&from.join(file))?;
        if let Some(fork) = fork {
            match file.as_str() {
                "Cargo.toml" => bytes.extend(format!("\n{}", patch_lines(&pin, fork)).bytes()),
                "Cargo.lock" => bytes = patched_lock(&String::from_utf8(bytes)?, &pin).into(),
                _ => {}
            }
        }
        write(&to.join(file), &bytes)?;
    }
    Ok(())
}

/// The lock as Cargo writes it when the pinned crates come from a folder, so that all others stay what they are.
fn patched_lock(lock: &str, pin: &Pin) -> String {
    let mut patched = false;
    let keep = |line: &&str| {
        if let Some(name) = line.strip_prefix("name = ") {
            patched = pin
                .crates
                .iter()
                .any(|c| name.trim_end() == format!("\"{}\"", c.name));
        }
        !patched || !(line.starts_with("source = ") || line.starts_with("checksum = "))
    };
    lock.split_inclusive('\n').filter(keep).collect()
}

/// Runs the program and returns what it prints.
fn corpus(repo: &Repo, kind: &str, args: &[&str]) -> Result<String> {
    let base = repo.target().join("unchanged");
    // The two packages share the target folder for what they have in common.
    let mut command = cargo(&base.join(kind));
    command
        .args(["run", "--quiet", "--locked", "--"])
        .args(args)
        .env("CARGO_TARGET_DIR", base.join("target"));
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "the corpus program failed; repeat it with `cargo run` in {}",
        base.join(kind).display()
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

    #[test]
    fn only_the_pinned_crates_leave_the_lock() {
        let krate = crate::pin::PinnedCrate {
            name: "demo".into(),
            folder: String::new(),
            version: String::new(),
            checksum: String::new(),
        };
        let pin = Pin {
            crates: vec![krate],
            tree: String::new(),
        };
        let entry = |name: &str, rest: &str| {
            format!("[[package]]\nname = \"{name}\"\n{rest}dependencies = []\n")
        };
        let source = "source = \"registry\"\nchecksum = \"00\"\n";
        let lock = |rest: &str| entry("demo", rest) + &entry("demo-other", source);
        assert_eq!(patched_lock(&lock(source), &pin), lock(""));
    }

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
