//! Random programs without a fuzzer, the same for the same seed.

use clap::{Parser, Subcommand, value_parser};
use filetests::printing::end_if_printing_fails;
use multi_out_fuzz::cross::Campaign;
use multi_out_fuzz::cross::batch::reduce;
use multi_out_fuzz::{operations, stock};
use oracles::seed::Seed;
use oracles::toolchain::CTarget;
use std::path::PathBuf;
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
    /// Prints a filetest for what is wrong, made smaller, and fails.
    #[command(after_help = "Examples:
  cargo xtask fuzz --cross s390x --seconds 60
  cargo xtask fuzz --cross s390x --seed 7 --first 81 --count 1  # program 81 again")]
    Cross {
        /// The machine.
        #[arg(value_enum)]
        target: CTarget,
        /// Makes the same programs again [default: a new one, which is printed].
        #[arg(long)]
        seed: Option<u64>,
        /// The number of the first program.
        #[arg(long, default_value = "0", value_parser = value_parser!(u64).range(..1 << 31))]
        first: u64,
        /// How many programs, at most.
        #[arg(long, default_value_t = u64::MAX)]
        count: u64,
        /// Leave a finding as large as it is.
        #[arg(long)]
        as_found: bool,
        /// How long to begin batches of programs.
        #[arg(long, default_value = "60")]
        seconds: u64,
        /// Batches at a time.
        #[arg(short, long, default_value = "1")]
        jobs: usize,
    },
    /// Try which operations the generator can use: on every backend, and in the interpreter.
    ///
    /// Fails if that is not what `fuzz/operations.txt` and the table in the README say.
    #[command(
        after_help = "Example:\n  cargo run -p multi-out-fuzz --bin programs -- operations --write"
    )]
    Operations {
        /// Writes the file and the table.
        #[arg(long)]
        write: bool,
    },
    /// Write the functions of programs to DIR/ARCHITECTURE.clif for every architecture, without functions of
    /// `system_v_multi_out`.
    ///
    /// What would be one is a `tail` function in every other program, and in the others one of `system_v` with
    /// an explicit pointer. Cranelift without our patches reads the files.
    #[command(
        after_help = "Example:\n  cargo run -p multi-out-fuzz --bin programs -- write target/programs --count 10"
    )]
    Write {
        /// The folder, which is made.
        folder: PathBuf,
        /// How many programs for each architecture.
        #[arg(long, default_value = "40")]
        count: u64,
        /// Makes the same programs again.
        #[arg(long, default_value = "1")]
        seed: u64,
    },
}

/// How many findings are shown, the first made smaller.
const SHOWN: usize = 2;

fn main() -> ExitCode {
    end_if_printing_fails();
    match Options::parse().task {
        Task::Cross {
            target,
            seed,
            first,
            count,
            as_found,
            seconds,
            jobs,
        } => {
            let campaign = Campaign {
                target,
                seed: seed.unwrap_or_else(Seed::draw),
                first,
                count,
                time: Duration::from_secs(seconds),
                jobs,
            };
            cross(&campaign, as_found)
        }
        Task::Operations { write } => match operations::check(write) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        Task::Write {
            folder,
            count,
            seed,
        } => match stock::write(&folder, seed, count) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {}: {error}", folder.display());
                ExitCode::FAILURE
            }
        },
    }
}

fn cross(campaign: &Campaign, as_found: bool) -> ExitCode {
    let Campaign { target, seed, .. } = campaign;
    println!("seed {seed}");
    let report = match campaign.run() {
        Ok(report) => report,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    for (index, finding) in report.findings.iter().take(SHOWN).enumerate() {
        match finding.number {
            Some(number) => println!(
                "FINDING {target}: program {number} of seed {seed} (--seed {seed} --first {number} --count 1): {}",
                finding.what
            ),
            None => println!("FINDING {target}: seed {seed}: {}", finding.what),
        }
        let reduced = finding
            .number
            .filter(|_| index == 0 && !as_found)
            .map(|number| reduce(*target, *seed, number, &finding.what));
        match reduced {
            Some(Ok(reduced)) => println!("reduced: {}\n{}", reduced.what, reduced.text),
            Some(Err(error)) => println!("not reduced: {error}\n{}", finding.text),
            None => println!("{}", finding.text),
        }
    }
    println!("{report}, {target}, seed {seed}");
    if report.programs() == 0 {
        println!("no program was judged");
    } else if !report.is_success() && report.findings.is_empty() {
        println!(
            "too many of the programs are rejected or upstream's; FUZZ_EXPLAIN=1 says which and why"
        );
    }
    ExitCode::from(u8::from(!report.is_success()))
}
