//! `cargo xtask c-abi`.

use crate::clif_util::{build_args, prepare};
use crate::repo::{Repo, cargo};
use crate::steps::{Counts, run_tests};
use anyhow::{Context, Result};
use clap::Args;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Compare random signatures with C and Rust compilers, on every target
///
/// See `cargo xtask c-abi --help`.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub struct CAbi {
    /// For the program, which is `clif-util c-abi`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<OsString>,
}

impl CAbi {
    /// Runs it in the caller's folder and returns its exit status.
    pub fn run(&self, repo: &Repo) -> Result<ExitCode> {
        prepare(repo)?;
        let status = program(repo, Path::new("."))
            .args(&self.args)
            .status()
            .context("cannot run cargo")?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(ExitCode::from(code.unwrap_or(101)))
    }
}

/// What continuous integration runs: minutes, and always the same signatures.
pub fn campaign(repo: &Repo) -> Result<Counts> {
    prepare(repo)?;
    Ok(run_tests(
        program(repo, &repo.path("")).args(["--seed", "1", "--count", "250"]),
    ))
}

/// Optimized: a campaign is nothing but compiling.
fn program(repo: &Repo, folder: &Path) -> Command {
    let mut command = cargo(folder);
    command.args(["run", "--quiet", "--release"]);
    build_args(&mut command, repo).args(["--", "c-abi"]);
    command
}
