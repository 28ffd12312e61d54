//! `cargo xtask campaign all`.

use crate::repo::{Repo, remove};
use crate::setup::Setup;
use crate::steps::Counts;
use anyhow::{Result, bail, ensure};
use clap::Args;
use std::time::Instant;

/// Run the long campaigns
///
/// They are what `cargo xtask test` leaves out for time.
#[derive(Args)]
#[command(
    after_help = "Example, as in continuous integration:\n  cargo xtask test && cargo xtask campaign all"
)]
pub struct All {
    /// Only the campaigns whose name has this part, such as `patch` [default: all]
    #[arg(default_value = "", hide_default_value = true)]
    pub part: String,
}

/// What to print, what to do, and the folder of `target` that none after it reads, if any.
type Entry = (
    &'static str,
    fn(&Repo) -> Result<Counts>,
    Option<&'static str>,
);

/// Grows with the project.
const CAMPAIGNS: [Entry; 6] = [
    (
        "random signatures against C and Rust",
        crate::campaign::c_abi::campaign,
        None,
    ),
    (
        "other conventions' code is unchanged",
        crate::campaign::unchanged::run,
        Some("outside"),
    ),
    (
        "each patch by upstream's lints",
        crate::campaign::upstream::campaign,
        Some("upstream"),
    ),
    (
        "deliberate faults are found",
        crate::campaign::mutants::campaign,
        Some("mutants"),
    ),
    (
        "fuzz targets, 20 seconds each",
        crate::fuzz::campaign,
        Some("fuzz"),
    ),
    (
        "random programs on every machine",
        crate::fuzz::cross::campaign,
        None,
    ),
];

impl All {
    /// Runs every campaign.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        Setup::default().run()?;
        let mut total = Counts::default();
        let wanted = CAMPAIGNS
            .iter()
            .filter(|(name, _, _)| name.contains(&self.part));
        ensure!(
            wanted.clone().next().is_some(),
            "no campaign has `{}` in its name; there are: {}",
            self.part,
            CAMPAIGNS.map(|(name, _, _)| name).join("; ")
        );
        for (name, campaign, folder) in wanted {
            println!("\n==> {name}");
            let start = Instant::now();
            let counts = campaign(repo)?;
            // Continuous integration builds nothing of it again, and its disks are small. What failed stays to be seen.
            if counts.failed == 0 && std::env::var_os("CI").is_some() {
                folder.map_or(Ok(()), |name| remove(&repo.target().join(name)))?;
            }
            total = total.and(counts);
            println!("{name}: {} s", start.elapsed().as_secs());
        }
        println!("campaigns: {total}");
        if total.failed > 0 {
            bail!("a campaign failed; its output above names the command that repeats it");
        }
        Ok(())
    }
}
