//! `cargo xtask fork`: the checkout of the fork, from the queue and back.

pub mod diff;
pub mod discard;
pub mod export;
pub mod make;
pub mod pin;
pub mod rehearse;
pub mod save;
pub mod status;

use crate::repo::Repo;
use anyhow::Result;
use clap::Subcommand;

/// The commands on the fork.
#[derive(Subcommand)]
#[expect(
    missing_docs,
    reason = "the text is that of the command, which its help shows too"
)]
pub enum Fork {
    Make(make::Make),
    Save(save::Save),
    Status(status::Status),
    Diff(diff::Diff),
    Export(export::Export),
    Discard(discard::Discard),
    Pin(pin::Pin),
    Rehearse(rehearse::Rehearse),
}

impl Fork {
    /// Does what the command says.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        match self {
            Fork::Make(c) => c.run(repo),
            Fork::Save(c) => c.run(repo),
            Fork::Status(c) => c.run(repo),
            Fork::Diff(c) => c.run(repo),
            Fork::Export(c) => c.run(repo),
            Fork::Discard(c) => c.run(repo),
            Fork::Pin(c) => c.run(repo),
            Fork::Rehearse(c) => c.run(repo),
        }
    }
}
