//! `cargo xtask fuzz --cross`: programs on other machines, without libFuzzer.

use crate::fork::make::prepare;
use crate::programs::{Build, PROGRAMS, run_program};
use crate::repo::Repo;
use crate::seed;
use crate::steps::{Counts, run_tests};
use anyhow::Result;
use clap::builder::PossibleValuesParser;

/// The machines, as the program `programs` calls them.
pub const MACHINES: [&str; 4] = ["x86_64", "aarch64", "riscv64", "s390x"];

/// The programs of a campaign for each machine: a number, so that a slow machine judges the same ones.
const COUNT: u64 = 1024;

/// What `--cross` takes: a machine, or all of them.
pub fn choices() -> PossibleValuesParser {
    MACHINES.into_iter().chain(["all"]).into()
}

fn machines(wanted: &[String]) -> Vec<&str> {
    match wanted.iter().any(|machine| machine == "all") {
        true => MACHINES.to_vec(),
        false => wanted.iter().map(String::as_str).collect(),
    }
}

/// Runs programs on some machines, and counts them.
pub fn run(repo: &Repo, build: Build, wanted: &[String], args: &[String]) -> Counts {
    let runs = machines(wanted).into_iter().map(|machine| {
        let mut command = run_program(repo, &repo.path(""), build, PROGRAMS);
        run_tests(command.args(["cross", machine]).args(args))
    });
    runs.fold(Counts::default(), Counts::and)
}

/// What continuous integration runs.
pub fn campaign(repo: &Repo) -> Result<Counts> {
    prepare(repo)?;
    let args = [
        format!("--seed={}", seed::FIXED),
        format!("--count={COUNT}"),
        "--seconds=600".into(),
        "--jobs=2".into(),
    ];
    Ok(run(repo, Build::Debug, &["all".into()], &args))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_machines_have_one_name() {
        assert_eq!(machines(&["s390x".into()]), ["s390x"]);
        assert_eq!(machines(&["s390x".into(), "all".into()]), MACHINES);
    }
}
