//! The benchmark program, which `cargo xtask bench` builds and runs.

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use multi_out_benches::code::{PEERS, code, code_cases};
use multi_out_benches::compile::Corpus;
use multi_out_benches::goals::{Verdict, goals, runtime_rows};
use multi_out_benches::measure::Effort;
use multi_out_benches::peers::{LoopSpec, Peer, Side};
use multi_out_benches::results::Plan;
use multi_out_benches::runtimes::runtimes;
use multi_out_benches::shapes::{Lane, Pattern, Shape};
use multi_out_benches::times::time_cases;
use multi_out_benches::{chart, report};
use oracles::toolchain::CTarget;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

/// Compares calls with several results with C compilers, Wasmtime and what stock Cranelift needs
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure everything, write the report, and fail if a goal is missed
    All(All),
    /// Print times of calls only
    Times,
    /// Print times of calls between hosts and WebAssembly only
    Runtimes(RuntimesOnly),
    /// Print what a patch of the fork may change, a figure a line: times as multiples of gcc's, bytes of code
    Figures,
    /// Print the code of all peers for one function
    Show(Show),
    /// Compile a corpus; callgrind counts the instructions of that
    Compile(Corpus),
}

#[derive(Args)]
struct All {
    /// Fewer rounds, smaller corpora
    #[arg(long)]
    quick: bool,
    /// The folder for the report and its pictures
    #[arg(long)]
    to: PathBuf,
    /// The program with Wasmer, of `benches/wasmer`
    #[arg(long)]
    wasmer: Option<PathBuf>,
    /// The corpus program on stock Cranelift
    #[arg(long, requires = "fork")]
    stock: Option<PathBuf>,
    /// The corpus program on the fork
    #[arg(long, requires = "stock")]
    fork: Option<PathBuf>,
}

#[derive(Args)]
struct RuntimesOnly {
    /// Fewer rounds
    #[arg(long)]
    quick: bool,
    /// The program with Wasmer, of `benches/wasmer`
    #[arg(long)]
    wasmer: Option<PathBuf>,
}

#[derive(Args)]
struct Show {
    /// Compile for it
    #[arg(long)]
    target: CTarget,
    /// Which side of the call
    #[arg(long)]
    side: Side,
    /// The type of the results
    #[arg(long)]
    lane: Lane,
    /// Their number
    #[arg(long)]
    count: usize,
    /// The measured loop instead of a caller with one call
    #[arg(long = "loop")]
    pattern: Option<Pattern>,
}

/// The status is 1 if a goal is missed, and 2 if something fails.
fn main() -> ExitCode {
    run(Cli::parse().command).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}

fn run(task: Task) -> Result<ExitCode> {
    match task {
        Task::All(all) => return all.run(),
        Task::Times => times()?,
        Task::Runtimes(only) => only.run()?,
        Task::Figures => figures()?,
        Task::Show(show) => show.run()?,
        Task::Compile(corpus) => println!("{} bytes of code", corpus.compile()?),
    }
    Ok(ExitCode::SUCCESS)
}

impl All {
    fn run(self) -> Result<ExitCode> {
        let plan = Plan {
            quick: self.quick,
            wasmer: self.wasmer,
            programs: self.stock.zip(self.fork),
        };
        let results = plan.run()?;
        let rows = goals(&results);
        let pictures = [
            ("results.svg", chart::bars(&results)?),
            ("growth.svg", chart::growth(&results)?),
        ];
        let names = pictures.each_ref().map(|(name, _)| *name);
        let text = report::markdown(&rows, &results, &names)?;
        fs::create_dir_all(&self.to)?;
        let write = |name: &str, text: &str| {
            let path = self.to.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        write("RESULTS.md", &text)?;
        for (name, picture) in &pictures {
            write(name, picture)?;
        }
        println!("{}", report::goals(&rows));
        println!(
            "the whole report is {}",
            self.to.join("RESULTS.md").display()
        );
        let count = |is: fn(&Verdict) -> bool| rows.iter().filter(|r| is(&r.verdict)).count();
        let missed = count(|verdict| *verdict == Verdict::Missed);
        let skipped = count(|verdict| matches!(verdict, Verdict::Skipped(_)));
        println!(
            "of {} goals {missed} are missed by more than noise, and {skipped} skipped",
            rows.len()
        );
        Ok(ExitCode::from(u8::from(missed > 0)))
    }
}

fn times() -> Result<()> {
    for case in time_cases(Effort::QUICK)? {
        print!(
            "{}, {}, {}:",
            case.spec.side.name(),
            case.spec.shape,
            case.spec.pattern.name()
        );
        for (peer, time) in &case.peers {
            match time {
                Ok(time) => print!(
                    "  {peer} {:.2} ± {:.2} ns, {:.3} ± {:.3}",
                    time.time.value, time.time.noise, time.ratio.value, time.ratio.noise
                ),
                Err(reason) => print!("  {peer}: {reason}"),
            }
        }
        println!();
    }
    Ok(())
}

fn figures() -> Result<()> {
    for case in time_cases(Effort::QUICK)? {
        let LoopSpec {
            side,
            shape,
            pattern,
        } = case.spec;
        if let Some(gcc) = case.peer(Peer::Gcc) {
            let (side, pattern) = (side.name(), pattern.name());
            println!("time, {side}, {shape}, {pattern}\t{:.3}", gcc.ratio.value);
        }
    }
    for case in code_cases()? {
        if let Some(Ok(ours)) = case.peers.first() {
            let (target, side, shape) = (case.target, case.side.name(), case.shape);
            println!("bytes, {target}, {side}, {shape}\t{}", ours.bytes);
        }
    }
    Ok(())
}

impl RuntimesOnly {
    fn run(&self) -> Result<()> {
        let effort = match self.quick {
            true => Effort::QUICK,
            false => Effort::FULL,
        };
        let figures = runtimes(effort, self.wasmer.as_deref())?;
        println!("{}", report::goals(&runtime_rows(&figures)));
        println!("{}", report::runtimes(&figures));
        Ok(())
    }
}

impl Show {
    fn run(&self) -> Result<()> {
        let shape = Shape {
            lane: self.lane,
            count: self.count,
        };
        for peer in PEERS {
            match code(peer, self.target, self.side, shape, self.pattern)? {
                Ok(code) => println!(
                    "{peer}: {} bytes, {} instructions\n{}",
                    code.bytes, code.instructions, code.text
                ),
                Err(reason) => println!("{peer}: {reason}\n"),
            }
        }
        Ok(())
    }
}
