//! `cargo xtask fuzz`.
//!
//! Everything it writes but the corpora is in `target/fuzz`; corpora and findings are where cargo-fuzz
//! has them, in `fuzz/corpus` and `fuzz/artifacts`, which git ignores.

mod bundle;
pub mod cross;
pub mod report;

use self::bundle::bundle;
use self::report::{Run, table};
use crate::fork::make::prepare;
use crate::programs::{Build, FUZZ, run_program};
use crate::repo::{Repo, cargo, files_below, read, remove, write};
use crate::seed;
use crate::steps::{Counts, run_function};
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, value_parser};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Run the fuzz targets
///
/// Installs cargo-fuzz if it is missing, builds the targets, makes inputs to begin with (the filetests for `text`, with a
/// dictionary of their words, and random bytes for the others), runs one target after the other, and prints what came of it. With a
/// toolchain other than nightly, it lets the compiler use the unstable options that libFuzzer needs.
///
/// For hours, with a record and merged corpora: `cargo xtask campaign long`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cargo xtask fuzz                            all targets, a minute each\n  \
    cargo xtask fuzz interpret --seconds 3600 -j 4\n  \
    cargo xtask fuzz --cross s390x              programs under qemu\n\nA finding: see it with `cargo fuzz fmt TARGET FILE`; fuzz/README.md says how to go on."
)]
pub struct Fuzz {
    /// The targets to run [default: all]
    pub targets: Vec<String>,
    /// How long to run each target
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// Processes that work on a target at a time, sharing its corpus
    #[arg(short, value_name = "N", default_value_t = 1)]
    pub jobs: usize,
    /// Run programs on this machine instead, under qemu if it is another one, and compare with the interpreter; without
    /// libFuzzer; may be repeated, and `all` is each machine
    #[arg(long, value_name = "MACHINE", value_parser = cross::choices(), conflicts_with = "targets")]
    pub cross: Vec<String>,
    /// A number from which libFuzzer draws, so that a run can be repeated about as it was; with `--cross`, exactly [default: a new
    /// one, which is printed]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub seed: Option<u32>,
    /// With `--cross`, how many programs to run, however long that takes
    #[arg(long, value_name = "N", requires = "cross", conflicts_with = "seconds")]
    pub count: Option<u64>,
    /// With `--cross`, the number of the first program, as a finding names it
    #[arg(long, value_name = "N", requires = "cross")]
    pub first: Option<u64>,
    /// Run nothing: write programs, options, dictionary and seeds to this folder, for a fuzzing service
    #[arg(long, value_name = "DIR", conflicts_with_all = ["seconds", "jobs", "seed", "cross", "first"])]
    pub out: Option<PathBuf>,
}

impl Fuzz {
    /// Runs the targets; an error if one has a finding.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        if !self.cross.is_empty() {
            prepare(repo)?;
            let seconds = self.count.map_or(self.seconds, |_| u64::MAX);
            let mut args = vec![
                format!("--seconds={seconds}"),
                format!("--jobs={}", self.jobs),
                format!("--seed={}", self.seed.unwrap_or_else(seed::draw)),
            ];
            args.extend(self.count.map(|count| format!("--count={count}")));
            args.extend(self.first.map(|first| format!("--first={first}")));
            let counts = cross::run(repo, Build::for_seconds(self.seconds), &self.cross, &args);
            println!("{counts}");
            ensure!(counts.failed == 0, "see above");
            return Ok(());
        }
        let counts = counts(&self.run_all(repo)?);
        if counts.failed > 0 {
            bail!("{} targets have findings", counts.failed);
        }
        Ok(())
    }

    /// One target.
    pub fn of(target: &str, seconds: u64, jobs: usize, seed: u32) -> Self {
        Fuzz {
            targets: vec![target.into()],
            seconds,
            jobs,
            cross: Vec::new(),
            count: None,
            first: None,
            seed: Some(seed),
            out: None,
        }
    }

    /// Runs the one target, and leaves of its corpus only inputs that reach what others do not. If that fails, it is the run's
    /// finding, unless there is another.
    pub fn run_and_merge(&self, repo: &Repo) -> Result<Run> {
        let mut run = self.run_all(repo)?.pop().context("one target")?;
        let mut merge = cargo_fuzz(repo, "cmin")?;
        merge.args(features(&self.targets[0])).args(&self.targets);
        if !merge.status().is_ok_and(|status| status.success()) {
            run.finding
                .get_or_insert_with(|| "the corpus cannot be merged".into());
        }
        Ok(run)
    }

    fn run_all(&self, repo: &Repo) -> Result<Vec<Run>> {
        prepare(repo)?;
        let chosen = &chosen(repo, &self.targets)?;
        install()?;
        for target in chosen {
            let mut build = cargo_fuzz(repo, "build")?;
            let status = build.args(features(target)).arg(target).status()?;
            ensure!(
                status.success(),
                "cannot build the target; its errors are above"
            );
        }
        let dictionary = dictionary(repo)?;
        if let Some(out) = &self.out {
            fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
            for target in chosen {
                let words = reads_text(target).then_some(&*dictionary);
                bundle(repo, target, &seeds(repo, target)?, words, out)?;
                println!("wrote {}", out.join(target).display());
            }
            return Ok(Vec::new());
        }
        let seed = self.seed.unwrap_or_else(seed::draw);
        let mut runs = Vec::new();
        for target in chosen {
            let seeds = seeds(repo, target)?;
            println!("\n==> {target}");
            let run = self.run_one(repo, target, seed, &seeds, &dictionary)?;
            if let Some(file) = run
                .finding
                .as_deref()
                .filter(|file| Path::new(file).exists())
            {
                reduce(repo, target, file)?;
            }
            runs.push(run);
        }
        println!("\n{}", table(&runs));
        Ok(runs)
    }

    fn run_one(
        &self,
        repo: &Repo,
        target: &str,
        seed: u32,
        seeds: &Path,
        dictionary: &Path,
    ) -> Result<Run> {
        let corpus = repo.path(&format!("fuzz/corpus/{target}"));
        fs::create_dir_all(&corpus)?;
        let mut command = cargo_fuzz(repo, "run")?;
        command
            .args(features(target))
            .arg(target)
            .args([corpus.as_path(), seeds])
            .arg("--")
            .args([
                format!("-max_total_time={}", self.seconds),
                "-print_final_stats=1".into(),
                format!("-seed={seed}"),
            ])
            .args(options(target).map(|(name, value)| format!("-{name}={value}")));
        if reads_text(target) {
            command.arg(format!("-dict={}", dictionary.display()));
        }
        if self.jobs > 1 {
            command.arg(format!("-fork={}", self.jobs));
        }
        let tally = repo.target().join("fuzz").join(format!("{target}.tally"));
        write(&tally, b"")?;
        command.env("FUZZ_TALLY", &tally);
        let start = Instant::now();
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let mut run = Run::new(target);
        let mut last = start;
        let stderr = child.stderr.take().context("the standard error stream")?;
        let mut tail = Vec::new();
        for line in BufReader::new(stderr).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            run.line(&line);
            if last.elapsed() > Duration::from_secs(10) {
                println!("  {} s: {line}", start.elapsed().as_secs());
                last = Instant::now();
            }
            tail.push(line);
            if tail.len() > 200 {
                tail.remove(0);
            }
        }
        run.seconds = start.elapsed().as_secs_f64();
        if !child.wait()?.success() {
            println!("{}", tail.join("\n"));
            run.finding.get_or_insert_with(|| "see above".into());
        }
        run.tally(&String::from_utf8_lossy(&read(&tally)?));
        run.check();
        Ok(run)
    }
}

/// Prints a finding as small as it gets, with a build for people, which leaves nothing to chance.
fn reduce(repo: &Repo, target: &str, file: &str) -> Result<()> {
    let program = [FUZZ, "--bin", target].into_iter().chain(features(target));
    let mut command = run_program(repo, &repo.path(""), Build::Debug, program);
    command.args(["--reduce", file]).status()?;
    Ok(())
}

fn counts(runs: &[Run]) -> Counts {
    let runs = runs.iter().map(|run| Counts::one(run.finding.is_none()));
    runs.fold(Counts::default(), Counts::and)
}

/// What the target is built with: only one needs other runtimes of WebAssembly.
fn features(target: &str) -> Option<&'static str> {
    (target == "wasm").then_some("--features=wasm")
}

/// Options of libFuzzer, wherever a target runs.
///
/// A program reaches tens of thousands of edges. To weigh inputs by how rare theirs are, and by how often each is passed, takes
/// two thirds of the time and more.
fn options(target: &str) -> impl Iterator<Item = (&'static str, u32)> {
    let always = [("timeout", 60), ("rss_limit_mb", 4096)];
    let plain = [("entropic", 0), ("use_counters", 0)];
    let is_plain = !reads_text(target);
    always
        .into_iter()
        .chain(plain.into_iter().filter(move |_| is_plain))
}

/// Whether inputs are text, for which there are seeds and a dictionary. The others make something of any bytes.
fn reads_text(target: &str) -> bool {
    target == "text"
}

/// What continuous integration runs.
pub fn campaign(repo: &Repo) -> Result<Counts> {
    let fuzz = Fuzz {
        targets: Vec::new(),
        ..Fuzz::of("", 20, 1, seed::FIXED)
    };
    let counts = counts(&fuzz.run_all(repo)?);
    Ok(
        counts.and(run_function("fuzz: what a service builds and runs", || {
            bundle::check(repo)
        })),
    )
}

/// The wanted targets, all if none is named.
pub fn chosen(repo: &Repo, wanted: &[String]) -> Result<Vec<String>> {
    let all = targets(repo)?;
    for target in wanted {
        ensure!(
            all.contains(target),
            "there is no target `{target}`; the targets are {}",
            all.join(", ")
        );
    }
    Ok(match wanted {
        [] => all,
        _ => wanted.to_vec(),
    })
}

/// The names of all targets.
pub fn targets(repo: &Repo) -> Result<Vec<String>> {
    let files = files_below(&repo.path("fuzz/fuzz_targets"))?;
    let names = files.iter().filter_map(|file| file.strip_suffix(".rs"));
    Ok(names.map(|name| name.replace('_', "-")).collect())
}

fn install() -> Result<()> {
    let mut version = Command::new("cargo");
    version
        .args(["fuzz", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if version.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    println!("==> cargo install cargo-fuzz");
    let mut install = Command::new("cargo");
    let status = install
        .args(["install", "cargo-fuzz", "--locked", "--version", "0.13.2"])
        .status()?;
    ensure!(status.success(), "cannot install cargo-fuzz");
    Ok(())
}

/// `cargo fuzz` with what every subcommand needs. Compiled code has no instrumentation that a sanitizer could use, and what
/// programs compare says little of the bytes that they are made from, while it costs half of the time.
fn cargo_fuzz(repo: &Repo, subcommand: &str) -> Result<Command> {
    let mut command = cargo(&repo.path(""));
    command.args([
        "fuzz",
        subcommand,
        "--sanitizer",
        "none",
        "--no-trace-compares",
    ]);
    let version = Command::new("rustc").arg("--version").output()?.stdout;
    if !String::from_utf8_lossy(&version).contains("nightly") {
        command.env("RUSTC_BOOTSTRAP", "1");
    }
    Ok(command)
}

/// A folder of inputs to begin with: the filetests, or random bytes.
fn seeds(repo: &Repo, target: &str) -> Result<PathBuf> {
    let folder = repo.target().join("fuzz/seeds").join(target);
    // A filetest that is gone is no seed.
    remove(&folder)?;
    fs::create_dir_all(&folder)?;
    if reads_text(target) {
        for file in files_below(&repo.path(FILETESTS))? {
            let bytes = read(&repo.path(FILETESTS).join(&file))?;
            write(&folder.join(file.replace('/', "-")), &bytes)?;
        }
        return Ok(folder);
    }
    let mut random = fastrand::Rng::with_seed(1);
    for number in 0..128 {
        // Small programs first: what they reach is soon known. libFuzzer makes longer ones of them.
        let mut bytes = vec![0; 32 << (number % 4)];
        random.fill(&mut bytes);
        write(&folder.join(number.to_string()), &bytes)?;
    }
    Ok(folder)
}

const FILETESTS: &str = "filetests/filetests";

/// The words of all filetests, for libFuzzer to insert.
fn dictionary(repo: &Repo) -> Result<PathBuf> {
    let mut words = BTreeSet::new();
    for file in files_below(&repo.path(FILETESTS))? {
        let bytes = read(&repo.path(FILETESTS).join(file))?;
        words.extend(words_of(&String::from_utf8_lossy(&bytes)));
    }
    let lines: Vec<_> = words.iter().map(|word| format!("\"{word}\"\n")).collect();
    let path = repo.target().join("fuzz/clif.dict");
    write(&path, lines.concat().as_bytes())?;
    Ok(path)
}

/// Words of code; numbers and numbered names say nothing.
fn words_of(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.starts_with(';'));
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.%".contains(c);
    code.flat_map(|line| line.split(move |c| !is_part(c)))
        .filter(|word| word.len() > 1 && word.len() < 32)
        .filter(|word| !word.chars().any(|c| c.is_ascii_digit() || c == '%'))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dictionary_has_the_words_of_code() {
        let words = words_of("; not this\nv1 = iadd v2, v3\nset opt_level=speed\n");
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        assert_eq!(words, ["iadd", "opt_level", "set", "speed"]);
    }
}
