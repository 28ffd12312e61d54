//! `cargo xtask fork export`.

use crate::checkout::{State, import, state};
use crate::git::{Commit, Git, Tree, bare_command};
use crate::pin::Pin;
use crate::queue::Queue;
use crate::repo::{Repo, files_below, read};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Write the fork as ordinary patches for the Wasmtime repository
///
/// One `git format-patch` file per patch, with full context, and a last one that adds our filetests to
/// `cranelift/filetests/filetests`. They are for a person to read, and then to start from.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cargo xtask fork export --onto ../wasmtime\n\
    applies the patches there with `git am -3`, on the branch that is checked out."
)]
pub struct Export {
    /// Where to write the patches [default: `fork-export` in Cargo's target folder]
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// Also apply them to this checkout of Wasmtime
    #[arg(long, value_name = "CHECKOUT")]
    pub onto: Option<PathBuf>,
}

impl Export {
    /// Exports the saved queue.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        if let State::Unsaved(work) = state(repo, &repo.checkout())? {
            bail!(
                "the checkout holds work that is not in the queue; run `cargo xtask fork save` or `fork discard` first:\n  {}",
                work.join("\n  ")
            );
        }
        let to = std::path::absolute(
            self.to
                .clone()
                .unwrap_or_else(|| repo.target().join("fork-export")),
        )?;
        let patches = export(repo, &to)?;
        patches
            .iter()
            .for_each(|patch| println!("{}", patch.display()));
        println!("exported: {} patches in {}", patches.len(), to.display());
        if let Some(onto) = &self.onto {
            apply(&patches, onto)?;
            println!("applied: {} patches to {}", patches.len(), onto.display());
        }
        Ok(())
    }
}

/// Writes the patches to a folder, in place of an older export, and returns them in order.
pub fn export(repo: &Repo, to: &Path) -> Result<Vec<PathBuf>> {
    let ours = to.join(MARKER).exists()
        || fs::read_dir(to).map_or(true, |mut entries| entries.next().is_none());
    ensure!(
        ours,
        "{} holds files that no export wrote; delete it or choose another folder with `--to`",
        to.display()
    );
    let pin = Pin::read(repo)?;
    let queue = Queue::read(repo, &pin)?;
    for patch in &queue.patches {
        let manifest = patch.files.iter().find(|f| f.path.ends_with("Cargo.toml"));
        if let Some(file) = manifest {
            bail!(
                "{} changes `{}`: Cargo rewrote that file for crates.io, so the change has no place upstream; \
                 take it out of the commit in the checkout and run `cargo xtask fork save`",
                patch.file_name(),
                file.path
            );
        }
    }
    match fs::remove_dir_all(to) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            bail!("cannot remove {}: {e}", to.display())
        }
        _ => fs::create_dir_all(to)?,
    }
    fs::write(
        to.join(MARKER),
        "Written by `cargo xtask fork export`; the next export replaces this folder.\n",
    )?;
    let scratch = to.join(".repository");
    let git = import(repo, &pin, &queue, &scratch, filetests(repo, &queue)?)?;
    let out = to
        .to_str()
        .context("the folder's name is not UTF-8; choose another with `--to`")?;
    let listed = git.text(&[
        "format-patch",
        "--zero-commit",
        "--no-signature",
        "--full-index",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--diff-algorithm=myers",
        "--unified=3",
        "--output-directory",
        out,
        "pin..HEAD",
    ])?;
    fs::remove_dir_all(scratch)?;
    Ok(listed.lines().map(PathBuf::from).collect())
}

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
    let aborted = am(onto)
        .arg("--abort")
        .output()
        .is_ok_and(|o| o.status.success());
    let back = aborted && query.text(&["rev-parse", "HEAD"])? == head;
    bail!(
        "{} does not apply to {at}, which is {}:\n{}{}\ncheck out a commit nearer to the pinned version there, or run `git am -3` by hand",
        culprit.unwrap_or_else(|| "a patch".into()),
        if back {
            "as it was before"
        } else {
            "left in the middle; `git am --abort` there takes it back"
        },
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr).trim_end()
    )
}

/// Says that the folder is ours to replace.
const MARKER: &str = ".fork-export";

/// The commit that adds our tests of Cranelift, if there are any.
fn filetests(repo: &Repo, queue: &Queue) -> Result<Option<Commit>> {
    let mut files = Tree::new();
    for folder in ["parser", "verifier", "isa", "inline", "runtests"] {
        for file in files_below(&repo.path(&format!("filetests/filetests/{folder}")))? {
            if file.ends_with(".clif") {
                let path = format!("filetests/filetests/{folder}/{file}");
                files.insert(format!("cranelift/{path}"), read(&repo.path(&path))?);
            }
        }
    }
    let Some(last) = queue.patches.last().filter(|_| !files.is_empty()) else {
        return Ok(None);
    };
    Ok(Some(Commit {
        author: last.author.clone(),
        date: last.date.clone(),
        message: "filetests: add the tests of the preceding changes\n".into(),
        files,
    }))
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
