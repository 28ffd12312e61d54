//! `cargo xtask`, see the library.

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use xtask::repo::Repo;

/// Makes the fork of Cranelift and tests this project
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    subcommand_required = true
)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Make, change, save and export the fork of Cranelift
    #[command(subcommand)]
    Fork(xtask::fork::Fork),
    Setup(xtask::setup::Setup),
    Test(xtask::test::Test),
    Check(xtask::check::Check),
    #[command(subcommand)]
    Campaign(xtask::campaign::Campaign),
    Fuzz(xtask::fuzz::Fuzz),
    Bench(xtask::bench::Bench),
    #[command(hide = true)]
    ClifUtil(xtask::clif_util::ClifUtil),
}

fn main() -> ExitCode {
    end_quietly_on_closed_pipes();
    let cli = Cli::parse();
    let result = Repo::here().and_then(|repo| match cli.command {
        Task::Fork(c) => done(c.run(&repo)),
        Task::Setup(c) => done(c.run()),
        Task::Test(c) => done(c.run(&repo)),
        Task::Check(c) => done(c.run(&repo)),
        Task::Campaign(c) => c.run(&repo),
        Task::Fuzz(c) => done(c.run(&repo)),
        Task::Bench(c) => c.run(&repo),
        Task::ClifUtil(c) => c.run(&repo),
    });
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn done(result: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    result.map(|()| ExitCode::SUCCESS)
}

/// Whoever reads only the first lines ends us. The signal for that stays ignored, as it would also come of children that fail.
fn end_quietly_on_closed_pipes() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.to_string().contains("failed printing to stdout") {
            std::process::exit(1);
        }
        usual(info);
    }));
}
