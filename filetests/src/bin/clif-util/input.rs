//! Reading and parsing the files that a subcommand is given.

use anyhow::{Result, anyhow};
use clap::Args;
use cranelift_codegen::ir::Function;
use cranelift_reader::{Details, OwnedFlagsOrIsa, ParseOptions, TestFile, parse_sets_and_triple};
use filetests::file::read_input;
use filetests::report::located;
use filetests::{Failure, panics, parse};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A file that cannot be read; the program then ends with status 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Unreadable {
    /// The error with a sentence that begins with the path.
    pub fn new(message: String) -> Self {
        Unreadable(message)
    }
}

/// A mistake in the environment or the command line that clap does not see; the program then ends
/// with status 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// The text of a file, or of the standard input for `-`.
pub fn read(path: &Path) -> Result<String> {
    let shown = path.display();
    let bytes = read_input(path)
        .map_err(|error| Unreadable(format!("{shown}: cannot read it: {error}")))?;
    String::from_utf8(bytes)
        .map_err(|_| Unreadable(format!("{shown}: not UTF-8 text, so not CLIF")).into())
}

/// The target with its flags, and settings, of a command line; only settings for an empty target.
pub fn target(target: &str, settings: &[String]) -> Result<OwnedFlagsOrIsa> {
    panics::contain(|| parse_sets_and_triple(settings, target))
        .map_err(|panic| {
            Usage(format!(
                "Cranelift does not have the target `{target}`: it {panic}"
            ))
        })?
        .map_err(|error| Usage(format!("in the target and its settings: {error}")).into())
}

/// Writes a function as text; a panic is an error with file, line and what was done.
pub fn contained(
    path: &Path,
    (func, details): &(Function, Details<'_>),
    doing: &str,
    write: impl Fn(&Function) -> String,
) -> Result<String> {
    panics::contain(|| write(func)).map_err(|panic| {
        let message = format!("{doing} {}: {panic}", func.name);
        anyhow!(located(
            path,
            &Failure::at(details.location.line_number, message)
        ))
    })
}

/// Parses the text of a file; the error names file and line.
pub fn parse<'a>(path: &Path, text: &'a str) -> Result<TestFile<'a>> {
    parse::parse(text, ParseOptions::default())
        .map_err(|error| anyhow!(located(path, &error.failure)))
}

/// The files of subcommands that print something for each function.
#[derive(Args)]
pub struct Files {
    /// Files; `-` is the standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

impl Files {
    /// Prints a text for each function, with a blank line between any two.
    pub fn print(&self, doing: &str, text: fn(&Function) -> String) -> Result<ExitCode> {
        let mut separator = "";
        for path in &self.files {
            let source = read(path)?;
            for function in &parse(path, &source)?.functions {
                let text = contained(path, function, doing, text)?;
                print!("{separator}{text}");
                separator = "\n";
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
