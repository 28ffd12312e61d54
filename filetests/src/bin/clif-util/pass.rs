//! `clif-util pass`: runs other test commands on a file.

use crate::input::{self, Unreadable, Usage};
use crate::limit::TimeLimit;
use crate::printer::Printer;
use anyhow::{Context, Result};
use clap::Args;
use cranelift_reader::TestCommand;
use filetests::collect::collect;
use filetests::command;
use filetests::job::Commands;
use filetests::report::Repeat;
use filetests::runner::run_selected;
use filetests::{JobOptions, RunOptions, bless, timings};
use std::path::PathBuf;
use std::process::ExitCode;

/// Run test commands on a file instead of its own.
///
/// The file's `test`, `set` and `target` lines are checked, but not used: settings are the
/// compiler's defaults.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cargo clif-util pass function.clif x86_64 'compile precise-output'
  cargo clif-util pass function.clif 'aarch64 has_lse' optimize compile
  cargo clif-util pass function.clif '' domtree")]
pub struct Options {
    /// A file; of a directory, the first test in it.
    file: PathBuf,

    /// The target with its flags; an empty text means none.
    target: String,

    /// Test commands, each with its options in one argument.
    #[arg(required = true)]
    passes: Vec<String>,

    /// Also list the file if it passes, with its running time in seconds.
    #[arg(short, long)]
    verbose: bool,

    /// Show the time that each pass of the compiler took.
    #[arg(short = 'T', long)]
    timings: bool,

    #[command(flatten)]
    limit: TimeLimit,
}

/// Runs the commands and prints the outcome.
pub fn run(options: &Options) -> Result<ExitCode> {
    let mut files = collect(std::slice::from_ref(&options.file));
    files.truncate(1);
    if files.is_empty() {
        let shown = options.file.display();
        return Err(Unreadable::new(format!("{shown}: there is no test file in it")).into());
    }
    input::target(&options.target, &[])?;
    for pass in &options.passes {
        command::instantiate(&TestCommand::new(pass)).map_err(Usage)?;
    }
    if options.timings {
        timings::enable();
    }
    let run_options = RunOptions {
        job: JobOptions {
            commands: Commands::Passes {
                passes: options.passes.clone(),
                target: options.target.clone(),
            },
            bless: bless::is_asked_for(),
            ..JobOptions::default()
        },
        time_limit: options.limit.get(),
        ..RunOptions::default()
    };
    let mut printer = Printer::new(options.verbose, Repeat::Unknown);
    let summary = run_selected(files, &run_options, &mut printer)
        .context("cannot start the worker thread")?;
    let status = printer.finish(&summary);
    if options.timings {
        print!("{}", timings::report());
    }
    Ok(status)
}
