//! `cargo xtask fork pin`.

use crate::git::tree_id;
use crate::repo::{Repo, read, write};
use anyhow::{Result, ensure};
use clap::Args;

/// Record the sources of another upstream version
///
/// Run it after an edit of the versions in `cranelift/pin/Cargo.toml`: it updates the lock (which holds the SHA-256 of every
/// crate) and the tree id of the sources.
#[derive(Args)]
#[command(
    after_help = "Example:\n  $EDITOR cranelift/pin/Cargo.toml\n  cargo xtask fork pin\n  git diff cranelift/pin\n\
    The patches then fail to apply where upstream changed; cranelift/README.md says how to move them."
)]
pub struct Pin {}

impl Pin {
    /// Updates lock and tree id.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        let manifest = repo.path("cranelift/pin/Cargo.toml");
        // The lock may lack a crate until Cargo has updated it.
        crate::pin::update_lock(repo)?;
        let pin = crate::pin::Pin::read(repo)?;
        let id = tree_id(&pin.unchecked_sources(repo)?);
        let text = String::from_utf8(read(&manifest)?)?;
        let lines: String = text
            .split_inclusive('\n')
            .map(|line| {
                if line.starts_with("tree = ") {
                    format!("tree = \"{id}\"\n")
                } else {
                    line.to_string()
                }
            })
            .collect();
        ensure!(
            lines.contains(&id),
            "{} lacks a line `tree = \"\"` in `[package.metadata.fork]`; add it",
            manifest.display()
        );
        let changed = write(&manifest, lines.as_bytes())?;
        println!(
            "pin: {}, tree {id}{}",
            pin.title(),
            if changed { "" } else { " (as before)" }
        );
        Ok(())
    }
}
