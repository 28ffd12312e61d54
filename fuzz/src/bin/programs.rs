//! Random programs without a fuzzer, the same for the same seed.

use clap::{Parser, Subcommand};
use filetests::c_abi::toolchain::CTarget;
use multi_out_fuzz::cross::Campaign;
use std::process::ExitCode;
use std::time::Duration;

/// Random programs without a fuzzer; the same seed makes the same ones.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run programs on a machine, under qemu if it is another one, and compare with the interpreter.
    ///
    /// Prints a filetest for what is wrong, and fails.
    #[command(after_help = "Example:\n  cargo xtask fuzz --cross s390x --seconds 60")]
    Cross {
        /// The machine.
        #[arg(value_enum)]
        target: CTarget,
        /// Makes the same programs again.
        #[arg(long, default_value = "1")]
        seed: u64,
        /// How many programs, at most.
        #[arg(long, default_value_t = u64::MAX)]
        count: u64,
        /// How long to begin batches of programs.
        #[arg(long, default_value = "60")]
        seconds: u64,
        /// Batches at a time.
        #[arg(short, long, default_value = "1")]
        jobs: usize,
    },
}

/// How many findings are shown.
const SHOWN: usize = 2;

fn main() -> ExitCode {
    match Options::parse().task {
        Task::Cross {
            target,
            seed,
            count,
            seconds,
            jobs,
        } => cross(&Campaign {
            target,
            seed,
            count,
            time: Duration::from_secs(seconds),
            jobs,
        }),
    }
}

fn cross(campaign: &Campaign) -> ExitCode {
    let report = match campaign.run() {
        Ok(report) => report,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    for finding in report.findings.iter().take(SHOWN) {
        println!("FINDING {finding}");
    }
    println!("{report}, {}, seed {}", campaign.target, campaign.seed);
    ExitCode::from(u8::from(!report.is_success()))
}
