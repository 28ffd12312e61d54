//! The programs of the workspace, as Cargo selects, builds and runs them.

use crate::repo::{Repo, cargo};
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

/// The package that has the fuzz targets.
pub const FUZZ: &str = "--package=multi-out-fuzz";
/// Signatures, compared with C.
pub const SIGNATURES: [&str; 2] = [FUZZ, "--bin=signatures"];
/// Programs, on other machines.
pub const PROGRAMS: [&str; 2] = [FUZZ, "--bin=programs"];
/// The filetests' tool.
pub const CLIF_UTIL: [&str; 2] = ["--package=filetests", "--bin=clif-util"];

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
    fn flag(self) -> Option<&'static str> {
        (self == Build::Checked).then_some("--profile=checked")
    }
}

/// A program that runs in a folder, to be given arguments. Nothing is printed of its build.
pub fn run_program<'a>(
    repo: &Repo,
    dir: &Path,
    build: Build,
    program: impl IntoIterator<Item = &'a str>,
) -> Command {
    let mut command = cargo(dir);
    command.args(["run", "--quiet"]).args(build.flag());
    command.args(program).arg("--manifest-path");
    command.arg(repo.path("Cargo.toml")).arg("--");
    command
}

/// The exit status of a program as ours.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(101))
}
