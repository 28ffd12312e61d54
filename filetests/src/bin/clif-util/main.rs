//! `clif-util`: runs filetests, and works with `.clif` files in other ways. One file per
//! subcommand.

mod abi;
mod bugpoint;
mod cat;
mod compile;
mod input;
mod interpret;
mod limit;
mod pass;
mod print_cfg;
mod printer;
mod run;
mod souper_harvest;
mod test;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The compiler allocates and frees a lot of small things, on every thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Work with files of Cranelift's intermediate representation (.clif).
#[derive(Parser)]
#[command(
    name = "clif-util",
    version = version(),
    after_help = "\
Examples:
  cargo clif-util test filetests/filetests          run all filetests
  cargo clif-util test --bless FILE                 accept the output of a filetest
  cargo clif-util compile --target x86_64 -D FILE   show machine code
  cargo clif-util help compile                      what a subcommand does"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Test(test::Options),
    Pass(pass::Options),
    Run(run::Options),
    Interpret(interpret::Options),
    Compile(compile::Options),
    Abi(abi::Options),
    Cat(cat::Options),
    PrintCfg(print_cfg::Options),
    Bugpoint(bugpoint::Options),
    #[command(hide = true)]
    SouperHarvest(souper_harvest::Options),
}

/// The version of Cranelift, and what the fork adds to it.
fn version() -> &'static str {
    let text = format!(
        "{} ({} and {} patches, tree {})",
        env!("CARGO_PKG_VERSION"),
        fork_info::PIN,
        fork_info::PATCHES,
        fork_info::TREE
    );
    text.leak()
}

fn main() -> ExitCode {
    filetests::printing::end_if_printing_fails();
    // Prints what the variable RUST_LOG asks for, on the standard error stream.
    env_logger::init();
    let result = match Arguments::parse().command {
        Command::Test(options) => test::run(&options),
        Command::Pass(options) => pass::run(&options),
        Command::Run(options) => run::run(&options),
        Command::Interpret(options) => interpret::run(&options),
        Command::Compile(options) => compile::run(&options),
        Command::Abi(options) => abi::run(&options),
        Command::Cat(options) => cat::run(&options),
        Command::PrintCfg(options) => print_cfg::run(&options),
        Command::Bugpoint(options) => bugpoint::run(&options),
        Command::SouperHarvest(_) => souper_harvest::run(),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        let status = if error.is::<input::Unreadable>() || error.is::<input::Usage>() {
            2
        } else {
            1
        };
        ExitCode::from(status)
    })
}
