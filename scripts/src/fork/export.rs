//! `cargo xtask fork export`.

mod filetests;
mod onto;

pub use onto::apply;

use crate::checkout::{State, commits, state};
use crate::git::{Git, bare_command};
use crate::pin::Pin;
use crate::queue::Queue;
use crate::repo::{Repo, remove};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};

/// Write the fork as ordinary patches for the Wasmtime repository
///
/// One `git format-patch` file per patch of the queue, with full context, the filetests that its `Test:` lines name, and your
/// sign-off; the specification goes to `cranelift/docs`. The last patches add the other filetests, a folder each. They are for a
/// person to read, and then to start from; the first two are complete without the others. The folder is the command's own: the next
/// export replaces all that is in it.
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
        let export = export(repo, &to, &person(&repo.path(""))?)?;
        for patch in &export.patches {
            println!("{}", patch.display());
        }
        println!(
            "exported: {} patches in {}, with {} filetests",
            export.patches.len(),
            to.display(),
            export.filetests
        );
        for (path, why) in &export.left_out {
            println!("left out: {path}: {why}");
        }
        println!("{NOT_EXPORTED}");
        if let Some(onto) = &self.onto {
            apply(&export.patches, onto)?;
            println!(
                "applied: {} patches to {}",
                export.patches.len(),
                onto.display()
            );
        }
        Ok(())
    }
}

/// What has been written.
pub struct Exported {
    /// In order.
    pub patches: Vec<PathBuf>,
    /// How many filetests are in them.
    pub filetests: usize,
    /// Filetests that are not, and why.
    pub left_out: Vec<(String, &'static str)>,
}

/// Writes the patches to a folder, in place of an older export. The author, `Name <address>`, signs them off.
pub fn export(repo: &Repo, to: &Path, author: &str) -> Result<Exported> {
    let ours = to.join(MARKER).exists()
        || fs::read_dir(to).map_or(true, |mut entries| entries.next().is_none());
    ensure!(
        ours,
        "{} holds files that no export wrote; delete it or choose another folder with `--to`",
        to.display()
    );
    let out = to.to_str().filter(|name| !name.contains('\n')).context(
        "the folder's name is not UTF-8, or has a line feed; choose another with `--to`",
    )?;
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
    let mut commits = commits(&pin, pin.sources(repo)?, &queue)?;
    let (filetests, left_out) = filetests::add(repo, &queue, &mut commits)?;
    for commit in &mut commits[1..] {
        commit.author = author.into();
        commit.message += &format!("\nSigned-off-by: {author}\n");
    }
    remove(to)?;
    fs::create_dir_all(to)?;
    fs::write(
        to.join(MARKER),
        "Written by `cargo xtask fork export`; the next export replaces this folder.\n",
    )?;
    let scratch = to.join(".repository");
    let git = Git::init(&scratch)?;
    git.import(&commits)?;
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
    Ok(Exported {
        patches: listed.lines().map(PathBuf::from).collect(),
        filetests,
        left_out,
    })
}

/// Who exports: the author of upstream's commits is a person.
fn person(dir: &Path) -> Result<String> {
    let output = bare_command(dir)
        .args(["-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT"])
        .output()
        .context("cannot run git")?;
    let ident = String::from_utf8(output.stdout).context("your name in git is not UTF-8")?;
    match ident.rsplit_once('>') {
        Some((name, _)) if output.status.success() && !name.ends_with('<') => {
            Ok(format!("{name}>"))
        }
        _ => bail!(
            "git does not know you, and the patches need an author who signs them off; tell it with\n  \
             git config --global user.name NAME\n  git config --global user.email ADDRESS"
        ),
    }
}

/// Says that the folder is ours to replace.
const MARKER: &str = ".fork-export";

/// What a checkout of Wasmtime has and no published crate.
const NOT_EXPORTED: &str = "\
to be written there by hand, as no published crate has these files:
  cranelift/docs/ir.md: the convention in the table of calling conventions
  crates/fuzzing and cranelift/fuzzgen: `SystemVMultiOut` among the conventions that are generated";
