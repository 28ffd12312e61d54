//! `cargo xtask bench --without PATCH`: what a patch of the queue earns.

use crate::checkout::{build, lay_workspace};
use crate::git::Git;
use crate::queue::series;
use crate::repo::{Repo, cargo};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

/// Figures of the fork and of one that lacks the patch, those that differ by 1 % or more.
pub(super) fn run(repo: &Repo, patch: &str) -> Result<()> {
    let folder = repo.target().join("bench/without");
    let fork = folder.join("fork");
    leave_out(repo, patch, &fork)?;
    let workspace = lay_workspace(repo, &fork, &folder.join("workspace"))?;
    let with = figures(repo, &repo.target())?;
    let without = figures(&workspace, &folder.join("target"))?;
    ensure!(
        with.len() == without.len(),
        "the programs differ in more than the patch"
    );
    println!("| what | with {patch} | without | ratio |\n|---|---|---|---|");
    for ((what, with), (_, without)) in with.iter().zip(&without) {
        let ratio = with / without;
        if (ratio - 1.0).abs() >= 0.01 {
            println!("| {what} | {with} | {without} | {ratio:.2} |");
        }
    }
    println!("{} figures compared", with.len());
    Ok(())
}

/// Makes a fork with the whole queue, and takes one patch back.
fn leave_out(repo: &Repo, patch: &str, fork: &Path) -> Result<()> {
    let name = patch.strip_suffix(".patch").unwrap_or(patch);
    let names = series(repo)?;
    let position = names
        .iter()
        .position(|other| other.trim_end_matches(".patch") == name);
    let position = position.with_context(|| format!("cranelift/patches has no {name}.patch"))?;
    build(repo, fork)?;
    let commit = format!("HEAD~{}", names.len() - 1 - position);
    Git::at(fork)
        .run(&["revert", "--no-commit", &commit])
        .with_context(|| format!("later patches need {name}.patch"))
}

/// Builds the benchmarks of a workspace, and runs what prints figures.
fn figures(workspace: &Repo, target: &Path) -> Result<Vec<(String, f64)>> {
    let mut build = cargo(&workspace.path(""));
    build.args(["build", "--release", "--package", "multi-out-benches"]);
    build.arg("--target-dir").arg(target);
    super::run(&mut build)?;
    let mut program = Command::new(target.join("release/multi-out-benches"));
    let output = program.arg("figures").output()?;
    ensure!(output.status.success(), "{program:?} fails");
    let lines = String::from_utf8(output.stdout)?;
    let figure = |line: &str| {
        let (what, value) = line.split_once('\t').context("a figure")?;
        Ok((what.to_owned(), value.parse()?))
    };
    lines.lines().map(figure).collect()
}
