//! `cargo xtask campaign long`: hours of random tests, and a record of them.

use crate::campaign::signatures::{compare, read_cells};
use crate::fork::make::prepare;
use crate::fuzz::cross::MACHINES;
use crate::fuzz::{Fuzz, cross, targets};
use crate::git::Git;
use crate::programs::Build;
use crate::repo::{Repo, read, write};
use crate::seed;
use crate::steps::Counts;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::process::Command;
use std::time::{Duration, Instant};

/// Run all random tests for hours, with new seeds, and write what they did into STATUS.md
///
/// The time is shared by the fuzz targets, programs on other machines under qemu, and random signatures against C compilers. Corpora in
/// `fuzz/corpus` stay from one campaign to the next, and are merged. STATUS.md gets a line when a part ends, so that nothing is lost if
/// you end it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cargo xtask campaign long --hours 8\n  cargo xtask campaign long --hours 0.5 interpret s390x c-abi"
)]
pub struct Long {
    /// Fuzz targets, machines and `c-abi` [default: all]
    #[arg(value_name = "PART")]
    pub parts: Vec<String>,
    /// How long in all
    #[arg(long, value_name = "H", value_parser = hours)]
    pub hours: f64,
    /// Processes at a time
    #[arg(short, value_name = "N", default_value_t = 1)]
    pub jobs: usize,
}

fn hours(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(hours) if hours > 0.0 && hours <= 10_000.0 => Ok(hours),
        _ => Err("a number of hours, such as 8 or 0.5".into()),
    }
}

/// Signatures for each target, compiler and direction in a round, of which each has its own seed.
const SIGNATURES: usize = 1000;

impl Long {
    /// Runs each part for its share of the time; an error in the end if one has a finding.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        let all = parts(repo)?;
        for part in &self.parts {
            ensure!(
                all.contains(part),
                "there is no `{part}`; the parts are {}",
                all.join(", ")
            );
        }
        let parts = match &self.parts[..] {
            [] => &all,
            wanted => wanted,
        };
        let commit = commit(&Git::at(&repo.path("")))
            .context("cannot tell which commit the record is about")?;
        let old = record_of(repo)?;
        add(&old, "", "", &Line::default())?;
        prepare(repo)?;
        let share = Duration::from_secs_f64(self.hours * 3600.0 / parts.len() as f64);
        let mut findings = Vec::new();
        for part in parts {
            let start = Instant::now();
            loop {
                let line = self.run_part(repo, part, share.as_secs().max(1))?;
                if line.finding.is_some() {
                    findings.push(part.as_str());
                }
                record(repo, &commit, &line)?;
                // The others know how long to run.
                if part != "c-abi" || start.elapsed() >= share {
                    break;
                }
            }
        }
        if !findings.is_empty() {
            bail!("findings of {}; see above", findings.join(", "));
        }
        Ok(())
    }

    fn run_part(&self, repo: &Repo, part: &str, seconds: u64) -> Result<Line> {
        let seed = new_seed(&record_of(repo)?, part, seed::draw);
        let failures = |counts: &Counts| {
            (counts.failed > 0).then(|| format!("{} failed; the seed repeats them", counts.failed))
        };
        let build = Build::for_seconds(seconds);
        let mut line = Line {
            part: part.into(),
            seed,
            ..Line::default()
        };
        if part == "c-abi" {
            let (counts, output) = compare(repo, build, seed, SIGNATURES)?;
            let cells = read_cells(&output);
            line.judged = cells.iter().map(|cell| cell.checked as u64).sum();
            line.finding = failures(&counts);
        } else if MACHINES.contains(&part) {
            let args = [
                format!("--seed={seed}"),
                format!("--seconds={seconds}"),
                format!("--jobs={}", self.jobs),
            ];
            let counts = cross::run(repo, build, &[part.into()], &args);
            line.judged = counts.passed as u64;
            line.finding = failures(&counts);
        } else {
            let run = Fuzz::of(part, seconds, self.jobs, seed).run_and_merge(repo)?;
            line.judged = run.judged();
            line.edges = Some(run.edges);
            let root = repo.path("").display().to_string();
            line.finding = run.finding.map(|finding| finding.replace(&root, ""));
        }
        Ok(line)
    }
}

/// What there is to run.
fn parts(repo: &Repo) -> Result<Vec<String>> {
    let others = MACHINES.into_iter().chain(["c-abi"]).map(String::from);
    Ok(targets(repo)?.into_iter().chain(others).collect())
}

const FILE: &str = "STATUS.md";
const BEGIN: &str = "<!-- a line for each run of `cargo xtask campaign long`: -->\n";
const END: &str = "<!-- up to the newest -->\n";

/// A row of the record.
#[derive(Default)]
struct Line {
    part: String,
    seed: u32,
    judged: u64,
    edges: Option<u64>,
    finding: Option<String>,
}

/// The commit that is checked out, and whether a file differs from it other than the record.
fn commit(git: &Git) -> Result<String> {
    let commit = git.text(&["rev-parse", "--short", "HEAD"])?;
    let others = format!(":(exclude){FILE}");
    let changed = git.text(&["diff", "--name-only", "HEAD", "--", ".", &others])?;
    let mark = if changed.is_empty() { "" } else { "-dirty" };
    Ok(format!("{}{mark}", commit.trim()))
}

/// A seed that the record does not have for this part.
fn new_seed(record: &str, part: &str, mut draw: impl FnMut() -> u32) -> u32 {
    loop {
        let seed = draw();
        if !record.contains(&format!("| {part} | {seed} |")) {
            return seed;
        }
    }
}

fn record_of(repo: &Repo) -> Result<String> {
    Ok(String::from_utf8(read(&repo.path(FILE))?)?)
}

/// Adds a line about the commit that the campaign began with.
fn record(repo: &Repo, commit: &str, line: &Line) -> Result<()> {
    let date = Command::new("date").args(["-u", "+%F"]).output();
    let date = String::from_utf8(date.context("cannot run date")?.stdout)?;
    let new = add(&record_of(repo)?, date.trim(), commit, line)?;
    write(&repo.path(FILE), new.as_bytes())?;
    Ok(())
}

/// The file with one line more.
fn add(file: &str, date: &str, commit: &str, line: &Line) -> Result<String> {
    let (before, after) = file
        .split_once(END)
        .filter(|(before, _)| before.contains(BEGIN))
        .with_context(|| format!("{FILE} needs the marks {BEGIN}and {END}"))?;
    let edges = line
        .edges
        .map_or_else(|| "–".into(), |edges| edges.to_string());
    let Line {
        part,
        seed,
        judged,
        finding,
        ..
    } = line;
    let finding = finding.as_deref().unwrap_or("none");
    Ok(format!(
        "{before}| {date} | {commit} | {part} | {seed} | {judged} | {edges} | {finding} |\n{END}{after}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_grows_by_a_line() {
        let old = format!("a\n{BEGIN}\n| head |\n|---|\n{END}b\n");
        let line = Line {
            part: "layout".into(),
            seed: 7,
            judged: 9,
            edges: Some(3),
            finding: None,
        };
        let new = add(&old, "2000-01-01", "abc", &line).unwrap();
        let row = "| 2000-01-01 | abc | layout | 7 | 9 | 3 | none |\n";
        assert_eq!(new, old.replace(END, &format!("{row}{END}")));
        assert!(add("no marks", "2000-01-01", "abc", &line).is_err());

        let mut seeds = 7..;
        let mut draw = || seeds.next().unwrap();
        assert_eq!(new_seed(&new, "layout", &mut draw), 8);
        let mut seeds = 7..;
        let mut draw = || seeds.next().unwrap();
        assert_eq!(new_seed(&new, "text", &mut draw), 7);
    }

    #[test]
    fn a_commit_is_dirty_with_another_file_than_the_record() {
        let folder = tempfile::tempdir().unwrap();
        let git = Git::init(folder.path()).unwrap();
        let put = |file, text| std::fs::write(folder.path().join(file), text).unwrap();
        put(FILE, "a");
        put("code", "a");
        git.run(&["add", "."]).unwrap();
        let who = ["-c", "user.name=a", "-c", "user.email=a"];
        git.run(&[&who[..], &["commit", "--quiet", "--message=a"]].concat())
            .unwrap();
        let clean = commit(&git).unwrap();
        put(FILE, "b");
        assert_eq!(commit(&git).unwrap(), clean);
        put("code", "b");
        assert_eq!(commit(&git).unwrap(), format!("{clean}-dirty"));
    }
}
