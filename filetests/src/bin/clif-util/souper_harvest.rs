//! `clif-util souper-harvest`: left out, and says so.

use anyhow::{Result, bail};
use clap::Args;
use std::process::ExitCode;

/// Not part of this program.
#[derive(Args)]
pub struct Options {
    /// Whatever the command of that name takes elsewhere.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Explains.
pub fn run() -> Result<ExitCode> {
    bail!(
        "souper-harvest is not part of this program: it needs a feature of cranelift-codegen that \
         this build leaves out"
    )
}
