//! `clif-util run`: executes the run directives of files on this host.

use crate::limit::TimeLimit;
use crate::printer::Printer;
use anyhow::{Context, Result};
use clap::Args;
use filetests::collect::{Found, collect_all};
use filetests::job::Commands;
use filetests::report::Repeat;
use filetests::runner::run_selected;
use filetests::{JobOptions, RunOptions};
use std::path::PathBuf;
use std::process::ExitCode;

/// Compile files for this host, and execute the `run` and `print` directives in them.
///
/// The `test` lines of the files do not matter. Of the `target` lines, the first one for this
/// host's architecture gives the shared settings; all features of the host are used.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cargo clif-util run function.clif
  cargo clif-util run - << END
  function %add(i32, i32) -> i32 system_v {
  block0(v0: i32, v1: i32):
      v2 = iadd v0, v1
      return v2
  }
  ; print: %add(1, 2)
  END")]
pub struct Options {
    #[command(flatten)]
    execution: Execution,
}

/// What is executed, by whomever.
#[derive(Args)]
pub struct Execution {
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
    options.execution.run(Commands::RunHere)
}

impl Execution {
    /// Executes commands on all files; paths that do not exist are left out.
    pub fn run(&self, commands: Commands) -> Result<ExitCode> {
        let name = match commands {
            Commands::Interpret => "interpret",
            _ => "run",
        };
        let (files, missing): (Vec<Found>, Vec<Found>) = collect_all(&self.files)
            .into_iter()
            .partition(Result::is_ok);
        for (path, error) in missing.into_iter().filter_map(Result::err) {
            eprintln!("skipping {}: {error}", path.display());
        }
        let run_options = RunOptions {
            job: JobOptions {
                commands,
                ..JobOptions::default()
            },
            time_limit: self.limit.get(),
            ..RunOptions::default()
        };
        let mut printer = Printer::new(self.verbose, Repeat::Subcommand(name));
        let summary = run_selected(files, &run_options, &mut printer)
            .context("cannot start the worker threads")?;
        Ok(printer.finish(&summary))
    }
}
