//! The part of `cargo xtask check` that reads files: trailing blanks, links, patches, left-over work.
//!
//! Each check is a function from files to findings, so that its tests need no repository.

use crate::git::{Git, Tree};
use crate::patch::Patch;
use crate::queue::{PATCHES, SERIES};
use crate::repo::Repo;
use crate::steps::{Counts, run_function};
use anyhow::{Result, bail};

/// Runs every check on the files that git knows or would add.
pub fn run(repo: &Repo) -> Result<Counts> {
    let files = files(repo)?;
    let mut counts = Counts::default();
    for (name, check) in CHECKS {
        counts = counts.and(run_function(&format!("tidy: {name}"), || {
            match check(&files).as_slice() {
                [] => Ok(()),
                findings => bail!("{}", findings.join("\n")),
            }
        }));
    }
    Ok(counts)
}

/// Name, and what finds the faults. A finding names file, line and what to do.
type Check = (&'static str, fn(&Tree) -> Vec<String>);

const CHECKS: &[Check] = &[
    ("no trailing blanks, a line feed at the end", blanks),
    ("no unfinished work", unfinished),
    ("links and paths in Markdown resolve", links),
    (
        "patches are as saved, with a message as the house style asks",
        patches,
    ),
    ("the changelog has an Unreleased section", changelog),
    (
        "packages use what ARCHITECTURE.md lets them use",
        crate::layers::check,
    ),
    ("modules use what is below them", crate::circles::check),
];

/// The files that git knows or would add.
pub fn files(repo: &Repo) -> Result<Tree> {
    let git = Git::at(&repo.path(""));
    let listed = git.text(&[
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ])?;
    let mut files = Tree::new();
    for path in listed.split_terminator('\0') {
        // A file that is deleted but not committed yet is still listed.
        if let Ok(bytes) = std::fs::read(repo.path(path)) {
            files.insert(path.into(), bytes);
        }
    }
    Ok(files)
}

/// Not in filetests, where a blank can be what is tested, nor in the licence and patches, which hold other people's lines.
fn blanks(files: &Tree) -> Vec<String> {
    let exempt =
        |path: &str| path == "LICENSE" || path.ends_with(".clif") || path.ends_with(".patch");
    let mut findings = Vec::new();
    for (path, text) in texts(files).filter(|(path, _)| !exempt(path)) {
        for (i, line) in text.split('\n').enumerate() {
            if line.ends_with([' ', '\t', '\r']) {
                findings.push(format!(
                    "{path}:{}: trailing blank or carriage return; delete it",
                    i + 1
                ));
            }
        }
        if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
            findings.push(format!("{path}: end the file with exactly one line feed"));
        }
    }
    findings
}

fn unfinished(files: &Tree) -> Vec<String> {
    // Not spelt out here, or this file would be a finding.
    let words = [
        concat!("TO", "DO"),
        concat!("XX", "X"),
        concat!("todo", "!("),
        concat!("dbg", "!("),
    ];
    let mut findings = Vec::new();
    for (path, text) in texts(files) {
        for (i, line) in text.lines().enumerate() {
            let mut tokens =
                line.split(|c: char| !c.is_ascii_alphanumeric() && c != '!' && c != '(');
            if tokens.any(|token| {
                words.contains(&token)
                    || words
                        .iter()
                        .any(|w| w.ends_with('(') && token.starts_with(w))
            }) {
                findings.push(format!(
                    "{path}:{}: finish it, or write FIXME and the reason",
                    i + 1
                ));
            }
        }
    }
    findings
}

/// Checks `[text](path)`, and paths in backquotes that begin with a folder of this repository, or with `src` or `tests` beside the
/// document.
fn links(files: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for (path, text) in texts(files).filter(|(path, _)| path.ends_with(".md")) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut fenced = false;
        for (i, line) in text.lines().enumerate() {
            fenced ^= line.trim_start().starts_with("```");
            if fenced {
                continue;
            }
            let linked = line
                .split("](")
                .skip(1)
                .filter_map(|rest| rest.split(')').next());
            let linked =
                linked.filter(|target| !target.contains("://") && !target.starts_with(['#', '<']));
            let linked =
                linked.map(|target| resolve(folder, target.split('#').next().unwrap_or_default()));
            let quoted = line
                .split('`')
                .skip(1)
                .step_by(2)
                .filter_map(|span| own_path(files, folder, span));
            for target in linked.chain(quoted) {
                if !exists(files, &target) {
                    findings.push(format!(
                        "{path}:{}: there is no `{target}`; correct the path",
                        i + 1
                    ));
                }
            }
        }
    }
    findings
}

fn patches(files: &Tree) -> Vec<String> {
    let series = files
        .get(SERIES)
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .unwrap_or_default();
    let series: Vec<_> = series.lines().collect();
    let mut findings = Vec::new();
    for (path, bytes) in files
        .iter()
        .filter(|(path, _)| path.starts_with(PATCHES) && *path != SERIES)
    {
        let name = path.rsplit('/').next().unwrap_or_default();
        let fault = match Patch::parse(bytes) {
            Err(error) => Some(error.to_string()),
            Ok(_) if !series.contains(&name) => Some("is not in the series".into()),
            Ok(patch) if patch.write() != *bytes => Some("is not as `fork save` writes it".into()),
            Ok(patch) if patch.file_name() != name => {
                Some(format!("should be named {}", patch.file_name()))
            }
            Ok(patch) => patch.check_message().err(),
        };
        findings.extend(
            fault.map(|f| {
                format!("{path}: {f}; change the checkout and run `cargo xtask fork save`")
            }),
        );
    }
    for name in series
        .iter()
        .filter(|name| !files.contains_key(&format!("{PATCHES}/{name}")))
    {
        findings.push(format!(
            "{SERIES}: there is no {name}; run `cargo xtask fork save`"
        ));
    }
    findings
}

fn changelog(files: &Tree) -> Vec<String> {
    let text = files
        .get("CHANGELOG.md")
        .map(|bytes| String::from_utf8_lossy(bytes));
    if text.is_some_and(|text| {
        text.lines()
            .any(|l| l.starts_with("## ") && l.contains("Unreleased"))
    }) {
        return Vec::new();
    }
    vec!["CHANGELOG.md: there is no section `## Unreleased`; add it".into()]
}

/// The files that are text, as text.
fn texts(files: &Tree) -> impl Iterator<Item = (&str, &str)> {
    files
        .iter()
        .filter_map(|(path, bytes)| Some((path.as_str(), std::str::from_utf8(bytes).ok()?)))
}

/// The path that text in backquotes is, unless it is a pattern, a placeholder or upstream's.
fn own_path(files: &Tree, folder: &str, span: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "/._-".contains(c);
    let made = [
        "cranelift/checkout",
        "cranelift/filetests",
        "cranelift/codegen/src/isa",
        "cranelift/codegen/src/machinst",
        "fuzz/artifacts",
        "fuzz/corpus",
    ];
    let top = format!("{}/", span.split_once('/')?.0);
    let from = match &*top {
        "src/" | "tests/" => folder,
        _ => "",
    };
    let is_own = !from.is_empty() || files.keys().any(|path| path.starts_with(&top));
    let is_path = span.chars().all(plain) && !made.iter().any(|m| span.starts_with(m));
    (is_own && is_path).then(|| resolve(from, span))
}

fn resolve(folder: &str, target: &str) -> String {
    let mut names: Vec<&str> = folder.split('/').filter(|n| !n.is_empty()).collect();
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.join("/")
}

fn exists(files: &Tree, path: &str) -> bool {
    let folder = format!("{path}/");
    path.is_empty()
        || files.contains_key(path)
        || files.keys().any(|file| file.starts_with(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The findings in one file among others that are in order.
    fn find(check: fn(&Tree) -> Vec<String>, path: &str, text: &str) -> Vec<String> {
        let mut files = Tree::from([("scripts/src/lib.rs".to_string(), b"// fine\n".to_vec())]);
        files.insert(path.into(), text.into());
        check(&files)
    }

    #[test]
    fn blanks_pass_and_fail() {
        assert!(find(blanks, "a.rs", "fn a() {}\n").is_empty());
        assert!(find(blanks, "a.clif", "; blank \n").is_empty());
        assert!(find(blanks, "a.rs", "").is_empty());
        assert_eq!(
            find(blanks, "a.rs", "x\ny \n"),
            ["a.rs:2: trailing blank or carriage return; delete it"]
        );
        assert_eq!(find(blanks, "a.rs", "x\r\n").len(), 1);
        assert_eq!(
            find(blanks, "a.rs", "x"),
            ["a.rs: end the file with exactly one line feed"]
        );
        assert_eq!(find(blanks, "a.rs", "x\n\n").len(), 1);
    }

    #[test]
    fn unfinished_work_passes_and_fails() {
        assert!(find(unfinished, "a.rs", "// FIXME upstream does not say\n").is_empty());
        let words = [
            concat!("// TO", "DO: later\n"),
            concat!("todo", "!()\n"),
            concat!("let x = dbg", "!(y);\n"),
        ];
        for text in words {
            assert_eq!(
                find(unfinished, "a.rs", text),
                ["a.rs:1: finish it, or write FIXME and the reason"],
                "{text}"
            );
        }
    }

    #[test]
    fn links_pass_and_fail() {
        let fine = "[a](../scripts/src/lib.rs#x) [b](https://example.org) [c](#d) `scripts/src` `scripts/NAME.rs` `scripts/*`\n";
        assert!(find(links, "docs/a.md", fine).is_empty());
        assert!(find(links, "docs/a.md", "```\n[a](gone.md)\n```\n").is_empty());
        assert_eq!(
            find(links, "docs/a.md", "x\n[a](gone.md)\n"),
            ["docs/a.md:2: there is no `docs/gone.md`; correct the path"]
        );
        assert_eq!(
            find(links, "a.md", "`scripts/gone.rs`\n"),
            ["a.md:1: there is no `scripts/gone.rs`; correct the path"]
        );
        assert!(find(links, "scripts/a.md", "`src/lib.rs` `src/NAME.rs`\n").is_empty());
        assert_eq!(
            find(links, "scripts/a.md", "`src/gone.rs`\n"),
            ["scripts/a.md:1: there is no `scripts/src/gone.rs`; correct the path"]
        );
    }

    #[test]
    fn patches_pass_and_fail() {
        let good = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: A <a@b>\n\
            Date: Fri, 20 Nov 2026 09:32:21 +0000\nSubject: abi: x\n\nUpstream-Status: Pending\nDrop-When: never\n\
            Test: x\n---\nnew file: cranelift/demo/x.rs\n";
        let run = |name: &str, text: &str, series: &str| {
            let path = format!("{PATCHES}/{name}");
            patches(&Tree::from([
                (path, text.into()),
                (SERIES.into(), series.into()),
            ]))
            .join("\n")
        };
        assert_eq!(run("abi-x.patch", good, "abi-x.patch\n"), "");
        for (name, text, series, expected) in [
            ("abi-x.patch", good, "", "is not in the series"),
            (
                "abi-y.patch",
                good,
                "abi-y.patch\n",
                "should be named abi-x.patch",
            ),
            (
                "abi-x.patch",
                good,
                "abi-x.patch\nabi-y.patch\n",
                "there is no abi-y.patch",
            ),
            (
                "abi-x.patch",
                &good.replace("Test: x\n", ""),
                "abi-x.patch\n",
                "`Test:`",
            ),
            (
                "abi-x.patch",
                &good.replace("---\n", "\n---\n"),
                "abi-x.patch\n",
                "is not as `fork save` writes it",
            ),
            ("abi-x.patch", "text", "abi-x.patch\n", "line 1: "),
        ] {
            let findings = run(name, text, series);
            assert!(
                findings.contains(expected),
                "no `{expected}` in: {findings}"
            );
        }
    }

    #[test]
    fn changelog_passes_and_fails() {
        assert!(find(changelog, "CHANGELOG.md", "# Changelog\n\n## Unreleased\n").is_empty());
        assert_eq!(find(changelog, "CHANGELOG.md", "# Changelog\n").len(), 1);
        assert_eq!(find(changelog, "a.md", "## Unreleased\n").len(), 1);
    }
}
