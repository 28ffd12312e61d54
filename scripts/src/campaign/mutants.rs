//! `cargo xtask campaign mutants`: the test of the tests.
//!
//! `cargo xtask campaign c-abi` and the fuzz targets have to find each fault, independently of each other; [`BEYOND_C`] are for the latter
//! alone.
//! All faults are in one build of the fork, each asleep until `CLIF_MUTANT` has its name; asleep they must change nothing. What this
//! does not prove: that a fault of another kind would be found.

use crate::campaign::signatures::{Cell, read_cells};
use crate::checkout::{build, lay_workspace};
use crate::fuzz::cross::MACHINES;
use crate::git::Git;
use crate::pin::Pin;
use crate::programs::{FUZZ, SIGNATURES};
use crate::queue::inputs;
use crate::repo::{Repo, cargo, files_below, read, write};
use crate::seed;
use crate::steps::{Counts, run_check, run_function, table};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Put deliberate faults into the fork, one at a time, and demand that tests find each
///
/// The faults are the patches of cranelift/mutants. They are applied to a copy of the fork in target/mutants, which is built once.
/// The first table says which target, compiler and direction of `cargo xtask campaign c-abi` found a fault, and after how many checks; the
/// second which fuzz target did, and after how many seconds of its own with random inputs. Without a fault all must agree.
#[derive(Args)]
#[command(after_help = "Example, one fault only:\n  cargo xtask campaign mutants wide-store")]
pub struct Mutants {
    /// The faults to turn on, by the names of their patches [default: all]
    pub names: Vec<String>,
}

/// The folder of the patches.
const MUTANTS: &str = "cranelift/mutants";

/// Faults that C cannot see. It compiles functions that make one call, no `try_call`, or return what they load from memory, each value
/// once, throws nothing, inlines nothing, passes no structs, and has no references, labels and tail calls; these are between two calls, or
/// about one of that.
const BEYOND_C: [&str; 16] = [
    "any-slot",
    "edge-before-call",
    "edge-field",
    "far-field",
    "folded-offset",
    "handler-reads-area",
    "inlined-results",
    "label-range",
    "lost-register",
    "lost-stack-map",
    "overwritten-area",
    "short-struct",
    "slot-too-small",
    "stale-operand",
    "store-once",
    "tail-call-area",
];

/// What the patches call.
const SWITCH: &str = "
/// Is this the fault that is turned on?
pub(crate) fn is_mutant(name: &str) -> bool {
    std::env::var_os(\"CLIF_MUTANT\").is_some_and(|wanted| wanted == name)
}
";
/// The file that it is added to.
const SWITCH_FILE: &str = "cranelift/codegen/src/isa/multi_out.rs";

impl Mutants {
    /// Runs it; a fault that nobody finds is an error.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        let counts = find(repo, &self.names)?;
        println!("{counts}");
        ensure!(
            counts.failed == 0,
            "repeat one with `cargo xtask campaign mutants NAME`; {MUTANTS}/README.md says how to write a patch anew"
        );
        Ok(())
    }
}

/// Every fault.
pub fn campaign(repo: &Repo) -> Result<Counts> {
    find(repo, &[])
}

fn find(repo: &Repo, wanted: &[String]) -> Result<Counts> {
    let all = names(repo)?;
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        bail!("there is no {MUTANTS}/{unknown}.patch");
    }
    let made = run_function("mutants: a fork with all faults", || make(repo, &all));
    if made.failed > 0 {
        return Ok(made);
    }
    let mut build = program(repo, "build");
    build.args([FUZZ, "--bins"]);
    let mut counts = made.and(run_check(&mut build));
    if counts.failed > 0 {
        return Ok(counts);
    }
    let wanted: Vec<String> = all
        .into_iter()
        .filter(|name| wanted.is_empty() || wanted.contains(name))
        .collect();
    counts = counts.and(find_by_c(repo, &wanted));
    Ok(counts.and(find_by_fuzzing(repo, &wanted)?))
}

fn find_by_c(repo: &Repo, wanted: &[String]) -> Counts {
    let mut counts = Counts::default();
    counts = counts.and(run_function("mutants: no fault turned on", || {
        let (checked, mismatched) = sum(&compare(repo, None)?.cells);
        ensure!(checked > 0, "nothing was checked");
        ensure!(mismatched == 0, "{mismatched} of {checked} checks fail");
        println!("{checked} checks agree");
        Ok(())
    }));
    let mut rows =
        vec![["fault", "targets", "compilers", "directions", "checks"].map(String::from)];
    for name in wanted.iter().filter(|name| !BEYOND_C.contains(&&***name)) {
        counts = counts.and(run_function(&format!("mutants: {name}"), || {
            let Outcome { cells, first } = compare(repo, Some(name))?;
            let (checked, mismatched) = sum(&cells);
            let finders = |part: usize| {
                let mut names: Vec<&str> = Vec::new();
                for cell in cells.iter().filter(|cell| cell.mismatched > 0) {
                    if !names.contains(&&*cell.who[part]) {
                        names.push(&cell.who[part]);
                    }
                }
                names.join(", ")
            };
            let checks = format!("{mismatched} of {checked} fail");
            rows.push([name.clone(), finders(0), finders(1), finders(2), checks]);
            let first = first.context("nobody finds this fault: what it changes is not tested")?;
            println!("{first}");
            Ok(())
        }));
    }
    println!(
        "\nfaults, and who finds them in the first batch that does\n{}",
        table(&rows)
    );
    counts
}

/// The fuzz targets that judge programs come first, then those that know where C has values, which programs of one compiler do not.
const FUZZ_TARGETS: [&str; 6] = [
    "interpret",
    "convention",
    "compile-all",
    "places",
    "layout",
    "host-calls",
];

/// Faults that targets have to find by themselves; those that come late in a list may have found nothing else.
const ALONE: [(&str, &str); 5] = [
    ("interpret", "lost-store"),
    ("convention", "lost-store"),
    ("host-calls", "lost-store"),
    ("layout", "alignment-off"),
    ("places", "pointer-in-x8"),
];

/// How long each target looks for a fault, in seconds; what it finds later, after a long input or start, is not found.
const SECONDS: u64 = 20;
/// How long each looks before any looks longer.
const GLANCE: u64 = 3;
/// How long each looks where there is none. The fork without sleeping faults gets a campaign of its own.
const ASLEEP: u64 = 5;

/// Random inputs without libFuzzer, which would have to be built anew.
fn find_by_fuzzing(repo: &Repo, wanted: &[String]) -> Result<Counts> {
    let mut counts = Counts::default();
    let finds =
        |target: &str, fault: Option<&str>, seconds: u64| -> Result<Option<(String, f64)>> {
            let is_machine = MACHINES.contains(&target);
            let programs = repo.target().join("mutants/target/debug");
            let mut command =
                Command::new(programs.join(if is_machine { "programs" } else { target }));
            match is_machine {
                true => command.args(["cross", target, "--as-found", "--seconds"]),
                false => command.args(["--as-found", "--random"]),
            };
            command.arg(seconds.to_string());
            command.arg(format!("--seed={}", seed::FIXED));
            match fault {
                Some(name) => command.env("CLIF_MUTANT", name),
                None => command.env_remove("CLIF_MUTANT"),
            };
            let log = repo.target().join("mutants/fuzz.log");
            let file = fs::File::create(&log)?;
            command
                .stdin(Stdio::null())
                .stdout(file.try_clone()?)
                .stderr(file);
            let start = Instant::now();
            // It looks at its clock between inputs only.
            let limit = Duration::from_secs(seconds + 60);
            let Some(status) = end_of(&mut command.spawn()?, limit)? else {
                // Nobody has judged that.
                ensure!(fault.is_some(), "an input does not end");
                println!("{target}: an input does not end");
                return Ok(None);
            };
            let took = start.elapsed();
            if status.success() {
                return Ok(None);
            }
            let text = String::from_utf8_lossy(&read(&log)?).into_owned();
            let finding = text.lines().find_map(|line| line.strip_prefix("FINDING "));
            let mut panic = text
                .lines()
                .skip_while(|line| !line.contains("panicked at"));
            let finding = match (finding, panic.nth(1)) {
                (Some(_), Some(message)) if !is_machine => message.trim(),
                (Some(finding), _) => finding,
                (None, _) => bail!("{target} ends with {status}:\n{text}"),
            };
            let took = took.as_secs_f64();
            let finding = format!("{target}, after {took:.1} s: {finding}");
            if fault.is_some() && took > SECONDS as f64 {
                println!("too late: {finding}");
                return Ok(None);
            }
            Ok(Some((finding, took)))
        };
    for target in FUZZ_TARGETS.into_iter().chain(MACHINES) {
        counts = counts.and(run_function(
            &format!("mutants: no fault turned on, {target}"),
            || match finds(target, None, ASLEEP)? {
                Some((finding, _)) => bail!("it finds something: {finding}"),
                None => Ok(()),
            },
        ));
    }
    let mut rows = vec![["fault", "fuzz target", "seconds"].map(String::from)];
    for name in wanted {
        counts = counts.and(run_function(&format!("mutants: fuzzing, {name}"), || {
            // A fault of one machine by its name is seldom seen elsewhere.
            let (own, other): (Vec<_>, Vec<_>) =
                MACHINES.into_iter().partition(|m| name.starts_with(m));
            let targets = own.into_iter().chain(FUZZ_TARGETS).chain(other);
            let targets: Vec<_> = targets.collect();
            // Most are found at once by the right target.
            for seconds in [GLANCE, SECONDS] {
                for target in &targets {
                    if let Some((finding, took)) = finds(target, Some(name), seconds)? {
                        println!("{finding}");
                        rows.push([name.clone(), (*target).into(), format!("{took:.1}")]);
                        return Ok(());
                    }
                }
            }
            bail!("no fuzz target finds this fault");
        }));
    }
    let machines = MACHINES.map(|machine| (machine, "lost-store"));
    for (target, fault) in ALONE.into_iter().chain(machines) {
        if wanted.iter().any(|name| name == fault) {
            counts = counts.and(run_function(
                &format!("mutants: {target} by itself, {fault}"),
                || {
                    let found = finds(target, Some(fault), SECONDS)?;
                    println!("{}", found.context("it finds nothing in time")?.0);
                    Ok(())
                },
            ));
        }
    }
    println!(
        "\nfaults, and which fuzz target finds them\n{}",
        table(&rows)
    );
    Ok(counts)
}

/// How a program ends, or `None` if it does not within some time.
fn end_of(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let start = Instant::now();
    while start.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

fn names(repo: &Repo) -> Result<Vec<String>> {
    let files = files_below(&repo.path(MUTANTS))?;
    let stems = files.iter().filter_map(|file| file.strip_suffix(".patch"));
    let names: Vec<_> = stems.map(String::from).collect();
    ensure!(!names.is_empty(), "there are no patches in {MUTANTS}");
    Ok(names)
}

/// Makes the fork with all faults, unless it was made from the same files.
fn make(repo: &Repo, names: &[String]) -> Result<()> {
    let folder = repo.target().join("mutants");
    let (fork, stamp) = (folder.join("fork"), folder.join("made-from"));
    let mut made_from = format!("{}\n{SWITCH}", inputs(repo, &Pin::read(repo)?)?).into_bytes();
    for name in names {
        let patch = read(&repo.path(&format!("{MUTANTS}/{name}.patch")))?;
        made_from.extend(&patch);
        let is_ours = |path: &str| repo.path(path).exists();
        check_patch(&String::from_utf8_lossy(&patch), is_ours).with_context(|| name.clone())?;
    }
    lay_workspace(repo, &fork, &workspace(repo))?;
    if fs::read(&stamp).is_ok_and(|old| old == made_from) {
        println!("fresh: {}", fork.display());
        return Ok(());
    }
    if stamp.exists() {
        fs::remove_file(&stamp)?;
    }
    build(repo, &fork)?;
    for name in names {
        let patch = repo.path(&format!("{MUTANTS}/{name}.patch"));
        let patch = patch.to_str().context("the path is not UTF-8")?;
        Git::at(&fork)
            .run(&["apply", "--unidiff-zero", patch])
            .with_context(|| format!("{MUTANTS}/README.md says how to write {name}.patch anew"))?;
    }
    let file = fork.join(SWITCH_FILE);
    let mut text = read(&file)?;
    text.extend(SWITCH.as_bytes());
    write(&file, &text)?;
    write(&stamp, &made_from)?;
    println!("made: {}", fork.display());
    Ok(())
}

/// In a file of ours a hunk must remove a line, to be found again when lines above it move. In a file of upstream's it must not, as
/// that line would be upstream's text; there lines move only with the pin and the queue.
fn check_patch(text: &str, is_ours: impl Fn(&str) -> bool) -> Result<()> {
    let mut in_ours = false;
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("+++ b/") {
            in_ours = is_ours(path);
        }
        if !line.starts_with("@@ -") {
            continue;
        }
        let removed = line.split(' ').nth(1).unwrap_or_default();
        match (in_ours, removed.ends_with(",0")) {
            (true, true) => bail!(
                "`{line}` removes no line, so that it could not be found again when the file changes"
            ),
            (false, false) => bail!("`{line}` has text of upstream's: only add lines there"),
            _ => {}
        }
    }
    Ok(())
}

/// What a small campaign says.
struct Outcome {
    cells: Vec<Cell>,
    /// The line about the first mismatch.
    first: Option<String>,
}

/// Runs a small campaign with a fault, until it is found.
fn compare(repo: &Repo, name: Option<&str>) -> Result<Outcome> {
    let mut command = program(repo, "run");
    command
        .args(SIGNATURES)
        .args(["--", "--count", "64", "--batch", "16"]);
    command.args(["--stop", "--no-shrink"]);
    command.arg(format!("--seed={}", seed::FIXED));
    match name {
        Some(name) => command.env("CLIF_MUTANT", name),
        None => command.env_remove("CLIF_MUTANT"),
    };
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().context("cannot run cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let cells = read_cells(&text);
    let first = text.lines().find(|line| line.starts_with("MISMATCH"));
    // Everything else that fails is no judgement.
    let is_judged = output.status.success() == first.is_none() && !text.contains("\nBROKEN");
    ensure!(is_judged, "it fails otherwise:\n{text}");
    Ok(Outcome {
        cells,
        first: first.map(String::from),
    })
}

fn sum(cells: &[Cell]) -> (usize, usize) {
    let checked = cells.iter().map(|cell| cell.checked).sum();
    (checked, cells.iter().map(|cell| cell.mismatched).sum())
}

fn workspace(repo: &Repo) -> PathBuf {
    repo.target().join("mutants/workspace")
}

/// Cargo on the fork with faults, in a folder of its own. Without debug assertions: C is to be the judge.
fn program(repo: &Repo, subcommand: &str) -> Command {
    let folder = repo.target().join("mutants");
    let mut command = cargo(&workspace(repo));
    command.args([subcommand, "--quiet", "--target-dir"]);
    command.arg(folder.join("target"));
    // Programs are many more with some optimization, and found so much sooner.
    for setting in ["debug-assertions=false", "opt-level=1"] {
        command.args(["--config", &format!("profile.dev.{setting}")]);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let end_of_sleep = |seconds: &str, limit| {
            let mut child = Command::new("sleep").arg(seconds).spawn().expect("sleep");
            let end = end_of(&mut child, Duration::from_millis(limit)).expect("an end");
            end.map(|status| status.success())
        };
        assert_eq!(end_of_sleep("0", 60_000), Some(true));
        assert_eq!(end_of_sleep("600", 50), None);
    }

    #[test]
    fn a_hunk_removes_lines_of_ours_alone() {
        let changes = "a fault\n\n+++ b/x.rs\n@@ -3 +3,2 @@\n-a\n+b\n+c\n";
        let adds = "a fault\n\n+++ b/x.rs\n@@ -3,0 +4 @@\n+b\n";
        for is_ours in [true, false] {
            assert_eq!(check_patch(changes, |_| is_ours).is_ok(), is_ours);
            assert_eq!(check_patch(adds, |_| is_ours).is_ok(), !is_ours);
        }
    }
}
