//! A patch is read, written, and judged.

use super::*;

const GOOD: &str = "\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: Jörg Example <j@example.org>
Date: Fri, 20 Nov 2026 09:32:21 +0000
Subject: abi: add a thing

Why it is so.

Upstream-Status: Pending [not sent]
Drop-When: upstream has it
Test: a.clif,
 b.clif
---
new file: cranelift/demo/src/new.rs

diff --git a/cranelift/demo/src/lib.rs b/cranelift/demo/src/lib.rs
index 1111111111111111111111111111111111111111..2222222222222222222222222222222222222222 100644
--- a/cranelift/demo/src/lib.rs
+++ b/cranelift/demo/src/lib.rs
@@ -1,0 +2 @@
+two
@@ -3 +4,2 @@
-four
+4
+five
\\ No newline at end of file
";

fn error_of(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from:?} is not in the example");
    Patch::parse(GOOD.replacen(from, to, 1).as_bytes())
        .unwrap_err()
        .to_string()
}

#[test]
fn parse_then_write_is_the_identity() {
    let patch = Patch::parse(GOOD.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(patch.write()).unwrap(), GOOD);
    assert_eq!(patch.file_name(), "abi-add-a-thing.patch");
    assert_eq!(patch.line_counts(), (3, 1));
    assert_eq!(
        patch.trailers()[2],
        ("Test".to_string(), "a.clif, b.clif".to_string())
    );
    assert_eq!(patch.check_message(), Ok(()));
}

#[test]
fn context_lines_are_refused() {
    assert_eq!(
        error_of("+two\n", " one\n+two\n"),
        "line 20: context lines are not allowed"
    );
    assert_eq!(
        error_of("+two\n", "+two\n three\n"),
        "line 21: context lines are not allowed"
    );
    assert_eq!(
        error_of("+five\n\\ No newline at end of file\n", "+five\n six\n"),
        "line 25: context lines are not allowed"
    );
}

#[test]
fn hostile_paths_are_refused() {
    for path in [
        "../x",
        "/x",
        "a/../b",
        ".git/config",
        "a/.git/x",
        "a//b",
        "a/",
        "",
        "a b",
        "a\\b",
        "ä",
        "a\u{1}",
    ] {
        assert!(check_path(path).is_err(), "{path:?}");
    }
    assert!(
        error_of("new file: cranelift/demo/src/new.rs", "new file: ../new.rs")
            .contains("not allowed")
    );
    assert!(
        error_of(
            "new file: cranelift/demo/src/new.rs",
            "new file: cranelift/demo/src/lib.rs"
        )
        .contains("twice")
    );
    let everywhere = GOOD.replace("cranelift/demo/src/lib.rs", ".git/config");
    assert!(
        Patch::parse(everywhere.as_bytes())
            .unwrap_err()
            .what
            .contains("not allowed")
    );
}

#[test]
fn malformed_parts_are_named() {
    for (from, to, expected) in [
        ("From 0", "From 1", "line 1: expected `From 0"),
        ("From: J", "From:J", "line 2: expected `From: `"),
        (" <j@example.org>", "", "line 2: the author"),
        ("20 Nov", "20 Brumaire", "line 3: the date"),
        ("Subject: ", "Topic: ", "line 4: expected `Subject: `"),
        ("thing\n\n", "thing\n", "line 5: expected an empty line"),
        ("---\nnew", "--\nnew", "line 26: the patch ends too early"),
        ("index 1", "index ", "line 16: expected `index"),
        ("100644", "120000", "line 16: expected `index"),
        ("..2222222222", "..", "line 16: expected `index"),
        ("b/cranelift", "b/other", "line 15: expected `diff --git"),
        ("--- a/", "--- b/", "line 17: expected `--- a/"),
        (
            "@@ -1,0 +2 @@",
            "@@ -1,0 +2 @@ fn f()",
            "line 19: expected `@@",
        ),
        (
            "@@ -1,0 +2 @@",
            "@@ -1,0 +2,2 @@",
            "line 21: a hunk has other lines",
        ),
        ("+two\n", "", "line 20: a hunk has other lines"),
        (
            "+two\n",
            "--- a/x\n+++ b/x\n+two\n",
            "line 20: a hunk has other lines",
        ),
        ("+five\n", "", "line 24: a hunk has other lines"),
    ] {
        let error = error_of(from, to);
        assert!(error.starts_with(expected), "{from:?} to {to:?}: {error}");
    }
}

#[test]
fn no_prefix_and_no_byte_change_panics() {
    for end in 0..GOOD.len() {
        let _ = Patch::parse(&GOOD.as_bytes()[..end]);
    }
    for at in 0..GOOD.len() {
        for byte in [0, b'\n', b' ', b'9', 0xff] {
            let mut bytes = GOOD.as_bytes().to_vec();
            bytes[at] = byte;
            if let Ok(patch) = Patch::parse(&bytes) {
                assert_eq!(Patch::parse(&patch.write()).as_ref(), Ok(&patch));
            }
        }
    }
}

#[test]
fn messages_are_judged() {
    let good = Patch::parse(GOOD.as_bytes()).unwrap();
    for (subject, expected) in [
        ("no area", "form"),
        ("Abi: x", "form"),
        ("abi: ends.", "full stop"),
        (&format!("abi: {}", "x".repeat(70)), "72"),
    ] {
        let patch = Patch {
            subject: subject.to_string(),
            ..good.clone()
        };
        assert!(
            patch.check_message().unwrap_err().contains(expected),
            "{subject}"
        );
    }
    let patch = Patch {
        body: good.body.replace("Drop-When", "Drop"),
        ..good.clone()
    };
    assert!(patch.check_message().unwrap_err().contains("`Drop-When:`"));
    let patch = Patch {
        body: format!("{}\n\nOne more paragraph.", good.body),
        ..good
    };
    assert!(
        patch
            .check_message()
            .unwrap_err()
            .contains("`Upstream-Status:`")
    );
}

#[test]
fn function_names_of_git_are_dropped() {
    let start = GOOD.find("diff --git").unwrap();
    let git = GOOD[start..].replace("@@ -1,0 +2 @@", "@@ -1,0 +2 @@ fn f() { @@ }");
    assert_eq!(
        FileDiff::parse_git(git.as_bytes()).unwrap(),
        Patch::parse(GOOD.as_bytes()).unwrap().files
    );
}
