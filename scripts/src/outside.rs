//! The step `outside` of `cargo xtask test`: another project uses the fork as `fork make --to` says.

use crate::fork::make::make;
use crate::repo::{Repo, cargo};
use crate::steps::{Counts, run_tests};
use crate::unchanged::copy_package;
use anyhow::Result;

/// Makes the fork in a folder of its own, adds the lines that `fork make` prints to a copy of the package, and tests that.
pub fn run(repo: &Repo) -> Result<Counts> {
    let base = repo.target().join("outside");
    let (fork, app) = (base.join("fork"), base.join("app"));
    println!("\n==> cargo xtask fork make --to {}", fork.display());
    println!("{}", make(repo, &fork)?);
    copy_package(repo, "outside", &app, Some(&fork))?;
    Ok(run_tests(
        cargo(&app)
            .args(["test", "--locked"])
            .env("CARGO_TARGET_DIR", base.join("target")),
    ))
}
