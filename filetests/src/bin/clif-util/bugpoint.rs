//! `clif-util bugpoint`: shrinks a function that crashes the compiler.

use crate::input::{self, Usage};
use anyhow::Result;
use clap::Args;
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::verifier::verify_function;
use cranelift_reader::{OwnedFlagsOrIsa, ParseOptions, parse_test};
use filetests::panics::{self, CaughtPanic};
use filetests::reduce::reduce;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::process::ExitCode;

/// Shrink functions that make the compiler panic.
///
/// Lines are removed and instructions simplified as long as the function is valid and the panic
/// comes from the same place. The reduced function is printed.
#[derive(Args)]
#[command(after_help = "\
Example:
  cargo clif-util bugpoint --set opt_level=speed crash.clif x86_64")]
pub struct Options {
    /// A file; `-` is the standard input.
    file: PathBuf,

    /// The target with its flags.
    target: String,

    /// A setting, shared or of the target: `name` or `name=value`.
    #[arg(long = "set", value_name = "SETTING")]
    settings: Vec<String>,

    /// Say for each function how many attempts were made.
    #[arg(short, long)]
    verbose: bool,

    /// Stop after this many attempts for a function.
    #[arg(long, value_name = "N", default_value = "20000")]
    limit: usize,
}

/// Shrinks each function that makes the compiler panic.
pub fn run(options: &Options) -> Result<ExitCode> {
    let settings = input::target(&options.target, &options.settings)?;
    let OwnedFlagsOrIsa::Isa(isa) = settings else {
        return Err(Usage("the target is empty".to_owned()).into());
    };
    let text = input::read(&options.file)?;
    let file = input::parse(&options.file, &text)?;
    for (func, details) in &file.functions {
        let Err(panic) = compile(func, &isa) else {
            eprintln!(
                "warning: {}:{}: {} does not make the compiler panic",
                options.file.display(),
                details.location.line_number,
                func.name
            );
            continue;
        };
        shrink(func, &isa, &panic, options);
    }
    Ok(ExitCode::SUCCESS)
}

fn shrink(func: &Function, isa: &OwnedTargetIsa, panic: &CaughtPanic, options: &Options) {
    let bar = progress_bar(options.limit);
    let keeps = |text: &str| {
        panics::contain(|| {
            let candidate = parse(text, func)?;
            verify_function(&candidate, &**isa).ok()?;
            let crash = compile(&candidate, isa).err()?;
            (crash.location == panic.location).then_some(candidate)
        })
        .unwrap_or_default()
    };
    let reduction = reduce(
        &func.display().to_string(),
        options.limit,
        keeps,
        |attempts, lines| {
            bar.set_position(attempts as u64);
            bar.set_message(format!("{lines} lines"));
        },
    );
    bar.finish_and_clear();
    println!("; the compiler {panic}");
    print!("{}", reduction.text);
    if let Some(reduced) = parse(&reduction.text, func) {
        println!("; {} -> {}", size(func), size(&reduced));
    }
    if options.verbose || reduction.is_limited {
        let limited = if reduction.is_limited {
            "; the limit ended the reduction, see --limit"
        } else {
            ""
        };
        eprintln!("{} attempts{limited}", reduction.attempts);
    }
}

/// Compiles a function; only a panic counts as an error.
fn compile(func: &Function, isa: &OwnedTargetIsa) -> Result<(), CaughtPanic> {
    panics::contain(|| {
        let mut context = Context::for_function(func.clone());
        // Errors are no crashes.
        let _ = context.compile(&**isa, &mut ControlPlane::default());
    })
}

/// Parses text that was printed of `original`, and so names its calling convention.
fn parse(text: &str, original: &Function) -> Option<Function> {
    let options = ParseOptions {
        default_calling_convention: original.signature.call_conv,
        ..ParseOptions::default()
    };
    let mut functions = parse_test(text, options).ok()?.functions;
    functions.pop().map(|(func, _)| func)
}

fn size(func: &Function) -> String {
    let blocks = func.layout.blocks().count();
    let insts: usize = func
        .layout
        .blocks()
        .map(|block| func.layout.block_insts(block).count())
        .sum();
    format!("{blocks} blocks and {insts} instructions")
}

fn progress_bar(limit: usize) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(limit as u64);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40} {pos}/{len} attempts, {msg} {elapsed}")
    {
        bar.set_style(style);
    }
    bar
}
