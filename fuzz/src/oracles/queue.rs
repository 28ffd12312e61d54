//! `queue`: hostile patches and series, which the patch tool must refuse cleanly.
//!
//! A patch that is read is written again as it was; a queue that is read names no path outside of the
//! pinned crates, and applies or is refused. One that applies is written back, and by git into a
//! checkout; nothing else changes, in the repository or around it, be it through `..` or through a link.

use crate::{Oracle, Verdict};
use arbitrary::{Arbitrary, Unstructured};
use filetests::temporary::TemporaryFolder;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use xtask::checkout::lay;
use xtask::git::{Tree, blob_id};
use xtask::patch::{FileDiff, Patch, check_path};
use xtask::pin::{Pin, PinnedCrate};
use xtask::queue::{PATCHES, Queue, SERIES};
use xtask::repo::{Repo, files_below};

/// See the module.
pub struct PatchQueue;

/// A repository with a queue in it. As bytes, its parts have a zero byte between them, so that a patch
/// file alone is a case.
pub struct Case {
    /// The only patch.
    patch: Vec<u8>,
    /// What upstream has in every file.
    upstream: Vec<u8>,
    /// If empty, the name that the patch's subject gives.
    series: Vec<u8>,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(input: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Vec::arbitrary(input).map(|bytes: Vec<u8>| Case::from_bytes(&bytes))
    }

    fn arbitrary_take_rest(input: Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Case::from_bytes(input.take_rest()))
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "series:\n{}", self.series().escape_ascii())?;
        writeln!(f, "patch:\n{}", String::from_utf8_lossy(&self.patch))?;
        writeln!(f, "upstream:\n{}", self.upstream.escape_ascii())
    }
}

impl Case {
    fn from_bytes(bytes: &[u8]) -> Self {
        let mut parts = bytes.splitn(3, |byte| *byte == 0).map(<[u8]>::to_vec);
        Case {
            patch: parts.next().unwrap_or_default(),
            upstream: parts.next().unwrap_or_default(),
            series: parts.next().unwrap_or_default(),
        }
    }

    fn series(&self) -> Vec<u8> {
        match Patch::parse(&self.patch) {
            _ if !self.series.is_empty() => self.series.clone(),
            Ok(patch) => (patch.file_name() + "\n").into_bytes(),
            Err(_) => b"some.patch\n".to_vec(),
        }
    }
}

impl Oracle for PatchQueue {
    const NAME: &'static str = "queue";
    type Case = Case;

    fn check(case: &Case) -> Verdict {
        let _ = FileDiff::parse_git(&case.patch);
        if let Ok(patch) = Patch::parse(&case.patch) {
            check_patch(&patch, &case.upstream);
        }
        let folder = TemporaryFolder::new().expect("a temporary folder");
        let base = folder.path();
        for file in [CANARY.into(), format!("{OUTSIDE}/{CANARY}")] {
            write(&base.join(file), b"to stay as it is");
        }
        let repo = Repo::at(&base.join(REPOSITORY));
        put(case, &repo, &base.join(OUTSIDE));
        let before = all_but_patches_and_checkout(base);
        check_queue(case, &repo);
        assert_eq!(all_but_patches_and_checkout(base), before);
        Verdict::Passed
    }
}

fn check_patch(patch: &Patch, upstream: &[u8]) {
    let again = Patch::parse(&patch.write());
    assert_eq!(again.as_ref(), Ok(patch), "written and read again");
    let _ = patch.check_message();
    for diff in &patch.files {
        assert_eq!(check_path(&diff.path), Ok(()));
        let Ok(new) = diff.apply(upstream) else {
            continue;
        };
        let removed: usize = diff.hunks.iter().map(|hunk| hunk.removed.len()).sum();
        let added: usize = diff.hunks.iter().map(|hunk| hunk.added.len()).sum();
        let lines = |bytes: &[u8]| bytes.split_inclusive(|byte| *byte == b'\n').count();
        // A line without its feed that something follows joins the next one.
        let want = lines(upstream) - removed + added;
        let joined = diff.hunks.len();
        assert!(lines(&new) <= want && lines(&new) + joined >= want);
    }
}

/// What is around the repository.
const CANARY: &str = "canary";
const OUTSIDE: &str = "outside";
/// The repository, and in it what is made.
const REPOSITORY: &str = "repository";
const CHECKOUT: &str = "checkout";
/// What is a link in the repository, if a patch names it: to the folder outside if the patch has a file in it,
/// or to a file there.
const LINK: &str = "cranelift/codegen/src/link";

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a new folder");
    fs::write(path, bytes).expect("a new file");
}

/// All files but those that the tool may change, with their contents or where they lead. New files of
/// the queue are among them, as it writes them as it has read them.
fn all_but_patches_and_checkout(base: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let written = [PATCHES, CHECKOUT].map(|folder| base.join(REPOSITORY).join(folder));
    let mut files = BTreeMap::new();
    let mut folders = vec![base.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let (path, kind) = (entry.path(), entry.file_type().expect("its type"));
            if written.contains(&path) {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_symlink() {
                let to = fs::read_link(&path).expect("a link");
                files.insert(path, to.into_os_string().into_encoded_bytes());
            } else {
                let bytes = fs::read(&path).expect("a file");
                files.insert(path, bytes);
            }
        }
    }
    files
}

/// Puts the queue on the disk, as far as that is possible within the repository.
fn put(case: &Case, repo: &Repo, outside: &Path) {
    let series = case.series();
    write(&repo.path(SERIES), &series);
    let first = String::from_utf8_lossy(&series);
    let name = first.lines().next().unwrap_or_default();
    let is_name = |name: &str| check_path(name).is_ok() && name.len() < 200;
    if is_name(name) && !name.contains('/') && name != "series" {
        write(&repo.path(&format!("{PATCHES}/{name}")), &case.patch);
    }
    let patch = Patch::parse(&case.patch).ok();
    for path in patch.iter().flat_map(|patch| &patch.new_files) {
        let file = repo.path(path);
        let parent = file.parent().expect("a folder");
        if Path::new(path).starts_with(LINK) {
            let link = repo.path(LINK);
            fs::create_dir_all(link.parent().expect("a folder")).expect("a new folder");
            let is_file = path == LINK;
            let to = if is_file {
                outside.join(CANARY)
            } else {
                outside.into()
            };
            // It may be there already.
            let _ = std::os::unix::fs::symlink(to, link);
        } else if is_name(path) && fs::create_dir_all(parent).is_ok() && !file.is_dir() {
            // Another new file may be in the way.
            let _ = fs::write(file, &case.upstream);
        }
    }
}

/// Reads and applies the queue as it is on disk, and writes what comes of it.
fn check_queue(case: &Case, repo: &Repo) {
    let krate = PinnedCrate {
        name: "cranelift-codegen".into(),
        folder: "cranelift/codegen".into(),
        version: "0.0.0".into(),
        checksum: String::new(),
    };
    let pin = Pin {
        crates: vec![krate],
        tree: String::new(),
    };
    let Ok(mut queue) = Queue::read(repo, &pin) else {
        return;
    };
    for path in queue.files().keys() {
        assert_eq!(check_path(path), Ok(()));
        assert!(!Path::new(path).starts_with(LINK), "{path} is outside");
    }
    let mut tree = Tree::new();
    for diff in queue.patches.iter_mut().flat_map(|patch| &mut patch.files) {
        // Bytes of a fuzzer seldom have the hash that they tell.
        diff.old = blob_id(&case.upstream);
        if let Ok(new) = diff.apply(&case.upstream) {
            diff.new = blob_id(&new);
        }
        tree.insert(diff.path.clone(), case.upstream.clone());
    }
    let Ok(steps) = queue.apply(&tree) else {
        return;
    };
    for path in steps.iter().flat_map(|step| step.keys()) {
        assert!(pin.contains(path), "{path} is in no pinned crate");
    }
    check_writing(repo, &pin, &queue, tree, steps);
}

/// Writes the queue back, and for some queues, as it takes five programs, the checkout.
fn check_writing(repo: &Repo, pin: &Pin, queue: &Queue, mut tree: Tree, steps: Vec<Tree>) {
    if queue
        .patches
        .iter()
        .any(|patch| patch.check_message().is_err())
    {
        // `cargo xtask fork save` writes no such patch, whose subject may be no file name.
        return;
    }
    queue.write(repo).expect("a queue that was read");
    let files = queue.files();
    for file in files_below(&repo.path(PATCHES)).expect("the patches") {
        // The patch was in a file of another name.
        if !files.contains_key(&format!("{PATCHES}/{file}")) {
            fs::remove_file(repo.path(PATCHES).join(file)).expect("a file");
        }
    }
    let again = Queue::read(repo, pin).expect("a queue that was written");
    assert_eq!(again.files(), queue.files());

    let id = blob_id(&queue.files().into_values().collect::<Vec<_>>().concat());
    if !id.starts_with('0') {
        return;
    }
    tree.insert("cranelift/codegen/Cargo.toml".into(), b"[package]\n".into());
    let checkout = repo.path(CHECKOUT);
    match lay(pin, tree.clone(), queue, &checkout) {
        Ok(_) => {
            tree.extend(steps.into_iter().flatten());
            let files = files_below(&checkout).expect("the checkout");
            assert_eq!(files, tree.keys().cloned().collect::<Vec<_>>());
            for (path, bytes) in tree {
                assert_eq!(fs::read(checkout.join(path)).ok(), Some(bytes));
            }
        }
        Err(error) => {
            let text = format!("{error:#}");
            assert!(!text.contains("bug of xtask"), "{text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use filetests::signatures::{Choices, Seed};
    use std::time::{Duration, Instant};

    const UPSTREAM: &[u8] = b"one\ntwo\nthree\n";

    const PATCH: &str = "\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: A Person <person@example.org>
Date: Fri, 20 Nov 2026 09:32:21 +0000
Subject: abi: count otherwise

Upstream-Status: Pending [not sent]
Drop-When: upstream has it
Test: a.clif
---
diff --git a/cranelift/codegen/src/lib.rs b/cranelift/codegen/src/lib.rs
index 1111111111111111111111111111111111111111..2222222222222222222222222222222222222222 100644
--- a/cranelift/codegen/src/lib.rs
+++ b/cranelift/codegen/src/lib.rs
@@ -2 +2,2 @@
-two
+zwei
+drei
";

    fn case() -> Vec<u8> {
        [PATCH.as_bytes(), UPSTREAM].join(&0)
    }

    #[test]
    fn the_patch_of_these_tests_applies() {
        let patch = Patch::parse(PATCH.as_bytes()).expect("a patch");
        let new = patch.files[0].apply(UPSTREAM);
        assert_eq!(new, Ok(b"one\nzwei\ndrei\nthree\n".to_vec()));
        PatchQueue::check(&Case::from_bytes(&case()));
    }

    #[test]
    fn what_happens_elsewhere_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(OUTSIDE).join(CANARY);
        write(&file, b"one");
        write(&folder.path().join(REPOSITORY).join(SERIES), b"");
        let before = all_but_patches_and_checkout(folder.path());
        write(&folder.path().join(REPOSITORY).join(SERIES), b"other");
        assert_eq!(all_but_patches_and_checkout(folder.path()), before);
        write(&file, b"two");
        assert_ne!(all_but_patches_and_checkout(folder.path()), before);
        write(&file, b"one");
        for new in ["new", "cranelift/pin/new", "cranelift/codegen/src/new.rs"] {
            let new = folder.path().join(REPOSITORY).join(new);
            write(&new, b"");
            assert_ne!(all_but_patches_and_checkout(folder.path()), before);
            fs::remove_file(new).expect("the new file");
        }
        assert_eq!(all_but_patches_and_checkout(folder.path()), before);
    }

    /// A patch that adds a file.
    fn adding(path: &str) -> Case {
        let patch = PATCH.replacen("---\n", &format!("---\nnew file: {path}\n"), 1);
        Case::from_bytes(&[patch.as_bytes(), UPSTREAM].join(&0))
    }

    /// It is refused, and lies in the repository before that.
    #[test]
    fn a_new_file_of_no_crate_is_no_finding() {
        PatchQueue::check(&adding("cranelaft/codegen/src/new.rs"));
    }

    fn put_and_check(case: &Case, base: &Path) {
        let repo = Repo::at(&base.join(REPOSITORY));
        put(case, &repo, &base.join(OUTSIDE));
        check_queue(case, &repo);
    }

    #[test]
    fn a_link_leads_nowhere() {
        for path in [format!("{LINK}/{CANARY}"), LINK.into()] {
            PatchQueue::check(&adding(&path));
            let folder = tempfile::tempdir().expect("a folder");
            write(&folder.path().join(OUTSIDE).join(CANARY), b"one");
            put_and_check(&adding(&path), folder.path());
            let file = folder.path().join(REPOSITORY).join(&path);
            assert_eq!(fs::read(file).expect("the link's target"), b"one");
        }
    }

    #[test]
    fn some_queues_become_a_checkout() {
        let is_made = |number: &usize| {
            let folder = tempfile::tempdir().expect("a folder");
            let path = format!("cranelift/codegen/src/new{number}.rs");
            put_and_check(&adding(&path), folder.path());
            let checkout = folder.path().join(REPOSITORY).join(CHECKOUT);
            checkout.join(path).exists()
        };
        let made = (0..64).filter(is_made).count();
        assert!((1..16).contains(&made), "{made} of 64");
    }

    /// A patch with a few bytes changed.
    #[test]
    fn smoke() {
        let start = Instant::now();
        for number in 0.. {
            let mut seed = Seed::new(0, number);
            let mut bytes = case();
            for _ in 0..seed.below(4) {
                let (place, byte) = (seed.below(bytes.len()), seed.below(256));
                bytes[place] = byte as u8;
            }
            PatchQueue::check(&Case::from_bytes(&bytes));
            if start.elapsed() > Duration::from_secs(1) {
                break;
            }
        }
    }
}
