//! `queue`: hostile patches and series, which the patch tool must refuse cleanly.
//!
//! A patch that is read is written again as it was; a queue that is read names no path outside of the
//! pinned crates, and applies or is refused.

use crate::{Oracle, Verdict};
use arbitrary::{Arbitrary, Unstructured};
use std::fmt;
use std::fs;
use std::path::Path;
use xtask::git::{Tree, blob_id};
use xtask::patch::{FileDiff, Patch, check_path};
use xtask::pin::{Pin, PinnedCrate};
use xtask::queue::{PATCHES, Queue, SERIES};
use xtask::repo::Repo;

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
        let folder = tempfile::tempdir().expect("a temporary folder");
        check_queue(case, folder.path());
        let left: Vec<_> = fs::read_dir(folder.path()).expect("the folder").collect();
        assert_eq!(left.len(), 1, "the folder has something new: {left:?}");
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

/// Reads and applies the queue as it is on disk.
fn check_queue(case: &Case, folder: &Path) {
    let repo = Repo::at(folder);
    let write = |path: &str, bytes: &[u8]| {
        let path = repo.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a new folder");
        fs::write(path, bytes).expect("a new file");
    };
    let series = case.series();
    write(SERIES, &series);
    let first = String::from_utf8_lossy(&series);
    let name = first.lines().next().unwrap_or_default();
    if check_path(name).is_ok() && !name.contains('/') && name != "series" && name.len() < 200 {
        write(&format!("{PATCHES}/{name}"), &case.patch);
    }
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
    let Ok(mut queue) = Queue::read(&repo, &pin) else {
        return;
    };
    for path in queue.files().keys() {
        assert_eq!(check_path(path), Ok(()));
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
    for path in queue.apply(&tree).iter().flatten().flat_map(|s| s.keys()) {
        assert!(pin.contains(path), "{path} is in no pinned crate");
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
