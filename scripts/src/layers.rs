//! Who uses whom: the table of ARCHITECTURE.md against the manifests.

use crate::git::Tree;
use std::collections::{BTreeMap, BTreeSet};

const MAP: &str = "ARCHITECTURE.md";
/// What everything may use; its manifest is in the checkout.
const FORK: &str = "cranelift-codegen";

/// A row of the table.
struct Row {
    line: usize,
    folder: String,
    uses: BTreeSet<String>,
}

/// Compares both; a finding names file, line and what to do.
pub fn check(files: &Tree) -> Vec<String> {
    let map = files.get(MAP).map(|bytes| String::from_utf8_lossy(bytes));
    let rows = rows(&map.unwrap_or_default());
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, text) in manifests(files) {
        let Some(name) = package(text) else { continue };
        let folder = path.trim_end_matches("Cargo.toml");
        let Some(row) = rows.get(name).filter(|row| row.folder == folder) else {
            findings.push(format!(
                "{path}: {MAP} has no row for `{name}` in `{folder}`; say what it is and what it uses"
            ));
            continue;
        };
        seen.insert(name);
        let used: BTreeSet<_> = dependencies(text)
            .filter(|name| rows.contains_key(*name) && *name != FORK)
            .collect();
        for name in used.iter().filter(|name| !row.uses.contains(**name)) {
            findings.push(format!(
                "{path}: uses `{name}`, which {MAP}:{} does not allow",
                row.line
            ));
        }
        for name in row.uses.iter().filter(|name| !used.contains(&***name)) {
            findings.push(format!(
                "{MAP}:{}: {path} does not use `{name}`; take it out",
                row.line
            ));
        }
        for name in used.iter().filter(|name| rows[**name].line > row.line) {
            findings.push(format!(
                "{MAP}:{}: uses `{name}`, which is below it; order the rows by layers",
                row.line
            ));
        }
    }
    for (name, row) in &rows {
        if !seen.contains(name.as_str()) && name != FORK {
            findings.push(format!(
                "{MAP}:{}: there is no package `{name}` in `{}`",
                row.line, row.folder
            ));
        }
    }
    findings
}

/// Fixtures are packages of their own.
fn manifests(files: &Tree) -> impl Iterator<Item = (&str, &str)> {
    let ours = |path: &str| {
        path.ends_with("/Cargo.toml")
            && !path.contains("fixtures/")
            && !path.starts_with("cranelift/")
    };
    files
        .iter()
        .filter(move |(path, _)| ours(path))
        .filter_map(|(path, bytes)| Some((path.as_str(), std::str::from_utf8(bytes).ok()?)))
}

/// The rows by package.
fn rows(map: &str) -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    let lines = map.lines().enumerate();
    let table = lines.skip_while(|(_, line)| !line.starts_with("| folder | package |"));
    for (index, line) in table.skip(2).take_while(|(_, line)| line.starts_with('|')) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, folder, name, uses, ..] = cells[..] else {
            continue;
        };
        let plain = |text: &str| text.trim_matches('`').to_owned();
        let uses = uses.split(", ").filter(|name| !name.is_empty());
        let row = Row {
            line: index + 1,
            folder: plain(folder),
            uses: uses.map(plain).collect(),
        };
        rows.insert(plain(name), row);
    }
    rows
}

fn package(manifest: &str) -> Option<&str> {
    let name = manifest
        .lines()
        .find_map(|line| line.strip_prefix("name = \""))?;
    manifest
        .contains("[package]")
        .then(|| name.trim_end_matches('"'))
}

/// Those of all kinds, as this repository writes them: one to a line.
fn dependencies(manifest: &str) -> impl Iterator<Item = &str> {
    let mut is_list = false;
    manifest.lines().filter_map(move |line| {
        if line.starts_with('[') {
            is_list = line.ends_with("dependencies]");
        }
        let name = line.split(['.', ' ', '=']).next()?;
        (is_list && !name.is_empty() && !name.starts_with(['[', '#'])).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
| folder | package | uses | what it is |
|---|---|---|---|
| `low/` | `low` | | below |
| `high/` | `high` | `low` | above |
";

    fn findings(map: &str, low: &str, high: &str) -> Vec<String> {
        let manifest = |name: &str, dependency: &str| {
            format!(
                "[package]\nname = \"{name}\"\n\n[dev-dependencies]\n# Why.\n{dependency}\nanyhow = \"1\"\n"
            )
        };
        let files = Tree::from([
            (MAP.into(), map.into()),
            ("low/Cargo.toml".into(), manifest("low", low).into()),
            ("high/Cargo.toml".into(), manifest("high", high).into()),
        ]);
        check(&files)
    }

    #[test]
    fn the_table_is_compared_with_manifests() {
        let low = "low.workspace = true";
        assert_eq!(findings(TABLE, "", low), [""; 0]);
        assert_eq!(
            findings(TABLE, "", ""),
            ["ARCHITECTURE.md:4: high/Cargo.toml does not use `low`; take it out"]
        );
        assert_eq!(
            findings(TABLE, "high = { path = \"../high\" }", low),
            [
                "low/Cargo.toml: uses `high`, which ARCHITECTURE.md:3 does not allow",
                "ARCHITECTURE.md:3: uses `high`, which is below it; order the rows by layers"
            ]
        );
        let without = TABLE.replace("| `low/` | `low` | | below |\n", "");
        let want = "low/Cargo.toml: ARCHITECTURE.md has no row for `low` in `low/`; say what it is and what it uses";
        assert!(findings(&without, "", low).contains(&want.into()));
        let more = format!("{TABLE}| `gone/` | `gone` | | |\n");
        assert_eq!(
            findings(&more, "", low),
            ["ARCHITECTURE.md:5: there is no package `gone` in `gone/`"]
        );
    }
}
