//! `cargo xtask campaign`: what takes longer than a test may.

pub mod all;
pub mod c_abi;
pub mod coverage;
pub mod load;
pub mod long;
pub mod mutants;
pub mod signatures;
pub mod status;
pub mod unchanged;
pub mod upstream;

use crate::repo::Repo;
use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;

/// Run one of the long campaigns, or all that continuous integration runs
///
/// `all` has fixed seeds: a change fails by its own fault alone. `c-abi` draws a new one and prints it.
#[derive(Subcommand)]
#[allow(missing_docs, reason = "the help of each is that of its arguments")]
pub enum Campaign {
    All(all::All),
    CAbi(c_abi::CAbi),
    Mutants(mutants::Mutants),
    Coverage(coverage::Coverage),
    Load(load::Load),
    Long(long::Long),
    Status(status::Status),
}

impl Campaign {
    /// Runs it, and returns the exit status.
    pub fn run(&self, repo: &Repo) -> Result<ExitCode> {
        match self {
            Campaign::CAbi(campaign) => return campaign.run(repo),
            Campaign::All(campaign) => campaign.run(repo)?,
            Campaign::Mutants(campaign) => campaign.run(repo)?,
            Campaign::Coverage(campaign) => campaign.run(repo)?,
            Campaign::Load(campaign) => campaign.run(repo)?,
            Campaign::Long(campaign) => campaign.run(repo)?,
            Campaign::Status(campaign) => campaign.run(repo)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
