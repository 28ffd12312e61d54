//! `cargo clif-util`.

use crate::checkout::{State, state};
use crate::fork::make::make;
use crate::repo::Repo;
use anyhow::{Context, Result};
use clap::Args;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

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
        let mut command = crate::repo::cargo(Path::new("."));
        command.arg("run").args(quiet.then_some("--quiet"));
        build_args(&mut command, repo).arg("--").args(&self.args);
        let status = command.status().context("cannot run cargo")?;
        Ok(ExitCode::from(
            status
                .code()
                .and_then(|c| u8::try_from(c).ok())
                .unwrap_or(101),
        ))
    }
}

/// How a program is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// As for the tests, which have built it.
    Debug,
    /// Optimized, with the same checks.
    Checked,
}

impl Build {
    /// That of a program that runs so long. For minutes another build takes longer than what it saves.
    pub fn for_seconds(seconds: u64) -> Self {
        match seconds {
            0..600 => Build::Debug,
            _ => Build::Checked,
        }
    }

    /// The argument of Cargo, if there is one.
    pub fn flag(self) -> Option<&'static str> {
        (self == Build::Checked).then_some("--profile=checked")
    }
}

/// What selects `clif-util` in a Cargo command line.
pub fn build_args<'a>(command: &'a mut Command, repo: &Repo) -> &'a mut Command {
    command
        .args([
            "--package",
            "filetests",
            "--bin",
            "clif-util",
            "--manifest-path",
        ])
        .arg(repo.path("Cargo.toml"))
}

/// Makes the fork unless it is fresh or somebody is at work in it, and says whether it was left alone.
pub fn prepare(repo: &Repo) -> Result<bool> {
    match state(repo, &repo.checkout())? {
        State::Fresh | State::Unsaved(_) => Ok(true),
        State::Absent | State::Stale => {
            eprintln!("{}", make(repo, &repo.checkout())?);
            Ok(false)
        }
    }
}
