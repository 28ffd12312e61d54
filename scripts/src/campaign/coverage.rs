//! `cargo xtask campaign coverage`: which lines of the fork the fuzz targets reach.

use crate::git::Git;
use crate::programs::FUZZ;
use crate::repo::{Repo, cargo, files_below, remove};
use crate::seed;
use crate::setup::LLVM;
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Say which lines of the patches and of our new files the fuzz targets reach
///
/// Builds the targets with `-C instrument-coverage` in target/coverage, has each judge its corpus in fuzz/corpus, if there is one, as
/// far as it gets, and random inputs, and prints every line that none of them executed. A line counts once for all targets and all
/// backends.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask campaign coverage                             # a minute for each target
  cargo xtask campaign coverage --seconds 1800 compile-all  # all of a large corpus

Needs llvm-profdata and llvm-cov 19 or later: the tools read what rustc writes.")]
pub struct Coverage {
    /// The targets [default: all]
    pub targets: Vec<String>,

    /// How long each target gets inputs of its corpus, and then random ones
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub seconds: u64,
}

/// Files that a program judges at a time, in a few seconds; what it executed takes a moment to write.
const CHUNK: usize = 20;

/// Where Cranelift's sources are in the repository of the fork.
const SOURCES: &str = "cranelift/codegen/src/";

/// Where the judges are, one file for each target.
const JUDGES: &str = "fuzz/src/judges/";

impl Coverage {
    /// Runs it. Lines that are not reached are no error.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        let tools = Tools::find()?;
        let targets = crate::fuzz::chosen(repo, &self.targets)?;
        let folder = repo.target().join("coverage");
        let profiles = folder.join("profiles");
        remove(&profiles)?;
        fs::create_dir_all(&profiles)?;

        println!("building the targets with -C instrument-coverage");
        let mut build = cargo(&repo.path(""));
        build
            .args(["build", "--quiet", FUZZ, "--bins", "--features=wasm"])
            .arg("--target-dir")
            .arg(&folder)
            .env("RUSTFLAGS", "-C instrument-coverage")
            // Build scripts and macros are instrumented too.
            .env("LLVM_PROFILE_FILE", profiles.join("build/%m.profraw"));
        ensure!(build.status()?.success(), "the targets do not build");

        let programs: Vec<PathBuf> = targets
            .iter()
            .map(|target| folder.join("debug").join(target))
            .collect();
        for (target, program) in targets.iter().zip(&programs) {
            self.execute(repo, target, program, &profiles)?;
        }
        let counts = tools.line_counts(&folder, &profiles, &programs)?;
        check(&targets, &counts)?;
        report(&ours(repo)?, &counts)
    }

    fn execute(&self, repo: &Repo, target: &str, program: &Path, profiles: &Path) -> Result<()> {
        let corpus = repo.path("fuzz/corpus").join(target);
        let files = match corpus.is_dir() {
            true => files_below(&corpus)?,
            false => Vec::new(),
        };
        let log = profiles.with_file_name("stderr.log");
        let run = |arguments: &[PathBuf]| -> Result<()> {
            let status = Command::new(program)
                .args(arguments)
                .env(
                    "LLVM_PROFILE_FILE",
                    profiles.join(format!("{target}-%m.profraw")),
                )
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(fs::File::create(&log)?)
                .status()?;
            ensure!(
                status.success(),
                "{target} ends with {status}; the case is in {}, and `cargo run -p multi-out-fuzz --bin {target} -- --random {} --seed {}` \
                 judges it again",
                log.display(),
                self.seconds,
                seed::FIXED
            );
            Ok(())
        };
        // Names are hashes, so the first files are any. A program looks at no clock between them.
        let start = Instant::now();
        let mut judged = 0;
        for chunk in files.chunks(CHUNK) {
            if start.elapsed() >= Duration::from_secs(self.seconds) {
                break;
            }
            let paths: Vec<PathBuf> = chunk.iter().map(|file| corpus.join(file)).collect();
            run(&paths)?;
            judged += chunk.len();
        }
        println!(
            "{target}: {judged} of {} files, {} s of random inputs",
            files.len(),
            self.seconds
        );
        run(&[
            "--random".into(),
            self.seconds.to_string().into(),
            format!("--seed={}", seed::FIXED).into(),
        ])
    }
}

/// LLVM's tools of one version.
struct Tools {
    suffix: String,
}

impl Tools {
    /// The newest there are; older ones than 19 cannot read the profiles.
    fn find() -> Result<Self> {
        let versions = (19..40).rev().map(|version| format!("-{version}"));
        let suffix = versions.chain([String::new()]).find(|suffix| {
            ["llvm-profdata", "llvm-cov"].iter().all(|tool| {
                Command::new(format!("{tool}{suffix}"))
                    .arg("--version")
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status()
                    .is_ok_and(|status| status.success())
            })
        });
        let suffix = suffix.with_context(|| {
            format!("llvm-profdata and llvm-cov are missing; on Debian or Ubuntu, as root: apt-get install {LLVM}")
        })?;
        Ok(Self { suffix })
    }

    /// For each file of Cranelift's and each judge's, how often each line was executed that can be.
    fn line_counts(
        &self,
        folder: &Path,
        profiles: &Path,
        programs: &[PathBuf],
    ) -> Result<LineCounts> {
        let data = folder.join("all.profdata");
        let mut merge = Command::new(format!("llvm-profdata{}", self.suffix));
        merge.args(["merge", "--sparse", "-o"]).arg(&data);
        for file in files_below(profiles)? {
            if file.ends_with(".profraw") && !file.starts_with("build/") {
                merge.arg(profiles.join(file));
            }
        }
        ensure!(merge.status()?.success(), "llvm-profdata fails");

        let mut export = Command::new(format!("llvm-cov{}", self.suffix));
        export
            .args(["export", "--format=lcov", "--instr-profile"])
            .arg(&data);
        for (i, program) in programs.iter().enumerate() {
            if i > 0 {
                export.arg("--object");
            }
            export.arg(program);
        }
        let output = export
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()?;
        ensure!(output.status.success(), "llvm-cov fails");
        Ok(read_lcov(&String::from_utf8_lossy(&output.stdout)))
    }
}

/// By file, which is below `SOURCES` or begins with `JUDGES`, then by line from 1, how often it was executed.
type LineCounts = BTreeMap<String, BTreeMap<usize, u64>>;

fn read_lcov(text: &str) -> LineCounts {
    let mut counts = LineCounts::new();
    let mut file = None;
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            let below = path.split_once(SOURCES).map(|(_, below)| below.to_string());
            let judge = || Some(path[path.find(JUDGES)?..].to_string());
            file = below.or_else(judge);
        } else if let (Some(file), Some(data)) = (&file, line.strip_prefix("DA:")) {
            let mut parts = data.split(',').map(str::parse::<u64>);
            if let (Some(Ok(line)), Some(Ok(count))) = (parts.next(), parts.next()) {
                let lines = counts.entry(file.clone()).or_default();
                *lines.entry(line as usize).or_default() += count;
            }
        }
    }
    counts
}

/// Each target has judged something: its random inputs, if it has no corpus.
fn check(targets: &[String], counts: &LineCounts) -> Result<()> {
    for target in targets {
        let judge = format!("{JUDGES}{}.rs", target.replace('-', "_"));
        let mut lines = counts.get(&judge).into_iter().flat_map(BTreeMap::values);
        ensure!(
            lines.any(|count| *count > 0),
            "nothing was counted of what {target} has judged: no line of {judge}"
        );
    }
    Ok(())
}

/// The lines that the queue adds, by file below `SOURCES`, with their text.
fn ours(repo: &Repo) -> Result<BTreeMap<String, BTreeMap<usize, String>>> {
    let checkout = Git::at(&repo.checkout());
    let diff = checkout.text(&["diff", "--unified=0", "pin", "HEAD", "--", SOURCES])?;
    let mut files = BTreeMap::<String, BTreeMap<usize, String>>::new();
    let (mut file, mut number) = (String::new(), 0);
    for line in diff.lines() {
        if let Some(path) = line.strip_prefix("+++ b/") {
            file = path.strip_prefix(SOURCES).unwrap_or(path).to_string();
        } else if line.starts_with("@@ ") {
            let start = line
                .split(' ')
                .nth(2)
                .and_then(|range| range.strip_prefix('+')?.split(',').next()?.parse().ok());
            number = start.with_context(|| format!("git prints `{line}`"))?;
        } else if let Some(text) = line.strip_prefix('+').filter(|_| number > 0) {
            let lines = files.entry(file.clone()).or_default();
            lines.insert(number, text.to_string());
            number += 1;
        }
    }
    ensure!(!files.is_empty(), "the queue adds no lines");
    Ok(files)
}

fn report(ours: &BTreeMap<String, BTreeMap<usize, String>>, counts: &LineCounts) -> Result<()> {
    let (mut all, mut all_reached) = (0, 0);
    let mut missed = Vec::new();
    println!("\nlines reached");
    for (file, lines) in ours {
        let Some(counted) = counts.get(file) else {
            // Declarations alone, or a file that no target's program contains.
            println!("{:>5} of {:>5}  {file}", 0, 0);
            continue;
        };
        let executable: BTreeSet<usize> = lines
            .keys()
            .copied()
            .filter(|line| counted.contains_key(line))
            .collect();
        let reached = executable.iter().filter(|line| counted[line] > 0).count();
        println!("{reached:>5} of {:>5}  {file}", executable.len());
        all += executable.len();
        all_reached += reached;
        let unreached = executable.iter().filter(|line| counted[line] == 0);
        missed.extend(unreached.map(|line| format!("{file}:{line}: {}", lines[line].trim())));
    }
    ensure!(all > 0, "no line was counted: do the tools fit rustc?");
    println!(
        "{all_reached:>5} of {all:>5}  ({:.1} %)",
        all_reached as f64 * 100.0 / all as f64
    );
    println!("\nlines not reached");
    for line in missed {
        println!("{line}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_added_and_every_target_has_some() {
        let text = "SF:/x/cranelift/codegen/src/a.rs\nDA:3,0\nDA:4,2\nend_of_record\n\
                    SF:/x/other/b.rs\nDA:1,1\nend_of_record\n\
                    SF:/x/fuzz/src/judges/compile_all.rs\nDA:1,1\nend_of_record\n\
                    SF:/x/fuzz/src/judges/text.rs\nDA:1,0\nend_of_record\n\
                    SF:/x/cranelift/codegen/src/a.rs\nDA:3,1\nend_of_record\n";
        let counts = read_lcov(text);
        let judges = ["compile_all.rs", "text.rs"].map(|file| format!("{JUDGES}{file}"));
        assert_eq!(
            counts.keys().collect::<Vec<_>>(),
            ["a.rs", &judges[0], &judges[1]]
        );
        assert_eq!(
            counts["a.rs"].iter().collect::<Vec<_>>(),
            [(&3, &1), (&4, &2)]
        );
        let checked = |target: &str| check(&[target.to_string()], &counts).is_ok();
        assert_eq!(
            ["compile-all", "text", "wasm"].map(checked),
            [true, false, false]
        );
    }
}
