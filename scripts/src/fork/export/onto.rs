//! Applying an export to a checkout of Wasmtime.

use crate::git::{Git, bare_command};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Applies the patches with `git am -3`; the checkout is as before if one does not apply.
pub fn apply(patches: &[PathBuf], onto: &Path) -> Result<()> {
    let at = onto.display();
    let query = Git::at(onto);
    ensure!(
        query.succeeds(&["rev-parse", "--verify", "HEAD"]),
        "{at} is not a git checkout; name one of Wasmtime"
    );
    let changes = query.text(&["status", "--porcelain", "--untracked-files=no"])?;
    ensure!(
        changes.is_empty(),
        "{at} has changes; commit or stash them first:\n{changes}"
    );
    let state = onto.join(query.text(&["rev-parse", "--git-path", "rebase-apply"])?);
    ensure!(
        !state.exists(),
        "{at} is in the middle of a rebase or `git am`; finish it first"
    );
    let head = query.text(&["rev-parse", "HEAD"])?;
    let output = am(onto)
        .args(["--3way", "--no-gpg-sign", "--quiet"])
        .args(patches)
        .output()
        .context("cannot run git")?;
    if output.status.success() {
        return Ok(());
    }
    let next = fs::read_to_string(state.join("next"))
        .ok()
        .and_then(|n| n.trim().parse::<usize>().ok());
    let culprit = next
        .and_then(|n| patches.get(n.checked_sub(1)?))
        .map(|p| p.display().to_string());
    let stderr = String::from_utf8_lossy(&output.stderr);
    let conflict = !query.text(&["ls-files", "--unmerged"])?.is_empty();
    let aborted = am(onto)
        .arg("--abort")
        .output()
        .is_ok_and(|o| o.status.success());
    let back = aborted && query.text(&["rev-parse", "HEAD"])? == head;
    bail!(
        "{} does not apply to {at}, which is {}:\n{}{}\n{}",
        culprit.unwrap_or_else(|| "a patch".into()),
        if back {
            "as it was before"
        } else {
            "left in the middle; `git am --abort` there takes it back"
        },
        String::from_utf8_lossy(&output.stdout),
        stderr.trim_end(),
        match conflict {
            true =>
                "check out a commit nearer to the pinned version there, or run `git am -3` by hand",
            false if stderr.contains("lacks") =>
                "a shallow or partial clone lacks objects: `git fetch --unshallow` or `git fetch --refetch --no-filter`",
            false => "git did not merge; its words and its hooks say why",
        }
    )
}

/// `git am` as the person who will publish the commits has configured it, but never without an identity.
fn am(onto: &Path) -> Command {
    let mut command = bare_command(onto);
    let known = bare_command(onto)
        .args(["var", "GIT_COMMITTER_IDENT"])
        .output()
        .is_ok_and(|o| o.status.success());
    if !known {
        command
            .env("GIT_COMMITTER_NAME", "xtask")
            .env("GIT_COMMITTER_EMAIL", "xtask@localhost");
    }
    command.arg("am");
    command
}
