//! `cargo xtask check`.

mod format;

use crate::checkout::build;
use crate::fork::export::{apply, export};
use crate::fork::make::prepare;
use crate::fork::save::read_queue;
use crate::git::{Commit, Git, Tree, XTASK};
use crate::pin::Pin;
use crate::queue::SERIES;
use crate::repo::{Repo, cargo, remove};
use crate::steps::{Counts, run_check, run_function};
use anyhow::{Result, bail, ensure};
use clap::Args;
use std::fs;

/// Check format, lints, docs, tidiness, workflows, and that the fork survives its round trips
#[derive(Args)]
#[command(after_help = "Example, before a commit:\n  cargo xtask check && git commit")]
pub struct Check {}

impl Check {
    /// Runs every check.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        prepare(repo)?;
        let counts = run_all(repo)?;
        println!("\n{counts}");
        if counts.failed > 0 {
            bail!("checks failed; the command of each is printed above it");
        }
        Ok(())
    }
}

/// Every check, failing or not.
pub fn run_all(repo: &Repo) -> Result<Counts> {
    let (root, scripts) = (repo.path(""), repo.path("scripts"));
    let mut counts = Counts::default();
    // Cranelift's own lints are upstream's matter. The feature `wasmtime` takes minutes to build, so `cargo xtask bench` alone
    // compiles that.
    let ours = [
        "--workspace",
        "--exclude=cranelift-codegen",
        "--features=multi-out-benches/criterion,multi-out-fuzz/wasm",
    ];
    for workspace in ["", "scripts", "scripts/fixtures/outside", "benches/wasmer"] {
        let mut format = cargo(&repo.path(workspace));
        counts = counts.and(run_check(format.args(["fmt", "--check"])));
    }
    for (dir, packages) in [(&root, &ours[..]), (&scripts, &[])] {
        let mut clippy = cargo(dir);
        clippy.args(["clippy", "--all-targets"]).args(packages);
        clippy.args(["--", "--deny=warnings"]);
        counts = counts.and(run_check(&mut clippy));
    }
    let mut docs = cargo(&root);
    // With the same features, for Cargo not to build what they have in common twice.
    docs.args(["doc", "--no-deps"])
        .args(ours)
        .env("RUSTDOCFLAGS", "-Dwarnings");
    Ok(counts
        .and(run_check(&mut docs))
        .and(run_function("upstream: format, after each patch", || {
            format::check_format(repo)
        }))
        .and(crate::tidy::run(repo)?)
        .and(crate::workflows::run(repo)?)
        .and(run_function("round trip: make, then save", || {
            round_trip(repo)
        }))
        .and(run_function("round trip: export, then apply", || {
            export_round_trip(repo)
        })))
}

/// A fork made anew says the same as the files that it was made from.
fn round_trip(repo: &Repo) -> Result<()> {
    let dir = repo.target().join("round-trip/fork");
    // Not through `make`: that would leave a fresh fork alone.
    build(repo, &dir)?;
    let pin = Pin::read(repo)?;
    let mut made = read_queue(&dir, &pin)?.files();
    if !repo.path(SERIES).exists() {
        made.retain(|path, bytes| path != SERIES || !bytes.is_empty());
    }
    for (path, bytes) in &made {
        ensure!(
            fs::read(repo.path(path)).is_ok_and(|b| b == *bytes),
            "{path} is not what `cargo xtask fork save` writes; run `cargo xtask fork make`, then `cargo xtask fork save --force`"
        );
    }
    println!("{} files are the same", made.len());
    Ok(())
}

/// The export, applied to a repository like upstream's with an unrelated commit on top, gives the fork.
fn export_round_trip(repo: &Repo) -> Result<()> {
    let base = repo.target().join("round-trip");
    let upstream = base.join("upstream");
    remove(&upstream)?;
    let pin = Pin::read(repo)?;
    let git = Git::init(&upstream)?;
    let unrelated = Tree::from([("README.md".into(), b"unrelated\n".to_vec())]);
    git.import(&[
        Commit::of_xtask("upstream\n", pin.sources(repo)?),
        Commit::of_xtask("unrelated\n", unrelated),
    ])?;
    let exported = export(repo, &base.join("export"), XTASK)?;
    apply(&exported.patches, &upstream)?;
    let fork = Git::at(&base.join("fork"));
    for krate in &pin.crates {
        let tree = |git: &Git| git.text(&["rev-parse", &format!("HEAD:{}", krate.folder)]);
        let (applied, made) = (tree(&git)?, tree(&fork)?);
        ensure!(
            applied == made,
            "the export gives tree {applied} in {}, the fork is {made}",
            krate.folder
        );
    }
    println!("{} patches give the same tree", exported.patches.len());
    let base = format!("HEAD~{}", exported.patches.len());
    let core = format!("HEAD~{}", exported.patches.len() - CORE.0);
    let added = git.text(&[
        "diff",
        "--numstat",
        &base,
        &core,
        "--",
        "cranelift/filetests",
    ])?;
    let count = |line: &str| line.split('\t').next()?.parse::<usize>().ok();
    let added: usize = added.lines().filter_map(count).sum();
    ensure!(
        added <= CORE.1,
        "the first {} patches bring {added} lines of filetests; a reviewer should get {} at most",
        CORE.0,
        CORE.1
    );
    println!("{added} lines of filetests come with the first {}", CORE.0);
    Ok(())
}

/// How many patches are right without the others, and how many lines of filetests they may bring.
const CORE: (usize, usize) = (2, 3000);
