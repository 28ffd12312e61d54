//! `clif-util bugpoint`: shrinks a function that crashes the compiler.

use crate::input::{self, Usage};
use anyhow::{Result, anyhow};
use clap::Args;
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::verifier::{VerifierErrors, verify_function};
use cranelift_reader::{OwnedFlagsOrIsa, parse_functions};
use filetests::errors::describe_verifier_errors;
use filetests::panics::{self, CaughtPanic};
use filetests::reduce::{block_count, instruction_count, print, reduce};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::process::ExitCode;

/// Shrink functions that make the compiler panic.
///
/// Constants and earlier values replace what instructions calculate; instructions, blocks, edges,
/// parameters, results, and declarations are removed, as long as the function is valid and the
/// panic comes from the same place. The reduced function is printed.
#[derive(Args)]
#[command(after_help = "\
Example:
  cargo clif-util bugpoint --set opt_level=speed crash.clif x86_64")]
pub struct Options {
    /// A file; `-` is the standard input.
    file: PathBuf,

    /// The target with its flags.
    target: String,

    /// A setting, shared or of the target: `name` or `name=value`; after those of the file's `set` lines.
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
    let shown = options.file.display();
    let text = input::read(&options.file)?;
    let file = input::parse(&options.file, &text)?;
    let settings: Vec<String> = settings_of(&text)
        .map(str::to_owned)
        .chain(options.settings.iter().cloned())
        .collect();
    let OwnedFlagsOrIsa::Isa(isa) = input::target(&options.target, &settings)? else {
        return Err(Usage("the target is empty".to_owned()).into());
    };
    let (mut panic_count, mut error_count) = (0, 0);
    for (func, details) in &file.functions {
        let place = format!("{shown}:{}", details.location.line_number);
        match compile(func, &isa) {
            Err(panic) => {
                panic_count += 1;
                if let Err(error) = shrink(func, &isa, &panic, options) {
                    error_count += 1;
                    eprintln!("error: {place}: {error}");
                }
            }
            Ok(Err(errors)) => {
                error_count += 1;
                let failure = describe_verifier_errors(func, details, &errors);
                eprintln!("error: {shown}:{}: {}", failure.line, failure.message);
            }
            Ok(Ok(())) => {
                let name = &func.name;
                eprintln!("warning: {place}: {name} does not make the compiler panic");
            }
        }
    }
    if panic_count == 0 && error_count == 0 {
        return Err(anyhow!("{shown}: no function makes the compiler panic"));
    }
    Ok(ExitCode::from(u8::from(error_count > 0)))
}

/// What the `set` lines of a file say.
fn settings_of(text: &str) -> impl Iterator<Item = &str> {
    let head = text
        .lines()
        .take_while(|line| !line.starts_with("function"));
    let settings = head.filter_map(|line| line.strip_prefix("set "));
    settings.flat_map(|line| {
        line.split(';')
            .next()
            .unwrap_or_default()
            .split_whitespace()
    })
}

fn shrink(
    func: &Function,
    isa: &OwnedTargetIsa,
    panic: &CaughtPanic,
    options: &Options,
) -> Result<()> {
    let bar = progress_bar(options.limit);
    let keeps = |candidate: &Function| {
        compile(candidate, isa).is_err_and(|found| found.location == panic.location)
    };
    let progress = |attempts, instructions| {
        bar.set_position(attempts as u64);
        bar.set_message(format!("{instructions} instructions"));
    };
    let reduction = panics::contain(|| reduce(func, options.limit, keeps, progress));
    bar.finish_and_clear();
    let reduction = reduction.map_err(|panic| anyhow!("the reduction itself {panic}"))?;
    let text = print(&reduction.func);
    print!("{}{text}", commented(&format!("the compiler {panic}")));
    println!("; {} -> {}", size(func), size(&reduction.func));
    if options.verbose || reduction.is_limited {
        let limited = if reduction.is_limited {
            "; the limit ended the reduction, see --limit"
        } else {
            ""
        };
        eprintln!("{} attempts{limited}", reduction.attempts);
    }
    let parsed = panics::contain(|| parse_functions(&text)).map_err(|panic| {
        anyhow!("the reader {panic}, given the reduced function as it is printed")
    })?;
    match parsed {
        Ok(parsed) if parsed.iter().any(keeps) => Ok(()),
        Ok(_) => Err(anyhow!(
            "the reduced function does not make the compiler panic once it was printed and parsed"
        )),
        Err(error) => Err(anyhow!(
            "the reduced function does not parse as it is printed, at line {error}"
        )),
    }
}

/// Text as comments, for a message may have several lines.
fn commented(text: &str) -> String {
    text.lines().map(|line| format!("; {line}\n")).collect()
}

/// Verifies and compiles a function. The outer error is a panic, the inner one the verifier's; that
/// the function cannot be compiled is none.
fn compile(
    func: &Function,
    isa: &OwnedTargetIsa,
) -> Result<Result<(), VerifierErrors>, CaughtPanic> {
    panics::contain(|| {
        verify_function(func, &**isa)?;
        let mut context = Context::for_function(func.clone());
        let _ = context.compile(&**isa, &mut ControlPlane::default());
        Ok(())
    })
}

fn size(func: &Function) -> String {
    let (blocks, insts) = (block_count(func), instruction_count(func));
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

#[cfg(test)]
mod tests {
    #[test]
    fn messages_of_several_lines_are_comments() {
        let message = "it failed\n  left: 1\n right: 2";
        assert_eq!(
            super::commented(message),
            "; it failed\n;   left: 1\n;  right: 2\n"
        );
    }
}
