//! `cargo xtask fork save`.

use crate::checkout::{Stamp, in_progress, lock, seal};
use crate::git::{Git, Tree};
use crate::patch::{FileDiff, Patch, check_path};
use crate::pin::Pin;
use crate::queue::{FOLD, PATCHES, Queue, SERIES, apply_exactly, inputs};
use crate::repo::{Repo, files_below};
use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::slice;

/// Write the commits of `cranelift/checkout` back to the patches and our new files
///
/// Every commit after the tag `pin` becomes one patch. Its message needs a subject `area: what it does` and, as last
/// paragraph, the trailers `Upstream-Status:`, `Drop-When:` and `Test:`.
#[derive(Args, Default)]
#[command(
    after_help = "Example:\n  cd cranelift/checkout\n  $EDITOR cranelift/codegen/src/isa/call_conv.rs\n  \
    git commit --all --fixup COMMIT && git rebase -i --autosquash pin\n  cd ../.. && cargo xtask fork save"
)]
pub struct Save {
    /// Write over a queue that has changed since the checkout was made, or that would become empty
    #[arg(long)]
    pub force: bool,
}

impl Save {
    /// Saves the checkout.
    pub fn run(&self, repo: &Repo) -> Result<()> {
        save(repo, &repo.checkout(), self.force)?
            .iter()
            .for_each(|line| println!("{line}"));
        Ok(())
    }
}

/// Writes the queue that the commits in `dir` are, and says what changed.
pub fn save(repo: &Repo, dir: &Path, force: bool) -> Result<Vec<String>> {
    let _lock = lock(dir)?;
    let stamp = Stamp::read(dir)
        .context("there is no fork to save; make it with `cargo xtask fork make`")?;
    let pin = Pin::read(repo)?;
    ensure!(
        force || stamp.inputs == inputs(repo, &pin)?,
        "the queue in the repository has changed since the checkout was made, and saving would undo that; \
         put the repository's `cranelift` back to what it was, save and commit, then merge with git, \
         or overwrite it with `cargo xtask fork save --force`"
    );
    let queue = read_queue(dir, &pin)?;
    let owned = owned_files(repo, &pin, force)?;
    ensure!(
        force || !queue.patches.is_empty() || owned.iter().all(|f| f == SERIES),
        "the checkout has no commit after `pin`, and saving would delete every patch; \
         if that is meant, `cargo xtask fork save --force`, else `cargo xtask fork discard`"
    );
    let report = write_queue(repo, &queue, &owned)?;
    Queue::read(repo, &pin).context(
        "the queue just written cannot be read; this is a bug of xtask, please report it",
    )?;
    seal(dir, &pin, &queue, inputs(repo, &pin)?)?;
    Ok(report)
}

/// The queue that the commits after `pin` are.
pub fn read_queue(dir: &Path, pin: &Pin) -> Result<Queue> {
    let git = &Git::at(dir);
    if let Some(operation) = in_progress(dir) {
        bail!("{operation}, in {}", dir.display());
    }
    let dirty = git.text(&["status", "--short", "--untracked-files=all"])?;
    ensure!(
        dirty.is_empty(),
        "the checkout has changes that are not committed; commit or remove them:\n{dirty}"
    );
    let base = git.text(&["rev-parse", "--verify", "--quiet", "refs/tags/pin^{commit}"]);
    let base =
        base.context("the checkout has no tag `pin`; set it with `git tag -f pin FIRST-COMMIT`")?;
    let tree = git.text(&["rev-parse", "pin^{tree}"])?;
    ensure!(
        tree == pin.tree,
        "the tag `pin` in the checkout has tree {tree}, but cranelift/pin says {}; set the tag back with \
         `git tag -f pin FIRST-COMMIT`, and never amend that commit",
        pin.tree
    );
    let mut queue = Queue::default();
    let mut owners = BTreeMap::new();
    let mut parent = base;
    for line in git
        .text(&[
            "rev-list",
            "--reverse",
            "--topo-order",
            "--parents",
            "pin..HEAD",
        ])?
        .lines()
    {
        let [commit, parents @ ..] = &line.split(' ').collect::<Vec<_>>()[..] else {
            continue;
        };
        ensure!(
            parents == [parent.as_str()],
            "the commits after `pin` are not one line; make them so with `git rebase -i pin`"
        );
        let (patch, files) = read_commit(git, pin, commit, &owners)?;
        let name = patch.file_name();
        ensure!(
            !queue.patches.iter().any(|p| p.file_name() == name),
            "two commits give the file name {name}; give one another subject with `git rebase -i pin`"
        );
        owners.extend(
            patch
                .new_files
                .iter()
                .map(|path| (path.clone(), patch.subject.clone())),
        );
        queue.new_files.extend(files);
        queue.patches.push(patch);
        parent = commit.to_string();
    }
    ensure!(
        parent == git.text(&["rev-parse", "HEAD"])?,
        "HEAD of the checkout does not come after `pin`; `git log --oneline --graph HEAD pin` shows how they relate"
    );
    Ok(queue)
}

/// One commit as a patch, and the text of the files that it adds.
fn read_commit(
    git: &Git,
    pin: &Pin,
    commit: &str,
    owners: &BTreeMap<String, String>,
) -> Result<(Patch, Tree)> {
    let shown = git.text(&[
        "show",
        "--no-patch",
        "--encoding=UTF-8",
        "--format=%an <%ae>%n%aD%n%B",
        commit,
    ])?;
    let mut head = shown.splitn(3, '\n').map(String::from);
    let (author, date, message) = (head.next(), head.next(), head.next().unwrap_or_default());
    let (subject, body) = message.split_once('\n').unwrap_or((&message, ""));
    let name = format!("commit {} ({subject})", commit.get(..10).unwrap_or(commit));
    let reword = "change its message with `git rebase -i pin` and `reword`";
    ensure!(
        !["fixup! ", "squash! ", "amend! "]
            .iter()
            .any(|p| subject.starts_with(p)),
        "{name} is not folded in yet; run `git rebase -i --autosquash pin`"
    );
    ensure!(
        body.is_empty() || body.starts_with('\n'),
        "{name} has no empty line after its subject; {reword}"
    );
    ensure!(
        !body.lines().any(|l| l == "---"),
        "{name} has a line `---` in its message; {reword}"
    );
    let body = body
        .lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
        .trim_matches('\n')
        .to_string();
    let mut patch = Patch {
        author: author.unwrap_or_default(),
        date: date.unwrap_or_default(),
        subject: subject.trim_end().into(),
        body,
        new_files: Vec::new(),
        files: Vec::new(),
    };
    patch
        .check_message()
        .map_err(|e| anyhow!("{name} {e}; {reword}"))?;
    let mut new_files = Tree::new();
    let raw = git.text(&[
        "diff-tree",
        "-r",
        "--raw",
        "-z",
        "--no-renames",
        "--no-abbrev",
        "--no-commit-id",
        commit,
    ])?;
    let mut fields = raw.split_terminator('\0');
    while let (Some(entry), Some(path)) = (fields.next(), fields.next()) {
        check_path(path).map_err(|e| anyhow!("{name}: {e}; rename the file"))?;
        ensure!(
            pin.contains(path),
            "{name}: `{path}` is in no crate of cranelift/pin; move it into one"
        );
        match entry.trim_start_matches(':').split(' ').collect::<Vec<_>>()[..] {
            ["000000", "100644", _, new, "A"] => {
                patch.new_files.push(path.into());
                new_files.insert(path.into(), text_file(git, &name, path, new)?);
            }
            ["100644", "100644", old, new, "M"] => {
                if let Some(owner) = owners.get(path) {
                    bail!("{name} changes `{path}`, {FOLD} (it is `{owner}`)");
                }
                patch
                    .files
                    .push(read_diff(git, &name, commit, path, old, new)?);
            }
            [_, _, _, _, "D"] if owners.contains_key(path) => {
                bail!("{name} deletes `{path}`, {FOLD}")
            }
            [_, _, _, _, "D"] => {
                bail!(
                    "{name} deletes upstream's `{path}`, whose text the queue must not hold; leave it and stop using it"
                )
            }
            _ => bail!(
                "{name}: `{path}` is not a plain file of mode 100644 before and after; set it with `chmod 644`"
            ),
        }
    }
    ensure!(
        !patch.new_files.is_empty() || !patch.files.is_empty(),
        "{name} changes nothing; drop it with `git rebase -i pin`"
    );
    // What the reader would refuse must not be written.
    let again = Patch::parse(&patch.write())
        .map_err(|e| anyhow!("{name} cannot be written as a patch: {e}; {reword}"))?;
    ensure!(
        again == patch,
        "{name} would be read back differently; {reword}"
    );
    Ok((patch, new_files))
}

fn read_diff(
    git: &Git,
    name: &str,
    commit: &str,
    path: &str,
    old: &str,
    new: &str,
) -> Result<FileDiff> {
    let before = text_file(git, name, path, old)?;
    text_file(git, name, path, new)?;
    let parent = format!("{commit}^");
    let text = git.bytes(&[
        "diff",
        "--unified=0",
        "--inter-hunk-context=0",
        "--full-index",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        "--text",
        "--diff-algorithm=myers",
        "--indent-heuristic",
        "--src-prefix=a/",
        "--dst-prefix=b/",
        &parent,
        commit,
        "--",
        path,
    ])?;
    let bug = "this is a bug of xtask, please report it";
    let mut diffs = FileDiff::parse_git(&text)
        .map_err(|e| anyhow!("{name}: git's diff of `{path}`, {e}; {bug}"))?;
    let diff = diffs
        .pop()
        .with_context(|| format!("{name}: git shows no change of `{path}`; {bug}"))?;
    ensure!(
        diff.path == path && diff.old == old && diff.new == new && diffs.is_empty(),
        "{name}: git's diff of `{path}` is of something else; {bug}"
    );
    apply_exactly(slice::from_ref(&diff), &Tree::from([(path.into(), before)]))
        .map_err(|e| anyhow!("{name}: git's diff of {e:#}; {bug}"))?;
    Ok(diff)
}

fn text_file(git: &Git, name: &str, path: &str, id: &str) -> Result<Vec<u8>> {
    let bytes = git.bytes(&["cat-file", "blob", id])?;
    ensure!(
        !bytes.contains(&0),
        "{name}: `{path}` is binary, which the queue cannot hold; generate it in a build script"
    );
    Ok(bytes)
}

/// The files in the repository that belong to the queue as it is.
fn owned_files(repo: &Repo, pin: &Pin, force: bool) -> Result<BTreeSet<String>> {
    match Queue::read(repo, pin) {
        Ok(queue) => Ok(queue
            .files()
            .into_keys()
            .filter(|f| repo.path(f).exists())
            .collect()),
        // A queue that cannot be read is replaced by the checkout's, with all that lies in its folders.
        Err(_) if force => {
            let mut files = BTreeSet::new();
            for folder in [PATCHES]
                .into_iter()
                .chain(pin.crates.iter().map(|c| c.folder.as_str()))
            {
                files.extend(
                    files_below(&repo.path(folder))?
                        .iter()
                        .map(|f| format!("{folder}/{f}")),
                );
            }
            Ok(files)
        }
        Err(error) => {
            Err(error.context("the queue in the repository cannot be read; `--force` replaces it"))
        }
    }
}

/// Writes every file whole or not at all, then deletes those that are not part of the queue any more.
fn write_queue(repo: &Repo, queue: &Queue, owned: &BTreeSet<String>) -> Result<Vec<String>> {
    let written = queue.write(repo)?.into_iter();
    let mut report: Vec<_> = written.map(|path| format!("wrote   {path}")).collect();
    let files = queue.files();
    for path in owned.iter().filter(|path| !files.contains_key(*path)) {
        fs::remove_file(repo.path(path)).with_context(|| format!("cannot remove {path}"))?;
        report.push(format!("removed {path}"));
    }
    report.push(crate::fork::status::size(queue));
    Ok(report)
}
