//! `cargo xtask fork rehearse`.
//!
//! A patch of the queue has no context and applies to the pin alone. Here the queue's commits are merged onto a release by
//! `git cherry-pick`, so that hooks are found where upstream has moved the lines around them. What this does not prove: that the
//! release still does around a hook what the hook relies on. For that there are the tests.

mod workspace;

use self::workspace::{drop_idle_dependencies, lay_workspace, replace_requirements};
use crate::checkout::{import, lay, lock, patch_commits, seal};
use crate::fork::make::prepare;
use crate::git::Git;
use crate::pin::Pin;
use crate::programs::CLIF_UTIL;
use crate::queue::{Queue, inputs};
use crate::repo::{Repo, cargo, files_below, read, remove, write};
use crate::steps::{Counts, run_tests, table};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

/// Take the saved queue to other releases of Cranelift, and say where it fails
///
/// For each release: does each patch apply, does each commit build, do the unit tests of the last one pass, does `clif-util` build
/// on it, do the filetests pass, and which findings are still there? What fails is shown with upstream's lines around it. The
/// release with the commits that apply stays in `target/rehearse/VERSION/cranelift/checkout` until the next rehearsal. A harness
/// that does not build because other crates have changed is told, and is no failure of the queue.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cargo xtask fork rehearse                  # the newest release of each series since the pin\n  \
    cargo xtask fork rehearse 0.136 0.137.0    # the newest of one series, and one release\n  \
    cargo +nightly xtask fork rehearse         # with a newer Rust than the default one\n\
    The exit status is 1 if the queue fails on one of them."
)]
pub struct Rehearse {
    /// Releases as `0.137.0`, or series as `0.137` [default: each series since the pin]
    #[arg(value_name = "VERSION")]
    pub versions: Vec<String>,
}

impl Rehearse {
    /// Rehearses each release, and prints a table.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        prepare(repo)?;
        let pin = Pin::read(repo)?;
        let folder = repo.target().join("rehearse");
        let _lock = lock(&folder)?;
        let versions = match self.versions.as_slice() {
            [] => releases_since(repo, &pin, &folder)?,
            wanted => wanted
                .iter()
                .map(|version| release(repo, &pin, &folder, &requirement(version)?))
                .collect::<Result<_>>()?,
        };
        if versions.is_empty() {
            println!("there is no release after {}", pin.title());
            return Ok(());
        }
        let queue = Queue::read(repo, &pin)?;
        let commits = folder.join("queue");
        remove(&commits)?;
        import(repo, &pin, &queue, &commits)?;
        let mut rows = vec![["release", "what", "result", "seconds"].map(String::from)];
        let mut failed = Vec::new();
        let rehearse = |version: &String| -> Result<Rehearsal> {
            let scratch = Repo::at(&folder.join(version));
            let base = lay_pin(repo, &pin, &scratch, &format!("={version}"))?;
            let mut rehearsal = Rehearsal {
                repo,
                scratch,
                base,
                queue: &queue,
                results: Vec::new(),
                is_failed: false,
                since: Instant::now(),
            };
            rehearsal.run(&pin, &commits)?;
            Ok(rehearsal)
        };
        // At once, as most of the time a release waits for one compiler.
        let rehearsals: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = versions
                .iter()
                .map(|version| scope.spawn(|| rehearse(version)))
                .collect();
            let results = threads.into_iter().map(|thread| thread.join());
            results
                .map(|result| result.expect("no panic"))
                .collect::<Result<_>>()
        })?;
        for (version, rehearsal) in versions.iter().zip(rehearsals) {
            if rehearsal.is_failed {
                failed.push(version.as_str());
            }
            let row =
                |[what, result, seconds]: [String; 3]| [version.clone(), what, result, seconds];
            rows.extend(rehearsal.results.into_iter().map(row));
        }
        println!("\n{}", table(&rows));
        ensure!(
            failed.is_empty(),
            "the queue of {} fails on {}; cranelift/README.md says how to move it, {} has each release with what applies",
            pin.title(),
            failed.join(", "),
            folder.display()
        );
        println!(
            "the queue of {} does not fail on {}",
            pin.title(),
            versions.join(", ")
        );
        Ok(())
    }
}

/// What a version on the command line asks of Cargo.
fn requirement(version: &str) -> Result<String> {
    let numbers: Vec<_> = version.split('.').collect();
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match numbers.len() {
        1 | 2 if numbers.iter().all(is_number) => Ok(format!("~{version}")),
        3 if numbers.iter().all(is_number) => Ok(format!("={version}")),
        _ => bail!("`{version}` is neither a release as 0.137.0 nor a series as 0.137"),
    }
}

/// The newest release of each series from the pin's own on, oldest first, without the pin.
fn releases_since(repo: &Repo, pin: &Pin, folder: &Path) -> Result<Vec<String>> {
    let pinned = &pin.crates[0].version;
    let mut versions = Vec::new();
    let mut wanted = format!(">={pinned}");
    loop {
        let version = release(repo, pin, folder, &wanted)?;
        let is_last = series(&version) == series(pinned);
        wanted = format!(">={pinned}, <{}", series(&version));
        if version != *pinned {
            versions.insert(0, version);
        }
        if is_last {
            return Ok(versions);
        }
    }
}

/// The part of a version that is the same in compatible releases.
fn series(version: &str) -> String {
    let numbers = if version.starts_with("0.") { 2 } else { 1 };
    let parts: Vec<_> = version.split('.').take(numbers).collect();
    parts.join(".")
}

/// The newest release that a requirement allows.
fn release(repo: &Repo, pin: &Pin, folder: &Path, requirement: &str) -> Result<String> {
    let scratch = Repo::at(&folder.join("releases"));
    let base = lay_pin(repo, pin, &scratch, requirement)?;
    Ok(base.crates[0].version.clone())
}

/// The pin of another release, in an empty folder.
fn lay_pin(repo: &Repo, pin: &Pin, scratch: &Repo, requirement: &str) -> Result<Pin> {
    const MANIFEST: &str = "cranelift/pin/Cargo.toml";
    remove(&scratch.path(""))?;
    let moved = pin
        .crates
        .iter()
        .map(|krate| (format!("={}", krate.version), requirement.to_owned()))
        .collect();
    let text = String::from_utf8(read(&repo.path(MANIFEST))?)?;
    write(
        &scratch.path(MANIFEST),
        replace_requirements(&text, &moved).as_bytes(),
    )?;
    write(&scratch.path("cranelift/pin/src/lib.rs"), b"")?;
    crate::pin::update_lock(scratch)
        .with_context(|| format!("cannot find `{requirement}` of {}", pin.title()))?;
    Pin::read(scratch)
}

/// One release.
struct Rehearsal<'a> {
    repo: &'a Repo,
    /// Pin, checkout and harness on the release, at the paths that they have in this repository.
    scratch: Repo,
    /// The release.
    base: Pin,
    queue: &'a Queue,
    /// What was tried, what became of it, and how many seconds that took.
    results: Vec<[String; 3]>,
    is_failed: bool,
    /// When the last result was there.
    since: Instant,
}

impl Rehearsal<'_> {
    fn run(&mut self, pin: &Pin, commits: &Path) -> Result<()> {
        self.pick_patches(commits)?;
        if self.is_failed {
            self.push("tests", "not tried");
            return Ok(());
        }
        if self.test_units()? && self.build_harness(pin)? {
            self.run_filetests();
            self.run_findings()?;
        }
        Ok(())
    }

    fn push(&mut self, what: &str, result: &str) {
        let seconds = self.since.elapsed().as_secs();
        self.since = Instant::now();
        self.results
            .push([what.into(), result.into(), seconds.to_string()]);
    }

    /// Applies every patch, and builds every commit until one fails. The last one is built with the tests.
    fn pick_patches(&mut self, commits: &Path) -> Result<()> {
        let mut files = self.base.unchecked_sources(&self.scratch)?;
        for krate in &self.base.crates {
            drop_idle_dependencies(&mut files, &krate.folder);
        }
        let checkout = self.scratch.checkout();
        let git = lay(&self.base, files, &Queue::default(), &checkout)?;
        let from = commits.to_string_lossy();
        git.run(&["fetch", "--quiet", "--no-tags", &from, "fork"])?;
        let picks = patch_commits(&Git::at(commits))?;
        self.lay_locks()?;
        let queue = self.queue;
        for (pick, patch) in picks.iter().zip(&queue.patches) {
            let name = patch.file_name();
            let mut fault = cherry_pick(&git, pick)?;
            let is_last = Some(patch) == queue.patches.last();
            let is_built = fault.is_none() && !self.is_failed && !is_last;
            if is_built {
                fault = self.build_fork(&format!("check of {name}"), &["check"])?;
            }
            match fault {
                Some(fault) => {
                    println!("\n{name} on {}:\n{}", self.base.title(), fault.text);
                    self.push(&name, &fault.what);
                    self.is_failed = true;
                }
                None if is_built => self.push(&name, "applies, builds"),
                None if self.is_failed => self.push(&name, "applies, not built"),
                None => self.push(&name, "applies"),
            }
        }
        Ok(())
    }

    /// The versions of everything else are those of this repository, as far as the release allows.
    fn lay_locks(&self) -> Result<()> {
        let Ok(lock) = fs::read(self.repo.path("Cargo.lock")) else {
            return Ok(());
        };
        write(&self.scratch.path("Cargo.lock"), &lock)?;
        for krate in &self.base.crates {
            let folder = self.scratch.checkout().join(&krate.folder);
            write(&folder.join("Cargo.lock"), &lock)?;
        }
        Ok(())
    }

    /// Cargo on a crate of the fork, outside of the workspace: that may need what the release has not.
    fn cargo_on(&self, folder: &str, args: &[&str]) -> Command {
        let mut command = cargo(&self.scratch.checkout().join(folder));
        command.args(args).args(["--lib", "--features", "all-arch"]);
        self.select_target(&mut command);
        if args == ["check"] {
            // One commit is much like the one before.
            command.env("CARGO_INCREMENTAL", "1");
        }
        command
    }

    /// A release may ask for a newer Rust than it needs. The rest saves time: no information for debuggers, and nothing kept for a
    /// build of the same again.
    fn select_target(&self, command: &mut Command) {
        let target = self.scratch.target();
        command.args(["--ignore-rust-version", "--target-dir"]);
        command.arg(target);
        command.env("CARGO_PROFILE_DEV_DEBUG", "false");
        command.env("CARGO_INCREMENTAL", "0");
    }

    fn build_fork(&self, name: &str, args: &[&str]) -> Result<Option<Fault>> {
        for krate in &self.base.crates {
            let mut command = self.cargo_on(&krate.folder, args);
            let name = format!("{}: {name}", self.base.title());
            let fault = build(&name, &mut command, &self.scratch.checkout())?;
            if fault.is_some() {
                return Ok(fault);
            }
        }
        Ok(None)
    }

    fn test_units(&mut self) -> Result<bool> {
        if let Some(fault) = self.build_fork("build of the unit tests", &["test", "--no-run"])? {
            println!("{}", fault.text);
            self.push("unit tests", &fault.what);
            self.is_failed = true;
            return Ok(false);
        }
        let counts = self
            .base
            .crates
            .iter()
            .map(|krate| run_tests(&mut self.cargo_on(&krate.folder, &["test", "--quiet"])));
        let counts = counts.fold(Counts::default(), Counts::and);
        self.push("unit tests", &counts.to_string());
        self.is_failed |= counts.failed > 0;
        Ok(true)
    }

    /// Builds `clif-util` on the release. Only an error in the fork itself is the queue's.
    fn build_harness(&mut self, pin: &Pin) -> Result<bool> {
        let made_from = inputs(&self.scratch, &self.base)?;
        seal(&self.scratch.checkout(), &self.base, self.queue, made_from)?;
        let new = self.base.exact_requirements(&self.scratch)?;
        let old = pin.exact_requirements(self.repo)?.into_iter();
        let moved = old.filter_map(|(name, old)| Some((old, new.get(&name)?.clone())));
        lay_workspace(self.repo, &self.scratch, &moved.collect())?;
        let mut command = cargo(&self.scratch.path(""));
        command.arg("build");
        self.select_target(&mut command);
        command.args(CLIF_UTIL);
        let checkout = self.scratch.checkout();
        let name = format!("{}: build of clif-util", self.base.title());
        let Some(fault) = build(&name, &mut command, &checkout)? else {
            self.push("clif-util", "builds");
            return Ok(true);
        };
        println!("{}", fault.text);
        self.is_failed |= fault.is_in_fork;
        let why = match fault.is_in_fork {
            true => "",
            false => ", for which the queue is not to blame",
        };
        self.push("clif-util", &format!("{}{why}", fault.what));
        Ok(false)
    }

    fn run_filetests(&mut self) {
        let counts = run_tests(self.clif_util().args(["test", "filetests/filetests"]));
        self.push("filetests", &counts.to_string());
        self.is_failed |= counts.failed > 0;
    }

    /// Which of the faults that FINDINGS.md describes the release still has. One that is gone is no failure.
    fn run_findings(&mut self) -> Result<()> {
        const FINDINGS: &str = "filetests/tests/findings.d";
        let output = self.clif_util().args(["test", FINDINGS]).output();
        let output = output.context("cannot run cargo")?;
        // 1 says that some fail, as they should.
        if !matches!(output.status.code(), Some(0 | 1)) {
            self.push("findings", &format!("not tried: {}", output.status));
            return Ok(());
        }
        let output = String::from_utf8_lossy(&output.stdout);
        let files = files_below(&self.scratch.path(FINDINGS))?;
        let is_gone = |file: &&String| !output.contains(&format!("FAIL {FINDINGS}/{file}:"));
        let gone: Vec<&str> = files.iter().filter(is_gone).map(String::as_str).collect();
        let mut result = format!("{} of {}", files.len() - gone.len(), files.len());
        if !gone.is_empty() {
            result += &format!(", without {}", gone.join(", "));
        }
        self.push("findings", &result);
        Ok(())
    }

    /// The program on the release, to be given arguments.
    fn clif_util(&self) -> Command {
        let mut command = cargo(&self.scratch.path(""));
        command.args(["run", "--quiet"]);
        self.select_target(&mut command);
        command.args(CLIF_UTIL).arg("--");
        command
    }
}

/// Why a patch does not apply, or a commit does not build.
struct Fault {
    /// For the table.
    what: String,
    /// With upstream's lines, for the terminal.
    text: String,
    is_in_fork: bool,
}

/// Applies a commit by a three-way merge, or leaves everything as it was.
fn cherry_pick(git: &Git, commit: &str) -> Result<Option<Fault>> {
    let args = ["-c", "merge.conflictStyle=diff3", "cherry-pick", commit];
    let output = git.command(&args).output().context("cannot run git")?;
    if output.status.success() {
        return Ok(None);
    }
    let unmerged = git.text(&["diff", "--name-only", "--diff-filter=U"])?;
    let lines = git.bytes(&["diff"])?;
    git.run(&["cherry-pick", "--abort"])?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let said = said.lines().filter(|line| !line.starts_with("hint: "));
    Ok(Some(Fault {
        what: match unmerged.as_str() {
            "" => "does not apply".into(),
            paths => format!("conflicts in {}", paths.replace('\n', ", ")),
        },
        text: said.collect::<Vec<_>>().join("\n") + "\n" + &String::from_utf8_lossy(&lines),
        is_in_fork: true,
    }))
}

/// Runs Cargo, and returns the errors if it fails: the compiler's, which show the lines that they are about, or Cargo's.
fn build(name: &str, command: &mut Command, fork: &Path) -> Result<Option<Fault>> {
    println!("{name}");
    let output = command.arg("--message-format=json").output();
    let output = output.context("cannot run cargo")?;
    if output.status.success() {
        return Ok(None);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut errors = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        let is_sum = text(&line["message"]["message"]).starts_with("aborting due to");
        if line["message"]["level"] == "error" && !is_sum {
            errors.push(line);
        }
    }
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let Some(first) = errors.first() else {
        let first = stderr.lines().find(|line| line.starts_with("error"));
        // Of Cargo's own errors, others name the fork too, without its doing.
        let fork = fork.to_string_lossy();
        let mut scripts = stderr.lines().filter(|line| line.contains("build command"));
        return Ok(Some(Fault {
            what: format!("does not build: {}", first.unwrap_or("Cargo fails")),
            is_in_fork: scripts.any(|line| line.contains(&*fork)),
            text: stderr,
        }));
    };
    let spans = first["message"]["spans"].as_array();
    let span = spans.and_then(|all| all.iter().find(|span| span["is_primary"] == true));
    let place = span.map(|s| format!("{}:{}: ", text(&s["file_name"]), s["line_start"]));
    let message = text(&first["message"]["message"]);
    Ok(Some(Fault {
        what: format!(
            "does not build: {}{}",
            place.unwrap_or_default(),
            message.lines().next().unwrap_or_default()
        ),
        is_in_fork: errors
            .iter()
            .any(|error| Path::new(&text(&error["manifest_path"])).starts_with(fork)),
        text: errors
            .iter()
            .map(|error| text(&error["message"]["rendered"]))
            .collect(),
    }))
}
