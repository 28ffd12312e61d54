//! `clif-util interpret`: executes the run directives of files in the interpreter.

use crate::run::Execution;
use anyhow::Result;
use clap::Args;
use filetests::job::Commands;
use std::process::ExitCode;

/// Interpret the functions that the `run` and `print` directives of files call.
///
/// Nothing is compiled, so this works on any host. The `test` lines of the files do not matter.
#[derive(Args)]
#[command(after_help = "\
Example:
  cargo clif-util interpret -v function.clif")]
pub struct Options {
    #[command(flatten)]
    execution: Execution,
}

/// Executes the directives and prints the outcome.
pub fn run(options: &Options) -> Result<ExitCode> {
    options.execution.run(Commands::Interpret)
}
