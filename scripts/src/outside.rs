//! The step `outside` of `cargo xtask test`: another project uses the fork as `fork make --to` says, and Cranelift without it.

use crate::fork::make::make;
use crate::repo::{Repo, cargo};
use crate::steps::{Counts, run_tests};
use crate::unchanged::copy_package;
use anyhow::Result;

/// Makes the fork in a folder of its own, adds the lines that `fork make` prints to a copy of the package, and tests that.
/// Another copy is tested as it stands, on Cranelift from the registry.
pub fn run(repo: &Repo) -> Result<Counts> {
    let base = repo.target().join("outside");
    let (fork, app, stock) = (base.join("fork"), base.join("app"), base.join("stock"));
    println!("\n==> cargo xtask fork make --to {}", fork.display());
    println!("{}", make(repo, &fork)?);
    copy_package(repo, "outside", &app, Some(&fork))?;
    copy_package(repo, "outside", &stock, None)?;
    let test = |dir, features: &[&str]| {
        let mut command = cargo(dir);
        command.args(["test", "--locked"]).args(features);
        run_tests(command.env("CARGO_TARGET_DIR", base.join("target")))
    };
    Ok(test(&app, &["--features", "fork"]).and(test(&stock, &[])))
}
