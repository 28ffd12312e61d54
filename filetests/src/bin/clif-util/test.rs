//! `clif-util test`: runs filetests.

use crate::input::Usage;
use crate::limit::TimeLimit;
use crate::printer::Printer;
use anyhow::{Context, Result};
use clap::Args;
use filetests::collect::Found;
use filetests::job::TargetFilter;
use filetests::report::Repeat;
use filetests::runner::{run_selected, select};
use filetests::{JobOptions, RunOptions, bless, timings};
use std::env;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

/// Run filetests.
///
/// Each file begins with `test` lines that say what is to be checked; the comments in it say what
/// must come out. Directories are searched for files ending in `.clif`.
///
/// The last lines say how many files passed, failed and were skipped, and why jobs were skipped: a
/// job is one `test` line on one target. Exit status: 0 when nothing failed, 1 when a test failed,
/// 2 when something could not be read.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cargo clif-util test filetests/filetests
  cargo clif-util test -v --target aarch64 filetests/filetests/isa
  cargo clif-util test --bless filetests/filetests/isa/x64/basic.clif

Environment:
  CRANELIFT_TEST_BLESS=1         the same as --bless
  CRANELIFT_FILETESTS_THREADS=N  the same as -j N
  RUST_LOG=LEVEL                 print what the compiler says of itself (error, warn, info)")]
pub struct Options {
    /// Files and directories.
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// Also list files that pass, with their running time in seconds.
    #[arg(short, long)]
    verbose: bool,

    /// How many files to run at a time [default: one per processor].
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Rewrite the expectations of `precise-output` tests that fail.
    #[arg(long)]
    bless: bool,

    /// Run only files whose path contains this text.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    /// Run only tests for this target: an architecture, or a triple as in `target` lines.
    #[arg(long, value_name = "TARGET")]
    target: Option<TargetFilter>,

    /// List the files instead of running them.
    #[arg(long)]
    list: bool,

    /// Show the slowest files, and the time that each pass of the compiler took.
    #[arg(short = 'T', long)]
    timings: bool,

    #[command(flatten)]
    limit: TimeLimit,
}

/// Runs the tests and prints the outcome.
pub fn run(options: &Options) -> Result<ExitCode> {
    let mut run_options = RunOptions {
        job: JobOptions {
            bless: options.bless || bless::is_asked_for(),
            target: options.target.clone(),
            ..JobOptions::default()
        },
        filter: options.filter.clone(),
        time_limit: options.limit.get(),
        ..RunOptions::default()
    };
    if let Some(threads) = threads(options.jobs)? {
        run_options.threads = threads.get();
    }
    let files = select(&options.files, &run_options);
    if options.list {
        return list(files);
    }
    if options.timings {
        timings::enable();
    }
    let mut printer = Printer::new(options.verbose, Repeat::Test);
    let summary = run_selected(files, &run_options, &mut printer)
        .context("cannot start the worker threads")?;
    let status = printer.finish(&summary);
    if run_options.job.target.is_some() && summary.is_without_jobs() {
        println!("  nothing has this target");
    }
    if options.timings {
        print!("{}{}", printer.slowest(10), timings::report());
    }
    Ok(status)
}

fn list(files: Vec<Found>) -> Result<ExitCode> {
    let mut status = ExitCode::SUCCESS;
    for found in files {
        match found {
            Ok(path) => println!("{}", path.display()),
            Err((path, error)) => {
                eprintln!("{}: {error}", path.display());
                status = ExitCode::from(2);
            }
        }
    }
    Ok(status)
}

/// The number of threads that was asked for, on the command line or in the environment.
fn threads(option: Option<NonZeroUsize>) -> Result<Option<NonZeroUsize>> {
    const VARIABLE: &str = "CRANELIFT_FILETESTS_THREADS";
    match (option, env::var(VARIABLE)) {
        (Some(threads), _) => Ok(Some(threads)),
        (None, Err(env::VarError::NotPresent)) => Ok(None),
        (None, value) => value
            .ok()
            .and_then(|value| value.parse().ok())
            .map(Some)
            .ok_or_else(|| Usage(format!("{VARIABLE} must be a positive number")).into()),
    }
}
