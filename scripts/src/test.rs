//! `cargo xtask test`.

use crate::clif_util::{build_args, prepare};
use crate::repo::{Repo, cargo, read, write};
use crate::setup::{Setup, missing};
use crate::steps::{Counts, run_function, run_tests};
use anyhow::{Result, bail, ensure};
use clap::Args;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

/// Run every test but the long campaigns
///
/// Installs or names what is missing, makes the fork, and runs all steps even if one fails. The last line counts what ran.
#[derive(Args)]
#[command(after_help = "Example, one step only:\n  cargo xtask test unchanged")]
pub struct Test {
    /// The steps to run, of: workspace, scripts, fork, filetests, unchanged, outside, check [default: all]
    pub steps: Vec<String>,
}

type Step = (&'static str, fn(&Repo) -> Result<Counts>);

const STEPS: &[Step] = &[
    ("workspace", |repo| {
        Ok(run_tests(
            // The step `filetests` runs the one test that is left out, and shows what is skipped.
            cargo(&repo.path("")).args([
                "test",
                "--workspace",
                "--",
                "--skip",
                "all_filetests_pass",
            ]),
        ))
    }),
    ("scripts", |repo| {
        Ok(run_tests(cargo(&repo.path("scripts")).arg("test")))
    }),
    ("fork", fork),
    ("filetests", filetests),
    ("unchanged", crate::unchanged::run),
    ("outside", crate::outside::run),
    ("check", crate::check::run_all),
];

impl Test {
    /// Runs the steps and prints the summary.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        let names: Vec<_> = STEPS.iter().map(|(name, _)| *name).collect();
        for step in &self.steps {
            ensure!(
                names.contains(&step.as_str()),
                "there is no step `{step}`; the steps are {}",
                names.join(", ")
            );
        }
        let mut rows = Vec::new();
        if let Err(error) = Setup::default().run() {
            println!("{error:#}");
            rows.push(("setup", Counts::skip(missing().unwrap_or_default()), 0));
        }
        if prepare(repo)? {
            println!("fork: used as it is in {}", repo.checkout().display());
        }
        for (name, step) in STEPS {
            if self.steps.is_empty() || self.steps.iter().any(|s| s == name) {
                let start = Instant::now();
                let counts = step(repo).unwrap_or_else(|error| {
                    println!("{name}: {error:#}");
                    Counts::one(false)
                });
                rows.push((name, counts, start.elapsed().as_secs()));
            }
        }
        println!("\nsummary");
        let mut total = Counts::default();
        for (name, counts, seconds) in rows {
            println!("  {name:<10} {counts} in {seconds} s");
            counts
                .reasons
                .iter()
                .for_each(|reason| println!("    skipped: {reason}"));
            total = total.and(counts);
        }
        println!("{total}");
        if total.failed > 0 {
            bail!("tests failed; repeat one step with `cargo xtask test STEP`");
        }
        Ok(())
    }
}

/// Cranelift's own unit tests, with those of our files.
fn fork(repo: &Repo) -> Result<Counts> {
    let folder = repo.checkout().join("cranelift/codegen");
    let locked = run_function("fork: with the versions of the workspace", || {
        lock(repo, &folder)
    });
    let mut command = cargo(&folder);
    command.args(["test", "--locked", "--lib", "--features", "all-arch"]);
    command.arg("--target-dir").arg(repo.path("target/fork"));
    Ok(locked.and(run_tests(&mut command)))
}

/// The crate is no member of the workspace, so Cargo would choose the newest versions of what its tests need.
fn lock(repo: &Repo, folder: &Path) -> Result<()> {
    let workspace = read(&repo.path("Cargo.lock"))?;
    write(&folder.join("Cargo.lock"), &workspace)?;
    // Cargo leaves out what the crate does not need, and adds what is not there.
    let mut metadata = cargo(folder);
    metadata.args(["metadata", "--format-version=1"]);
    ensure!(
        metadata.stdout(Stdio::null()).status()?.success(),
        "cargo metadata fails"
    );
    let own = read(&folder.join("Cargo.lock"))?;
    let added = added(&String::from_utf8(workspace)?, &String::from_utf8(own)?);
    ensure!(
        added.is_empty(),
        "Cargo.lock lacks {}; ask for them in fuzz/Cargo.toml as cranelift-codegen does",
        added.join(", ")
    );
    Ok(())
}

/// The packages of a lock file that another one does not have, or not with the same version and checksum.
fn added(old: &str, new: &str) -> Vec<String> {
    let packages = |text: &str| -> BTreeSet<String> {
        let entries = text.split("[[package]]\n").skip(1);
        let facts = entries.map(|entry| entry.split("dependencies = ").next().unwrap_or(entry));
        facts.map(|facts| facts.trim().to_owned()).collect()
    };
    let (old, new) = (packages(old), packages(new));
    let name = |facts: &String| facts.lines().take(2).collect::<Vec<_>>().join(", ");
    new.difference(&old).map(name).collect()
}

fn filetests(repo: &Repo) -> Result<Counts> {
    let mut command = cargo(&repo.path(""));
    command.args(["run", "--quiet"]);
    Ok(run_tests(build_args(&mut command, repo).args([
        "--",
        "test",
        "filetests/filetests",
    ])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_an_addition_and_other_dependencies_are_none() {
        let entry = |name: &str, version: &str, rest: &str| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{rest}\n")
        };
        let dependencies = "dependencies = [\n \"b\",\n]\n";
        let workspace = entry("a", "1.0.0", dependencies) + &entry("b", "1.0.0", "");
        assert!(added(&workspace, &entry("a", "1.0.0", "")).is_empty());
        assert!(added(&entry("a", "1.0.0", ""), &entry("a", "1.0.0", dependencies)).is_empty());
        assert_eq!(
            added(&workspace, &entry("b", "1.0.1", "")),
            ["name = \"b\", version = \"1.0.1\""]
        );
    }
}
