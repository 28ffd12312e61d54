//! `cargo xtask fork diff`.

use crate::checkout::Stamp;
use crate::git::bare_command;
use crate::repo::Repo;
use anyhow::{Context, Result, ensure};
use clap::Args;

/// Show the whole change with full context
///
/// This is `git diff pin HEAD` in `cranelift/checkout`, with your pager and colours.
#[derive(Args)]
#[command(
    after_help = "Example, one area only:\n  cargo xtask fork diff -- --stat cranelift/codegen/src/machinst"
)]
pub struct Diff {
    /// More arguments for `git diff`
    #[arg(last = true)]
    pub args: Vec<String>,
}

impl Diff {
    /// Runs `git diff`.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        let dir = repo.checkout();
        ensure!(
            Stamp::read(&dir).is_some(),
            "there is no fork yet; make it with `cargo xtask fork make`"
        );
        let status = bare_command(&dir)
            .args(["diff", "pin", "HEAD"])
            .args(&self.args)
            .status()
            .context("cannot run git")?;
        ensure!(
            status.success(),
            "`git diff` failed; look at the checkout with `cargo xtask fork status`"
        );
        Ok(())
    }
}
