//! `cargo xtask fork status`.

use crate::checkout::{State, state};
use crate::patch::{Patch, TRAILERS};
use crate::pin::Pin;
use crate::queue::Queue;
use crate::repo::Repo;
use anyhow::Result;
use clap::Args;
use std::collections::BTreeSet;

/// Print pin, patches, the queue's size, and whether the checkout is fresh
#[derive(Args)]
#[command(
    after_help = "Example:\n  cargo xtask fork status\nThe last lines are the queue's size and what to do next."
)]
pub struct Status {}

impl Status {
    /// Prints the status.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        let pin = Pin::read(repo)?;
        for c in &pin.crates {
            println!("pin: {} {}, SHA-256 {}", c.name, c.version, c.checksum);
        }
        println!("     tree {}", pin.tree);
        let queue = Queue::read(repo, &pin)?;
        for patch in &queue.patches {
            print(patch);
        }
        println!("{}", size(&queue));
        match state(repo, &repo.checkout())? {
            State::Absent => println!("checkout: none; make it with `cargo xtask fork make`"),
            State::Fresh => println!("checkout: fresh"),
            State::Stale => println!("checkout: stale; make it anew with `cargo xtask fork make`"),
            State::Unsaved(work) => println!(
                "checkout: unsaved; `cargo xtask fork save` keeps, `cargo xtask fork discard` throws away:\n  {}",
                work.join("\n  ")
            ),
        }
        Ok(())
    }
}

/// One line: patches, files, lines.
pub fn size(queue: &Queue) -> String {
    let files: BTreeSet<_> = queue
        .patches
        .iter()
        .flat_map(|p| &p.files)
        .map(|f| &f.path)
        .collect();
    let (added, removed) = queue
        .patches
        .iter()
        .map(Patch::line_counts)
        .fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    let new_lines: usize = queue
        .new_files
        .values()
        .map(|bytes| bytes.split_inclusive(|b| *b == b'\n').count())
        .sum();
    format!(
        "queue: {} patches; {} upstream files touched, {added} lines added, {removed} removed; {} new files with {new_lines} lines",
        queue.patches.len(),
        files.len(),
        queue.new_files.len()
    )
}

fn print(patch: &Patch) {
    let (added, removed) = patch.line_counts();
    println!(
        "\n{}\n  {} (+{added} -{removed}, {} new files)",
        patch.file_name(),
        patch.subject,
        patch.new_files.len()
    );
    for (key, value) in patch
        .trailers()
        .iter()
        .filter(|(key, _)| TRAILERS.contains(&key.as_str()))
    {
        println!("  {key}: {value}");
    }
}
