//! `cargo clif-util`.

use crate::fork::make::prepare;
use crate::programs::{CLIF_UTIL, exit_code};
use crate::repo::{Repo, cargo};
use anyhow::{Context, Result};
use clap::Args;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Run the program `clif-util` of this workspace, built on the fork
#[derive(Args)]
#[command(disable_help_flag = true)]
pub struct ClifUtil {
    /// For `clif-util`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<OsString>,
}

impl ClifUtil {
    /// Runs it in the caller's folder and returns its exit status.
    pub fn run(&self, repo: &Repo) -> Result<ExitCode> {
        let quiet = prepare(repo)?;
        let mut command = cargo(Path::new("."));
        command.arg("run").args(quiet.then_some("--quiet"));
        command.args(CLIF_UTIL).arg("--manifest-path");
        command.arg(repo.path("Cargo.toml")).arg("--");
        let status = command.args(&self.args).status();
        Ok(exit_code(status.context("cannot run cargo")?))
    }
}
