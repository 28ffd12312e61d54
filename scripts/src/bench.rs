//! `cargo xtask bench`.

mod without;

use crate::campaign::unchanged::PROGRAM;
use crate::fork::make::prepare;
use crate::outside::{Cranelift, base};
use crate::repo::{Repo, cargo};
use crate::setup::Setup;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Run the benchmarks and compare them with their goals
///
/// Builds the peers, Wasmtime and Wasmer among them, checks that they compute the same, measures, and writes a report with pictures. The
/// status is 1 if a goal is missed by more than noise. A machine that is otherwise idle gives less noise.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cargo xtask bench --quick    # minutes, once everything is built\n  \
    cargo xtask bench --write    # for the figures in the repository\n  \
    cargo xtask bench --without s390x-address-out-areas-without-a-register"
)]
pub struct Bench {
    /// Measure for a shorter time, with smaller corpora
    #[arg(long)]
    pub quick: bool,
    /// Write the report into `benches/` instead of `target/bench`
    #[arg(long, conflicts_with = "quick")]
    pub write: bool,
    /// Only tell what this patch of the queue earns: times and bytes of code with it, compared with a fork that lacks it
    #[arg(long, value_name = "PATCH", conflicts_with_all = ["quick", "write"])]
    pub without: Option<String>,
}

/// What selects the package in a Cargo command line. Wasmtime takes minutes to build, so nothing else asks for it.
const PACKAGE: [&str; 4] = ["--package", "multi-out-benches", "--features", "wasmtime"];

impl Bench {
    /// Builds and runs everything. The status is that of the benchmark program.
    pub fn run(&self, repo: &Repo) -> Result<ExitCode> {
        if let Err(error) = Setup::default().run() {
            println!("{error:#}");
        }
        prepare(repo)?;
        if let Some(patch) = &self.without {
            return without::run(repo, patch).map(|()| ExitCode::SUCCESS);
        }
        run(cargo(&repo.path(""))
            .args(["build", "--release"])
            .args(PACKAGE))?;
        check_wasmtime(repo)?;
        run(cargo(&repo.path(""))
            .args(["test", "--release"])
            .args(PACKAGE))?;
        let wasmer = wasmer_program(repo)?;
        let stock = corpus_program(repo, Cranelift::Stock)?;
        let fork = corpus_program(repo, Cranelift::Fork)?;
        let to = match self.write {
            true => repo.path("benches"),
            false => repo.target().join("bench"),
        };
        let mut program = Command::new(repo.target().join("release/multi-out-benches"));
        program
            .arg("all")
            .args(self.quick.then_some("--quick"))
            .arg("--to")
            .arg(to);
        program.arg("--wasmer").arg(wasmer);
        program.arg("--stock").arg(stock).arg("--fork").arg(fork);
        let status = program
            .status()
            .context("cannot run the benchmark program")?;
        Ok(match status.code() {
            Some(0) => ExitCode::SUCCESS,
            Some(1) => ExitCode::FAILURE,
            _ => bail!("the benchmark program fails: {status}"),
        })
    }
}

/// Wasmtime must be built on this fork, with no second Cranelift beside it.
fn check_wasmtime(repo: &Repo) -> Result<()> {
    let mut command = cargo(&repo.path(""));
    command.args(["tree", "--prefix=none", "--depth=0"]);
    command
        .args(["--invert", "cranelift-codegen"])
        .args(PACKAGE);
    let output = command.output().context("cannot run cargo")?;
    let tree = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success() && is_fork_alone(&tree, &repo.checkout()),
        "Wasmtime is not built on {}; `cargo tree --invert cranelift-codegen` says\n{tree}{}",
        repo.checkout().display(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Whether what `cargo tree` prints is one package, and in the checkout.
fn is_fork_alone(tree: &str, checkout: &Path) -> bool {
    let place = format!("({}/", checkout.display());
    let mut lines = tree.lines().filter(|line| !line.trim().is_empty());
    lines.next().is_some_and(|line| line.contains(&place)) && lines.next().is_none()
}

/// Builds the program with Wasmer, in the workspace of its own.
fn wasmer_program(repo: &Repo) -> Result<PathBuf> {
    let target = repo.target().join("bench/wasmer");
    run(cargo(&repo.path("benches/wasmer"))
        .args(["build", "--release", "--locked", "--target-dir"])
        .arg(&target))?;
    Ok(target.join("release/wasmer-calls"))
}

/// Builds the corpus program of the campaign `unchanged` and returns a copy of its own.
fn corpus_program(repo: &Repo, on: Cranelift) -> Result<PathBuf> {
    // In one unit: otherwise where the compiler splits the crate decides what it inlines, and the counts are of that.
    run(on
        .cargo(repo, "build")?
        .arg("--release")
        .args(PROGRAM)
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"))?;
    let program = repo.target().join("bench").join(on.name());
    fs::create_dir_all(repo.target().join("bench"))?;
    // Both builds have one name in the folder that they share.
    fs::copy(base(repo).join("target/release/unchanged"), &program)
        .with_context(|| format!("cannot write {}", program.display()))?;
    Ok(program)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} fails");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_cranelift_is_noticed() {
        let checkout = Path::new("/r/cranelift/checkout");
        let ours = "cranelift-codegen v0.135.8 (/r/cranelift/checkout/cranelift/codegen)\n";
        let stock = "cranelift-codegen v0.135.8\n";
        assert!(is_fork_alone(ours, checkout));
        assert!(!is_fork_alone(stock, checkout));
        assert!(!is_fork_alone(&format!("{ours}\n{stock}"), checkout));
        assert!(!is_fork_alone("", checkout));
    }
}
