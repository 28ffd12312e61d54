//! `cargo xtask campaign c-abi`.

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use cranelift_codegen::ir::Signature;
use cranelift_reader::ParseOptions;
use filetests::parse::parse;
use filetests::printing::end_if_printing_fails;
use indicatif::{ProgressBar, ProgressStyle};
use multi_out_fuzz::signatures::{Campaign, Direction, SETTINGS};
use oracles::platform::Platform;
use oracles::seed::Seed;
use oracles::toolchain::Compiler;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Instant;

/// Compare random signatures with several results with C and Rust compilers.
///
/// For each target and compiler, compiled code calls functions of the other side and is called by them,
/// natively, under qemu or under Wine. A check is one signature with one compiler in one direction, at -O0 and
/// -O2. The tables at the end count checks, mismatches and refused signatures with reasons, and how
/// often each type was a field. A mismatch is shrunk and printed as a filetest of `test c-abi`.
///
/// Exit status: 0 when everything agrees, every refusal is explained by a rule of ABI.md and no tool
/// is missing; 2 when nothing could be compared; else 1.
#[derive(Parser)]
#[command(
    name = "cargo xtask campaign c-abi",
    after_help = "\
Examples:
  cargo xtask campaign c-abi --count 2000
  cargo xtask campaign c-abi --target s390x --compiler gcc --direction calls-c --seed 7
  cargo xtask campaign c-abi --signature '(i64, i128) -> i8, f64 system_v_multi_out'"
)]
struct Options {
    /// Makes the same signatures again [default: a new one, which is printed].
    #[arg(long)]
    seed: Option<u64>,

    /// How many signatures to compare for each target, compiler and direction.
    #[arg(long, default_value = "1000")]
    count: NonZeroUsize,

    /// Only this target; may be repeated.
    #[arg(long, value_enum)]
    target: Vec<Platform>,

    /// Only this compiler; may be repeated.
    #[arg(long, value_enum)]
    compiler: Vec<Compiler>,

    /// Only this direction.
    #[arg(long, value_enum)]
    direction: Vec<Direction>,

    /// How many batches to work on at a time [default: one per processor].
    #[arg(short, long)]
    jobs: Option<NonZeroUsize>,

    /// How many signatures are in a batch.
    #[arg(long, default_value = "125")]
    batch: NonZeroUsize,

    /// Begin no other batch once there is a mismatch.
    #[arg(long)]
    stop: bool,

    /// Print mismatches as they were found.
    #[arg(long)]
    no_shrink: bool,

    /// Only this signature, with all settings, called directly and by address.
    #[arg(long, value_parser = read_signature, conflicts_with_all = ["seed", "count", "batch"])]
    signature: Option<Signature>,
}

/// How many mismatches of each target, compiler and direction are printed.
const SHOWN: usize = 2;

/// Reads a signature as CLIF writes it.
fn read_signature(text: &str) -> Result<Signature, String> {
    let function = format!("function %f() {{\nsig0 = {text}\nblock0:\n return\n}}");
    let file = parse(&function, ParseOptions::default());
    let functions = file.map_err(|error| error.failure.message)?.functions;
    let signatures: Vec<_> = functions
        .iter()
        .flat_map(|(function, _)| function.dfg.signatures.values())
        .collect();
    match signatures[..] {
        [signature] if signature.call_conv.is_multi_out() => Ok(signature.clone()),
        _ => Err("this is not a signature of a convention for several results".into()),
    }
}

fn main() -> ExitCode {
    end_if_printing_fails();
    let options = Options::parse();
    let is_convention_of = |target: &Platform| {
        let mut signature = options.signature.iter();
        signature.all(|signature| signature.call_conv == target.convention())
    };
    let targets = match &options.target[..] {
        [] => &Platform::ALL,
        list => list,
    };
    let jobs = options.jobs.or(std::thread::available_parallelism().ok());
    let (count, batch) = match options.signature {
        // Batches take the settings in turn, and every other call is by address.
        Some(_) => (2 * SETTINGS.len(), 2),
        None => (options.count.get(), options.batch.get()),
    };
    let campaign = Campaign {
        seed: options.seed.unwrap_or_else(Seed::draw),
        signature: options.signature.clone(),
        count,
        targets: targets.iter().copied().filter(is_convention_of).collect(),
        compilers: match &options.compiler[..] {
            [] => Compiler::ALL.to_vec(),
            list => list.to_vec(),
        },
        directions: match &options.direction[..] {
            [] => Direction::ALL.to_vec(),
            list => list.to_vec(),
        },
        jobs: jobs.map_or(1, NonZeroUsize::get),
        batch,
        stops_at_mismatch: options.stop,
        has_base_convention: false,
    };
    let bar = ProgressBar::new(campaign.steps() as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} batches, {eta} left");
    bar.set_style(style.expect("a template"));
    let start = Instant::now();
    let report = campaign.run(&|done| bar.set_position(done as u64));
    bar.finish_and_clear();
    let seconds = start.elapsed().as_secs_f64();

    let mut shown: BTreeMap<_, usize> = BTreeMap::new();
    for mismatch in &report.mismatches {
        let kind = (mismatch.target, mismatch.compiler, mismatch.direction);
        let count = shown.entry(kind).or_default();
        *count += 1;
        if *count > SHOWN {
            continue;
        }
        println!(
            "MISMATCH {} {} {} {}: signature {} of seed {}: {}\n  {}",
            mismatch.target,
            mismatch.compiler,
            mismatch.level,
            mismatch.direction,
            mismatch.number,
            campaign.seed,
            mismatch.text,
            mismatch.case.signature
        );
        if options.no_shrink {
            continue;
        }
        match mismatch.shrunk() {
            Ok(repeat) => println!("\n{repeat}"),
            Err(error) => println!("  cannot be shrunk: {error}"),
        }
    }
    for text in &report.unexplained {
        println!("UNEXPLAINED {text}");
    }
    for text in &report.broken {
        println!("BROKEN {text}");
    }
    print!("{}\n{}\n", report.table(), report.field_table());
    let checked: usize = report.cells.values().map(|cell| cell.checked).sum();
    let mismatched: usize = report.cells.values().map(|cell| cell.mismatched).sum();
    let failed = mismatched + report.unexplained.len() + report.broken.len();
    let what = match &options.signature {
        Some(signature) => signature.to_string(),
        None => format!("seed {}, {count} signatures each", campaign.seed),
    };
    println!(
        "{} passed, {failed} failed, 0 skipped: {what}, {seconds:.0} s, {:.0} checks a minute",
        checked - mismatched,
        checked as f64 * 60.0 / seconds
    );
    if !report.is_success() && options.signature.is_none() {
        println!(
            "  repeat: cargo xtask campaign c-abi --seed {} --count {}",
            campaign.seed, options.count
        );
    }
    if checked == 0 && report.cells.values().all(|cell| cell.refused.is_empty()) {
        let what =
            "nothing was compared: no compiler that was asked for has such a target and convention";
        Options::command()
            .error(ErrorKind::ArgumentConflict, what)
            .exit();
    }
    ExitCode::from(u8::from(!report.is_success()))
}
