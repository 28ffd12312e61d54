//! `cargo xtask fork make`.

use crate::checkout::{State, build, lock, state};
use crate::pin::Pin;
use crate::queue::series;
use crate::repo::Repo;
use anyhow::{Result, bail};
use clap::Args;
use std::path::{Path, PathBuf};

/// Make `cranelift/checkout` from the pin, the patches and our new files
///
/// The checkout is a git repository: one commit for upstream's crates (tag `pin`), then one per patch. Nothing happens if
/// it is fresh; it is made anew if the queue has changed; work in it that is not saved is never thrown away.
#[derive(Args, Default)]
#[command(
    after_help = "Example, to use the fork in another project:\n  cargo xtask fork make --to ../cranelift-fork\n\
    and paste the lines that it prints into that project's Cargo.toml."
)]
pub struct Make {
    /// Make the fork in this folder instead, and print the `[patch.crates-io]` lines that use it
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
}

impl Make {
    /// Makes the fork.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        match &self.to {
            None => println!("{}", make(repo, &repo.checkout())?),
            Some(to) => {
                let to = std::path::absolute(to)?;
                eprintln!("{}", make(repo, &to)?);
                print!("{}", patch_lines(&Pin::read(repo)?, &to));
            }
        }
        Ok(())
    }
}

/// Makes the fork in a folder if it is not fresh, and says what happened.
pub fn make(repo: &Repo, dir: &Path) -> Result<String> {
    let _lock = lock(dir)?;
    let how = match state(repo, dir)? {
        State::Fresh => return Ok(format!("fork: fresh: {}", dir.display())),
        State::Absent => "made",
        State::Stale => "was stale, made anew",
        State::Unsaved(work) => bail!(
            "the fork in {} holds work that is not in the queue:\n  {}\n{}",
            dir.display(),
            work.join("\n  "),
            if dir == repo.checkout() {
                "keep it with `cargo xtask fork save`, or throw it away with `cargo xtask fork discard`"
            } else {
                "take it to cranelift/checkout, or throw it away by deleting the folder, then make the fork there again"
            }
        ),
    };
    build(repo, dir)?;
    Ok(format!(
        "fork: {how}: {} with {} patches in {}",
        Pin::read(repo)?.title(),
        series(repo)?.len(),
        dir.display()
    ))
}

/// Makes the fork unless it is fresh or somebody is at work in it, and says whether it was left alone.
pub fn prepare(repo: &Repo) -> Result<bool> {
    match state(repo, &repo.checkout())? {
        State::Fresh | State::Unsaved(_) => Ok(true),
        State::Absent | State::Stale => {
            eprintln!("{}", make(repo, &repo.checkout())?);
            Ok(false)
        }
    }
}

/// What another project's manifest needs.
pub fn patch_lines(pin: &Pin, dir: &Path) -> String {
    let path = |folder: &str| serde_json::Value::from(dir.join(folder).to_string_lossy());
    let lines: Vec<_> = pin
        .crates
        .iter()
        .map(|c| format!("{} = {{ path = {} }}\n", c.name, path(&c.folder)))
        .collect();
    format!("[patch.crates-io]\n{}", lines.concat())
}
