//! What upstream's continuous integration would say of each patch, as far as the pinned crates tell.

use crate::checkout::{import, patch_commits};
use crate::git::Git;
use crate::pin::Pin;
use crate::queue::Queue;
use crate::repo::{Repo, cargo, remove};
use crate::steps::{Counts, run_function};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::thread;

/// What is built at a time, by features: after each patch all backends as usual, and after the last each backend alone, without the
/// standard library. (s390x needs both and Pulley `unwind`, with or without these patches.)
const FEATURES: [&[&str]; 2] = [
    &[ALL],
    &[
        "core,x86",
        "core,arm64",
        "core,riscv64",
        "std,unwind,s390x",
        "core,unwind,pulley",
    ],
];
const ALL: &str = "default,all-arch";

/// For `cargo xtask campaign all`: clippy has nothing to say after any patch, and after the last not of any backend alone; then the documentation
/// builds.
pub fn campaign(repo: &Repo) -> Result<Counts> {
    let (pin, base) = (Pin::read(repo)?, repo.target().join("upstream"));
    let queue = Queue::read(repo, &pin)?;
    let folder = &pin.crates[0].folder;
    let results: Vec<Result<()>> = thread::scope(|scope| {
        let lint_with = |(number, features): (usize, &'static [&'static str])| -> Result<()> {
            let fork = base.join(number.to_string());
            remove(&fork)?;
            import(repo, &pin, &queue, &fork)?;
            lint(&fork, folder, features)
        };
        let threads = FEATURES.into_iter().enumerate();
        let threads: Vec<_> = threads
            .map(|work| scope.spawn(move || lint_with(work)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    let results = results.into_iter().zip(FEATURES);
    Ok(
        results.fold(Counts::default(), |counts, (result, features)| {
            counts.and(run_function(&features.join(" "), || result))
        }),
    )
}

/// Warnings are errors. The lints are those of the crate's manifest, which upstream's workspace has written there.
fn lint(fork: &Path, folder: &str, features: &[&str]) -> Result<()> {
    let git = Git::at(fork);
    let run = |what: &str, features: &str, last: &[&str]| -> Result<()> {
        let mut command = cargo(&fork.join(folder));
        command
            .args([what, "--quiet", "--lib", "--no-default-features"])
            .args(["--features", features])
            .args(last)
            .env("CARGO_TARGET_DIR", fork.with_extension("target"))
            .env("RUSTDOCFLAGS", "--deny=warnings")
            // One commit is much like the one before.
            .env("CARGO_INCREMENTAL", "1");
        let output = command.output().context("cannot run cargo")?;
        ensure!(
            output.status.success(),
            "after `{}`, cargo {what} with the features {features}:\n{}",
            git.subject("HEAD")?,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    };
    let mut commits = patch_commits(&git)?;
    if !features.contains(&ALL) {
        commits = commits.split_off(commits.len().saturating_sub(1));
    }
    for commit in commits {
        git.run(&["checkout", "--quiet", "--detach", &commit])?;
        for features in features {
            run("clippy", features, &["--", "--deny=warnings"])?;
        }
    }
    match features.contains(&ALL) {
        true => run("doc", ALL, &["--no-deps"]),
        false => Ok(()),
    }
}
