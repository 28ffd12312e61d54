//! `cargo xtask c-abi`.

use crate::clif_util::{build_args, prepare};
use crate::repo::{Repo, cargo};
use crate::steps::{Counts, run_tests};
use anyhow::{Context, Result};
use clap::Args;
use std::ffi::OsString;
use std::fmt;
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

/// A row of the table at the end of a campaign.
#[derive(Debug, PartialEq, Eq)]
pub struct Cell {
    /// Target, compiler and direction.
    pub who: [String; 3],
    /// Signatures that were compared.
    pub checked: usize,
    /// Those that did not agree.
    pub mismatched: usize,
    /// Those that were not compared.
    pub refused: usize,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.who.join(" "))
    }
}

/// The rows in what a campaign prints.
pub fn read_cells(output: &str) -> Vec<Cell> {
    let is_head = |line: &&str| !line.starts_with("target ");
    let rows = output.lines().skip_while(is_head).skip(1);
    rows.map_while(|row| {
        let words: Vec<_> = row.split_whitespace().collect();
        let [target, compiler, direction, checked, mismatched, refused] = words[..] else {
            return None;
        };
        Some(Cell {
            who: [target, compiler, direction].map(String::from),
            checked: checked.parse().ok()?,
            mismatched: mismatched.parse().ok()?,
            refused: refused.parse().ok()?,
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::read_cells;

    #[test]
    fn rows_end_with_the_sum() {
        let output = "target   compiler  direction    checked  mismatched  refused\n\
                      s390x    gcc       calls-c         64           0        3\n\
                      s390x    gcc       called-by-c     64           1        3\n\
                      all                               128           1        6\n";
        let cells = read_cells(output);
        assert_eq!(cells.len(), 2);
        let counts = (cells[1].checked, cells[1].mismatched, cells[1].refused);
        assert_eq!(
            (cells[1].to_string(), counts),
            ("s390x gcc called-by-c".into(), (64, 1, 3))
        );
        assert!(read_cells("error: no table\n").is_empty());
    }
}
