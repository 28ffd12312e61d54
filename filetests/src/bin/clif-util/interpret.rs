//! `clif-util interpret`: executes the run directives of files in the interpreter.

use crate::limit::TimeLimit;
use crate::run::execute;
use anyhow::Result;
use clap::Args;
use filetests::job::Commands;
use std::path::PathBuf;
use std::process::ExitCode;

/// Interpret the functions that the `run` and `print` directives of files call.
///
/// Nothing is compiled, so this works on any host. The `test` lines of the files do not matter.
#[derive(Args)]
#[command(after_help = "\
Example:
  cargo clif-util interpret -v function.clif")]
pub struct Options {
    /// Files and directories; `-` is the standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// Also list files that pass, with their running time in seconds.
    #[arg(short, long)]
    verbose: bool,

    #[command(flatten)]
    limit: TimeLimit,
}

/// Executes the directives and prints the outcome.
pub fn run(options: &Options) -> Result<ExitCode> {
    let Options {
        files,
        verbose,
        limit,
    } = options;
    execute(files, *verbose, limit, Commands::Interpret)
}
