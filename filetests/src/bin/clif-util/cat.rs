//! `clif-util cat`: prints functions as they are understood.

use crate::input::Files;
use anyhow::Result;
use clap::Args;
use std::process::ExitCode;

/// Print the functions of files as they are understood, without comments.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cargo clif-util cat function.clif
  echo 'function %f() { block0: return }' | cargo clif-util cat -")]
pub struct Options {
    #[command(flatten)]
    files: Files,
}

/// Prints the functions.
pub fn run(options: &Options) -> Result<ExitCode> {
    let files = &options.files;
    files.print("printing", |func| func.display().to_string())
}
