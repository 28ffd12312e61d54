//! `multi-out-wasm`: runs WebAssembly modules, and says what their imports and exports are to C and Rust.

mod explain;
mod input;
mod run;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Run WebAssembly modules, and tell what their imports and exports are to C and Rust.
#[derive(Parser)]
#[command(
    version,
    after_help = "\
Examples:
  multi-out-wasm run add.wat --invoke add 1 2   call an exported function
  multi-out-wasm explain add.wat                what it is to C and to Rust
  multi-out-wasm explain --lang c add.wat       a header for a host in C

A module is a file in the binary or the text format, of WebAssembly 2.0 without vectors.
The exit status is 0, 1 for a trap or a module that is refused, or 2 for a wrong use of the program."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Options),
    Explain(explain::Options),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(options) => run::run(&options),
        Command::Explain(options) => explain::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<input::Usage>() { 2 } else { 1 })
        }
    }
}
