//! Every file that a patch changes or adds is as rustfmt writes it, after that patch, as upstream's continuous integration demands.

use crate::checkout::{import, patch_commits};
use crate::git::Git;
use crate::pin::Pin;
use crate::queue::Queue;
use crate::repo::{Repo, remove};
use anyhow::{Context, Result, ensure};
use std::io::Write;
use std::process::{Command, Stdio};

/// Lays the queue on the pin, and looks at each commit.
pub(super) fn check_format(repo: &Repo) -> Result<()> {
    let (pin, fork) = (Pin::read(repo)?, repo.target().join("upstream/format"));
    remove(&fork)?;
    format(&import(repo, &pin, &Queue::read(repo, &pin)?, &fork)?)
}

fn format(git: &Git) -> Result<()> {
    let mut count = 0;
    for commit in patch_commits(git)? {
        let files = git.text(&["diff", "--name-only", &format!("{commit}~"), &commit])?;
        for file in files.lines().filter(|file| file.ends_with(".rs")) {
            // From standard input, so that rustfmt looks for no modules.
            let mut rustfmt = Command::new("rustfmt")
                .args(["--check", "--edition", "2024", "--color=never"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .context("cannot run rustfmt")?;
            let text = git.bytes(&["show", &format!("{commit}:{file}")])?;
            if let Some(mut stdin) = rustfmt.stdin.take() {
                stdin.write_all(&text)?;
            }
            let output = rustfmt.wait_with_output()?;
            ensure!(
                output.status.success(),
                "{file} is not formatted after `{}`; run rustfmt on it in that commit of the checkout:\n{}",
                git.subject(&commit)?,
                String::from_utf8_lossy(&output.stdout)
            );
            count += 1;
        }
    }
    println!("{count} files");
    Ok(())
}
