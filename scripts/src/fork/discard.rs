//! `cargo xtask fork discard`.

use crate::checkout::{Stamp, State, build, lock, state};
use crate::repo::Repo;
use anyhow::Result;
use clap::Args;

/// Throw away what the checkout holds beyond the queue
///
/// Makes `cranelift/checkout` anew from the saved queue. Commits, changes, branches and stashes that were not saved are gone.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cargo xtask fork status    # lists what would be lost\n  cargo xtask fork discard"
)]
pub struct Discard {}

impl Discard {
    /// Makes the checkout anew.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        let dir = repo.checkout();
        let _lock = lock(&dir)?;
        match state(repo, &dir) {
            Ok(State::Unsaved(work)) => println!("discarded:\n  {}", work.join("\n  ")),
            Ok(_) => {}
            // A damaged repository, and no folder of somebody else's.
            Err(error) if Stamp::read(&dir).is_some() => {
                println!("discarded: a checkout that git cannot read: {error:#}")
            }
            Err(error) => return Err(error),
        }
        let stamp = build(repo, &dir)?;
        println!("fork: made anew: {}", stamp.head);
        Ok(())
    }
}
