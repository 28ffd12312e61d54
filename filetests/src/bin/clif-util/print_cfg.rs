//! `clif-util print-cfg`: draws control flow graphs.

use crate::input::Files;
use anyhow::Result;
use clap::Args;
use cranelift_codegen::cfg_printer::CFGPrinter;
use std::process::ExitCode;

/// Print the control flow graphs of functions in the language of Graphviz.
#[derive(Args)]
#[command(after_help = "\
Example:
  cargo clif-util print-cfg function.clif | dot -Tsvg > function.svg")]
pub struct Options {
    #[command(flatten)]
    files: Files,
}

/// Prints the graphs.
pub fn run(options: &Options) -> Result<ExitCode> {
    let doing = "drawing the control flow graph of";
    let files = &options.files;
    files.print(doing, |func| CFGPrinter::new(func).to_string())
}
