//! `clif-util print-cfg`: draws control flow graphs.

use crate::input;
use anyhow::Result;
use clap::Args;
use cranelift_codegen::cfg_printer::CFGPrinter;
use cranelift_codegen::ir::Function;
use std::path::PathBuf;
use std::process::ExitCode;

/// Print the control flow graphs of functions in the language of Graphviz.
#[derive(Args)]
#[command(after_help = "\
Example:
  cargo clif-util print-cfg function.clif | dot -Tsvg > function.svg")]
pub struct Options {
    /// Files; `-` is the standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Prints the graphs, with a blank line between any two.
pub fn run(options: &Options) -> Result<ExitCode> {
    let mut separator = "";
    for path in &options.files {
        let text = input::read(path)?;
        for function in &input::parse(path, &text)?.functions {
            let draw = |func: &Function| CFGPrinter::new(func).to_string();
            let doing = "drawing the control flow graph of";
            let text = input::contained(path, function, doing, draw)?;
            print!("{separator}{text}");
            separator = "\n";
        }
    }
    Ok(ExitCode::SUCCESS)
}
