//! `cargo xtask campaign load`: all filetests many times over, on a machine that has too much to do.

use crate::fork::make::prepare;
use crate::programs::CLIF_UTIL;
use crate::repo::{Repo, cargo};
use anyhow::{Result, bail, ensure};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// Run all filetests many times, several runs at once, with a debug and with a release build
///
/// What fails here and not alone depends on time, memory, or names that runs share. Each run has a thread for every processor, so N
/// runs at a time are a load of N.
#[derive(Args)]
#[command(after_help = "Example:\n  cargo xtask campaign load --runs 100")]
pub struct Load {
    /// Runs with each build
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub runs: usize,

    /// Runs at a time
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub load: usize,
}

impl Load {
    /// Runs it; a run that fails is an error in the end, and its output is printed.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        prepare(repo)?;
        let mut failed = 0;
        for build in ["debug", "release"] {
            let mut command = cargo(&repo.path(""));
            command.args(["build", "--quiet"]).args(CLIF_UTIL);
            command.args((build == "release").then_some("--release"));
            ensure!(command.status()?.success(), "clif-util does not build");
            let program = repo.target().join(build).join("clif-util");
            failed += self.run_build(build, &program, &repo.path("filetests/filetests"));
        }
        if failed > 0 {
            bail!("{failed} runs failed; their output is above");
        }
        Ok(())
    }

    /// How many runs of the program fail.
    fn run_build(&self, build: &str, program: &Path, files: &PathBuf) -> usize {
        let [begun, ended, failed] = [const { AtomicUsize::new(0) }; 3];
        let work = || {
            while begun.fetch_add(1, Ordering::Relaxed) < self.runs {
                let start = Instant::now();
                let output = Command::new(program).arg("test").arg(files).output();
                let problem = match output {
                    Ok(output) if output.status.success() => None,
                    Ok(output) => Some(format!(
                        "{}\n{}{}",
                        output.status,
                        String::from_utf8_lossy(&output.stdout),
                        String::from_utf8_lossy(&output.stderr)
                    )),
                    Err(error) => Some(format!("{}: {error}", program.display())),
                };
                failed.fetch_add(usize::from(problem.is_some()), Ordering::Relaxed);
                println!(
                    "{build}: run {} of {}: {} s, {}",
                    1 + ended.fetch_add(1, Ordering::Relaxed),
                    self.runs,
                    start.elapsed().as_secs(),
                    problem.as_deref().unwrap_or("passed")
                );
            }
        };
        thread::scope(|scope| {
            for _ in 0..self.load {
                scope.spawn(work);
            }
        });
        failed.into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_fail_are_counted() {
        let load = Load { runs: 5, load: 3 };
        let failed = |program: &str| load.run_build("x", Path::new(program), &"x".into());
        assert_eq!(failed("true"), 0);
        assert_eq!(failed("false"), 5);
        assert_eq!(failed("/none"), 5);
    }
}
