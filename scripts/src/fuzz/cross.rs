//! `cargo xtask fuzz --cross`: programs on other machines, without libFuzzer.

use crate::fork::make::prepare;
use crate::programs::{Build, PROGRAMS, run_program};
use crate::repo::Repo;
use crate::seed;
use crate::steps::{Counts, run_tests};
use anyhow::Result;

/// The machines, as the program `programs` calls them.
pub const MACHINES: [&str; 4] = ["x86_64", "aarch64", "riscv64", "s390x"];

/// The programs of a campaign for each machine: a number, so that a slow machine judges the same ones.
const COUNT: u64 = 1024;

/// Runs programs on some machines, and counts them.
pub fn run(repo: &Repo, build: Build, machines: &[String], args: &[String]) -> Counts {
    let runs = machines.iter().map(|machine| {
        let mut command = run_program(repo, &repo.path(""), build, PROGRAMS);
        run_tests(command.args(["cross", machine]).args(args))
    });
    runs.fold(Counts::default(), Counts::and)
}

/// What continuous integration runs.
pub fn campaign(repo: &Repo) -> Result<Counts> {
    prepare(repo)?;
    let args = [
        "--seed",
        &seed::FIXED.to_string(),
        "--count",
        &COUNT.to_string(),
        "--seconds",
        "600",
        "--jobs",
        "2",
    ]
    .map(String::from);
    Ok(run(repo, Build::Debug, &MACHINES.map(String::from), &args))
}
