//! `cargo xtask campaign c-abi`.

use crate::campaign::signatures::ci_campaign;
use crate::fork::make::prepare;
use crate::programs::{Build, SIGNATURES, exit_code, run_program};
use crate::repo::Repo;
use crate::steps::{Counts, run_function};
use anyhow::{Context, Result};
use clap::Args;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Compare random signatures with C and Rust compilers, on every target
///
/// See `cargo xtask campaign c-abi --help`.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub struct CAbi {
    /// For the program, which is `fuzz/src/bin/signatures.rs`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<OsString>,
}

impl CAbi {
    /// Runs it in the caller's folder and returns its exit status.
    pub fn run(&self, repo: &Repo) -> Result<ExitCode> {
        prepare(repo)?;
        let mut program = run_program(repo, Path::new("."), Build::Debug, SIGNATURES);
        let status = program.args(&self.args).status();
        Ok(exit_code(status.context("cannot run cargo")?))
    }
}

/// What continuous integration runs, with the counts that STATUS.md has of it.
pub fn campaign(repo: &Repo) -> Result<Counts> {
    let (counts, output) = ci_campaign(repo)?;
    Ok(counts.and(run_function("STATUS.md has these counts", || {
        crate::campaign::status::check(repo, &output)
    })))
}
