//! The patch queue in `cranelift/`: `patches/series`, the patches in it, and our new files.

use crate::git::{Git, Tree, blob_id};
use crate::patch::{FileDiff, Patch};
use crate::pin::Pin;
use crate::repo::{Repo, files_below, read, write};
use anyhow::{Context, Result, anyhow, ensure};

/// All that is laid on the pin.
#[derive(Debug, Default)]
pub struct Queue {
    /// In the order of the series.
    pub patches: Vec<Patch>,
    /// The text of every file named by `new file:` in a patch.
    pub new_files: Tree,
}

impl Queue {
    /// Reads the queue and judges all that can be judged without upstream's sources.
    pub fn read(repo: &Repo, pin: &Pin) -> Result<Queue> {
        let mut queue = Queue::default();
        let names = series(repo)?;
        for name in &names {
            let patch = Patch::parse(&read(&repo.path(&format!("{PATCHES}/{name}")))?)
                .map_err(|e| anyhow!("{PATCHES}/{name}, {e}; {RESTORE}"))?;
            for path in patch.files.iter().map(|f| &f.path).chain(&patch.new_files) {
                ensure!(
                    pin.contains(path),
                    "{PATCHES}/{name}: `{path}` is in no crate of cranelift/pin; {RESTORE}"
                );
            }
            for path in &patch.new_files {
                repo.check_plain(path)?;
                let bytes = read(&repo.path(path))
                    .with_context(|| format!("{PATCHES}/{name} adds `{path}`; {RESTORE}"))?;
                let twice = queue.new_files.insert(path.clone(), bytes).is_some();
                ensure!(
                    !twice,
                    "{PATCHES}/{name}: `{path}` is added by an earlier patch already; {RESTORE}"
                );
            }
            queue.patches.push(patch);
        }
        for file in files_below(&repo.path(PATCHES))? {
            ensure!(
                file == "series" || names.contains(&file),
                "{PATCHES}/{file} is not in {PATCHES}/series; delete it, or apply it in the checkout and run `cargo xtask fork save`"
            );
        }
        for folder in pin.crates.iter().map(|c| &c.folder) {
            for file in files_below(&repo.path(folder))? {
                ensure!(
                    queue.new_files.contains_key(&format!("{folder}/{file}")),
                    "{folder}/{file} belongs to no patch; \
                     move it to cranelift/checkout/{folder}/{file}, commit it there and run `cargo xtask fork save`"
                );
            }
        }
        Ok(queue)
    }

    /// What each patch changes, as whole files. Exact: the files before and after must have the ids in the patch.
    pub fn apply(&self, pin: &Tree) -> Result<Vec<Tree>> {
        let mut tree = pin.clone();
        let mut steps = Vec::new();
        for patch in &self.patches {
            let name = patch.file_name();
            for FileDiff { path, .. } in &patch.files {
                ensure!(
                    !self.new_files.contains_key(path),
                    "{PATCHES}/{name} changes `{path}`, {FOLD}"
                );
            }
            let mut step = apply_exactly(&patch.files, &tree)
                .map_err(|e| anyhow!("{PATCHES}/{name}: {e:#}; {RESTORE}"))?;
            for path in &patch.new_files {
                let folder = format!("{path}/");
                let clash = tree.keys().find(|k| {
                    *k == path || k.starts_with(&folder) || path.starts_with(&format!("{k}/"))
                });
                ensure!(
                    clash.is_none(),
                    "{PATCHES}/{name} adds `{path}`, which is in the way of upstream's files; {RESTORE}"
                );
                step.insert(
                    path.clone(),
                    self.new_files.get(path).cloned().unwrap_or_default(),
                );
            }
            tree.extend(step.clone());
            steps.push(step);
        }
        Ok(steps)
    }

    /// Writes every file whole or not at all, and returns the paths of those that were not so before.
    pub fn write(&self, repo: &Repo) -> Result<Vec<String>> {
        let mut written = Vec::new();
        for (path, bytes) in self.files() {
            repo.check_plain(&path)?;
            if write(&repo.path(&path), &bytes)? {
                written.push(path);
            }
        }
        Ok(written)
    }

    /// The files of the queue in the repository.
    pub fn files(&self) -> Tree {
        let mut files = self.new_files.clone();
        let names: String = self.patches.iter().map(|p| p.file_name() + "\n").collect();
        files.insert(SERIES.into(), names.into_bytes());
        files.extend(
            self.patches
                .iter()
                .map(|p| (format!("{PATCHES}/{}", p.file_name()), p.write())),
        );
        files
    }
}

/// The files that diffs change, after that. Git applies them to copies; all files must have the ids in the diffs, before and after.
pub fn apply_exactly(diffs: &[FileDiff], files: &Tree) -> Result<Tree> {
    let check = |path: &str, when, expected: &str, bytes: &[u8]| {
        let id = blob_id(bytes);
        ensure!(
            id == expected,
            "`{path}` {when} the change should have id {expected} and has {id}"
        );
        Ok(())
    };
    let folder = tempfile::tempdir()?;
    for FileDiff { path, old, .. } in diffs {
        let file = files.get(path);
        let file = file.with_context(|| format!("there is no `{path}` in the pin"))?;
        check(path, "before", old, file)?;
        write(&folder.path().join(path), file)?;
    }
    let text: Vec<&[u8]> = diffs.iter().map(|diff| &diff.text[..]).collect();
    if !text.is_empty() {
        let args = ["apply", "--unidiff-zero", "--whitespace=nowarn"];
        Git::at(folder.path()).feed(&args, &text.concat())?;
    }
    let mut changed = Tree::new();
    for FileDiff { path, new, .. } in diffs {
        let file = read(&folder.path().join(path))?;
        check(path, "after", new, &file)?;
        changed.insert(path.clone(), file);
    }
    Ok(changed)
}

/// A hash over everything that decides what the fork is: pin, series, patches and new files, as they are on disk.
pub fn inputs(repo: &Repo, pin: &Pin) -> Result<String> {
    let mut hash = sha1_smol::Sha1::new();
    hash.update(FORMAT.as_bytes());
    let mut paths = vec![
        "cranelift/pin/Cargo.toml".to_string(),
        "cranelift/pin/Cargo.lock".into(),
    ];
    for folder in [PATCHES]
        .into_iter()
        .chain(pin.crates.iter().map(|c| c.folder.as_str()))
    {
        paths.extend(
            files_below(&repo.path(folder))?
                .iter()
                .map(|file| format!("{folder}/{file}")),
        );
    }
    for path in paths {
        hash.update(format!("{path} {}\n", blob_id(&read(&repo.path(&path))?)).as_bytes());
    }
    Ok(hash.digest().to_string())
}

/// The file names in `cranelift/patches/series`. No such file: none.
pub fn series(repo: &Repo) -> Result<Vec<String>> {
    if !repo.path(SERIES).exists() {
        return Ok(Vec::new());
    }
    let text = String::from_utf8(read(&repo.path(SERIES))?)
        .with_context(|| format!("{SERIES} is not UTF-8; {RESTORE}"))?;
    let mut names = Vec::new();
    for (i, name) in text.lines().enumerate() {
        let slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let plain = name
            .strip_suffix(".patch")
            .is_some_and(|stem| !stem.is_empty() && stem.chars().all(slug));
        ensure!(
            plain,
            "{SERIES}, line {}: `{}` is not the name of a patch; {RESTORE}",
            i + 1,
            name.escape_debug()
        );
        ensure!(
            !names.contains(&name.to_string()),
            "{SERIES}, line {}: `{name}` occurs twice; {RESTORE}",
            i + 1
        );
        ensure!(
            repo.path(&format!("{PATCHES}/{name}")).is_file(),
            "{SERIES}, line {}: there is no {PATCHES}/{name}; {RESTORE}",
            i + 1
        );
        repo.check_plain(&format!("{PATCHES}/{name}"))?;
        names.push(name.into());
    }
    Ok(names)
}

/// The folder of the patches.
pub const PATCHES: &str = "cranelift/patches";
/// The order of the patches.
pub const SERIES: &str = "cranelift/patches/series";
/// What to do when the commits of the checkout are not one per file.
pub const FOLD: &str = "a file that an earlier patch of ours adds; in the checkout, fold the change into the commit that adds it: \
    `git commit --fixup` and `git rebase -i --autosquash pin`, then `cargo xtask fork save`";

/// Change this when `fork make` makes something else of the same inputs.
const FORMAT: &str = "1";
const RESTORE: &str = "patches are not edited by hand: restore with `git checkout -- cranelift`, then change the checkout and \
    `cargo xtask fork save`; if it is the pin that has moved, cranelift/README.md says how to move the patches";
