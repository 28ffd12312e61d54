//! `clif-util cat`: prints functions as they are understood.

use crate::input;
use anyhow::Result;
use clap::Args;
use cranelift_codegen::ir::Function;
use std::path::PathBuf;
use std::process::ExitCode;

/// Print the functions of files as they are understood, without comments.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cargo clif-util cat function.clif
  echo 'function %f() { block0: return }' | cargo clif-util cat -")]
pub struct Options {
    /// Files; `-` is the standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Prints the functions, with a blank line between any two.
pub fn run(options: &Options) -> Result<ExitCode> {
    let mut separator = "";
    for path in &options.files {
        let text = input::read(path)?;
        for function in &input::parse(path, &text)?.functions {
            let print = |func: &Function| func.display().to_string();
            let text = input::contained(path, function, "printing", print)?;
            print!("{separator}{text}");
            separator = "\n";
        }
    }
    Ok(ExitCode::SUCCESS)
}
