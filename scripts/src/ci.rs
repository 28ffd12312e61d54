//! `cargo xtask ci`.

use crate::repo::Repo;
use crate::setup::Setup;
use crate::steps::Counts;
use anyhow::{Result, bail};
use clap::Args;

/// Run the long campaigns
///
/// They are what `cargo xtask test` leaves out for time.
#[derive(Args)]
#[command(
    after_help = "Example, as in continuous integration:\n  cargo xtask test && cargo xtask ci"
)]
pub struct Ci {}

/// What to print, and what to do.
type Campaign = (&'static str, fn(&Repo) -> Result<Counts>);

/// Grows with the project.
const CAMPAIGNS: &[Campaign] = &[
    (
        "random signatures against C and Rust",
        crate::c_abi::campaign,
    ),
    ("deliberate faults are found", crate::mutants::campaign),
    ("fuzz targets, a minute each", crate::fuzz::campaign),
    (
        "random programs on every machine",
        crate::fuzz::cross::campaign,
    ),
];

impl Ci {
    /// Runs every campaign.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        Setup::default().run()?;
        let mut total = Counts::default();
        for (name, campaign) in CAMPAIGNS {
            println!("\n==> {name}");
            total = total.and(campaign(repo)?);
        }
        match CAMPAIGNS.len() {
            0 => println!("there are no long campaigns"),
            _ => println!("campaigns: {total}"),
        }
        if total.failed > 0 {
            bail!("a campaign failed; its output above names the command that repeats it");
        }
        Ok(())
    }
}
