//! The package `scripts/fixtures/outside`, which is no member of the workspace, on the fork and on stock Cranelift.
//!
//! The step `outside` of `cargo xtask test` runs its tests; its program `unchanged` is for the campaign of that name, and for
//! `cargo xtask bench`.

use crate::fork::make::{make, patch_lines};
use crate::pin::Pin;
use crate::repo::{Repo, cargo, files_below, read, write};
use crate::steps::{Counts, run_tests};
use anyhow::Result;
use std::process::Command;

/// Which Cranelift a copy of the package is built on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cranelift {
    /// That of the registry.
    Stock,
    /// The checkout, saved or not.
    Fork,
    /// A fork in a folder of its own, as `cargo xtask fork make --to` makes it.
    Made,
}

impl Cranelift {
    /// The name of the copy's folder.
    pub fn name(self) -> &'static str {
        match self {
            Cranelift::Stock => "stock",
            Cranelift::Fork => "fork",
            Cranelift::Made => "app",
        }
    }

    /// Cargo in a copy of the package. The copies share a target folder for what they have in common.
    pub fn cargo(self, repo: &Repo, subcommand: &str) -> Result<Command> {
        let (from, base) = (repo.path("scripts/fixtures/outside"), base(repo));
        let (to, pin) = (base.join(self.name()), Pin::read(repo)?);
        let fork = match self {
            Cranelift::Stock => None,
            Cranelift::Fork => Some(repo.checkout()),
            Cranelift::Made => Some(made(repo)),
        };
        for file in files_below(&from)?
            .iter()
            .filter(|f| !f.starts_with("target/"))
        {
            let mut bytes = read(&from.join(file))?;
            match (&fork, file.as_str()) {
                (Some(fork), "Cargo.toml") => {
                    bytes.extend(format!("\n{}", patch_lines(&pin, fork)).bytes());
                }
                (Some(_), "Cargo.lock") => {
                    bytes = patched_lock(&String::from_utf8(bytes)?, &pin).into();
                }
                _ => {}
            }
            write(&to.join(file), &bytes)?;
        }
        let mut command = cargo(&to);
        command.args([subcommand, "--locked"]);
        if fork.is_some() {
            command.args(["--features", "fork"]);
        }
        command.env("CARGO_TARGET_DIR", base.join("target"));
        Ok(command)
    }
}

/// Where the copies are, and what is built of them.
pub fn base(repo: &Repo) -> std::path::PathBuf {
    repo.target().join("outside")
}

fn made(repo: &Repo) -> std::path::PathBuf {
    base(repo).join("made")
}

/// The package's tests, on Cranelift from the registry and as another project uses the fork: made in a folder, with the lines that
/// `cargo xtask fork make --to` prints.
pub fn run(repo: &Repo) -> Result<Counts> {
    println!("\n==> cargo xtask fork make --to {}", made(repo).display());
    println!("{}", make(repo, &made(repo))?);
    let both = [Cranelift::Stock, Cranelift::Made];
    both.into_iter().try_fold(Counts::default(), |counts, on| {
        Ok(counts.and(run_tests(&mut on.cargo(repo, "test")?)))
    })
}

/// The lock as Cargo writes it when the pinned crates come from a folder, so that all others stay what they are.
fn patched_lock(lock: &str, pin: &Pin) -> String {
    let mut patched = false;
    let keep = |line: &&str| {
        if let Some(name) = line.strip_prefix("name = ") {
            patched = pin
                .crates
                .iter()
                .any(|c| name.trim_end() == format!("\"{}\"", c.name));
        }
        !patched || !(line.starts_with("source = ") || line.starts_with("checksum = "))
    };
    lock.split_inclusive('\n').filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pinned_crates_leave_the_lock() {
        let krate = crate::pin::PinnedCrate {
            name: "demo".into(),
            folder: String::new(),
            version: String::new(),
            checksum: String::new(),
        };
        let pin = Pin {
            crates: vec![krate],
            tree: String::new(),
        };
        let entry = |name: &str, rest: &str| {
            format!("[[package]]\nname = \"{name}\"\n{rest}dependencies = []\n")
        };
        let source = "source = \"registry\"\nchecksum = \"00\"\n";
        let lock = |rest: &str| entry("demo", rest) + &entry("demo-other", source);
        assert_eq!(patched_lock(&lock(source), &pin), lock(""));
    }
}
