//! `cargo xtask test`.

use crate::fork::make::prepare;
use crate::programs::{Build, CLIF_UTIL, run_program};
use crate::repo::{Repo, cargo};
use crate::setup::{Setup, missing};
use crate::steps::{Counts, run_tests};
use anyhow::{Result, bail, ensure};
use clap::Args;
use std::time::Instant;

/// Run every test but the long campaigns
///
/// Installs or names what is missing, makes the fork, and runs all steps even if one fails. The last line counts what ran.
#[derive(Args)]
#[command(after_help = "Example, one step only:\n  cargo xtask test filetests")]
pub struct Test {
    /// The steps to run, of: workspace, scripts, filetests, outside, check [default: all]
    pub steps: Vec<String>,
}

type Step = (&'static str, fn(&Repo) -> Result<Counts>);

const STEPS: &[Step] = &[
    ("workspace", workspace),
    ("scripts", |repo| {
        Ok(run_tests(cargo(&repo.path("scripts")).arg("test")))
    }),
    ("filetests", filetests),
    ("outside", crate::outside::run),
    ("check", crate::check::run_all),
];

impl Test {
    /// Runs the steps and prints the summary.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        let names: Vec<_> = STEPS.iter().map(|(name, _)| *name).collect();
        for step in &self.steps {
            ensure!(
                names.contains(&step.as_str()),
                "there is no step `{step}`; the steps are {}",
                names.join(", ")
            );
        }
        let mut rows = Vec::new();
        if let Err(error) = Setup::default().run() {
            println!("{error:#}");
            rows.push(("setup", Counts::skip(missing().unwrap_or_default()), 0));
        }
        if prepare(repo)? {
            println!("fork: used as it is in {}", repo.checkout().display());
        }
        for (name, step) in STEPS {
            if self.steps.is_empty() || self.steps.iter().any(|step| step == name) {
                let start = Instant::now();
                let counts = step(repo).unwrap_or_else(|error| {
                    println!("{name}: {error:#}");
                    Counts::one(false)
                });
                rows.push((name, counts, start.elapsed().as_secs()));
            }
        }
        println!("\nsummary");
        let mut total = Counts::default();
        for (name, counts, seconds) in rows {
            println!("  {name:<10} {counts} in {seconds} s");
            counts
                .reasons
                .iter()
                .for_each(|reason| println!("    skipped: {reason}"));
            total = total.and(counts);
        }
        println!("{total}");
        if total.failed > 0 {
            bail!("tests failed; repeat one step with `cargo xtask test STEP`");
        }
        Ok(())
    }
}

/// With Cranelift's own tests, as the fork is a member. The step `filetests` runs the one test that is left out, and shows what is
/// skipped.
fn workspace(repo: &Repo) -> Result<Counts> {
    let mut command = cargo(&repo.path(""));
    command.args(["test", "--workspace", "--features=multi-out-fuzz/wasm"]);
    let mut counts = run_tests(command.args(["--", "--skip", "all_filetests_pass"]));
    if counts.skipped > 0 {
        let why = "examples in Cranelift's own documentation that are marked `ignore` there";
        counts.reasons.push(why.into());
    }
    Ok(counts)
}

fn filetests(repo: &Repo) -> Result<Counts> {
    let mut command = run_program(repo, &repo.path(""), Build::Debug, CLIF_UTIL);
    Ok(run_tests(command.args(["test", "filetests/filetests"])))
}
