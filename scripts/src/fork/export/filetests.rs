//! Which commit of the export brings which filetests, and the specification that they refer to.

use crate::git::{Commit, Tree};
use crate::patch::TRAILERS;
use crate::queue::Queue;
use crate::repo::{Repo, files_below, read};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;

/// Filetests that upstream's runner cannot run, by the beginning of their path, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("c-abi/", "Cranelift's runner has no `test c-abi`"),
    (
        "exceptions/",
        "the functions that catch need their callee-saved registers back, which Cranelift's runner does not restore",
    ),
    ("readme.clif", "it explains the runner of this repository"),
];

/// Where the specification goes.
const SPECIFICATION: &str = "cranelift/docs/system-v-multi-out.md";
const OURS: &str = "filetests/filetests";

/// What a filetest is called where there are many others: `isa/x64/basic.clif` is `isa/x64/system-v-multi-out-basic.clif`.
const PREFIX: &str = "system-v-multi-out-";

/// Adds filetests to the commit of the patch that names them in its `Test:` lines, and commits with the others. Takes the house's
/// trailers out of all messages. Returns how many filetests there are, and which are left out.
pub(super) fn add(
    repo: &Repo,
    queue: &Queue,
    commits: &mut Vec<Commit>,
) -> Result<(usize, Vec<(String, &'static str)>)> {
    let mut tests = Tree::new();
    let mut left_out = Vec::new();
    for file in files_below(&repo.path(OURS))? {
        let reason = LEFT_OUT.iter().find(|(path, _)| file.starts_with(path));
        match reason {
            _ if !file.ends_with(".clif") => {}
            Some((_, reason)) => left_out.push((format!("{OURS}/{file}"), *reason)),
            None => {
                let text = String::from_utf8(read(&repo.path(&format!("{OURS}/{file}")))?)
                    .with_context(|| format!("{OURS}/{file} is not UTF-8"))?;
                let text = with_prefixes(&text.replace("ABI.md", SPECIFICATION));
                tests.insert(format!("{OURS}/{file}"), text.into());
            }
        }
    }
    let count = tests.len();
    for (patch, commit) in queue.patches.iter().zip(&mut commits[1..]) {
        for (key, value) in patch.trailers() {
            ensure!(
                TRAILERS.contains(&key.as_str()),
                "{} has the trailer `{key}:`, which is none of {}",
                patch.file_name(),
                TRAILERS.join(", ")
            );
            if key == "Test" && value.starts_with(OURS) {
                let named: Vec<_> = tests
                    .keys()
                    .filter(|path| path.starts_with(&value))
                    .cloned()
                    .collect();
                ensure!(
                    !named.is_empty(),
                    "{}: its trailer `Test: {value}` names no filetest that is exported and that no earlier patch has",
                    patch.file_name()
                );
                commit.files.extend(named.into_iter().filter_map(|path| {
                    let bytes = tests.remove(&path)?;
                    Some((exported(&path), bytes))
                }));
            }
        }
        let (text, _) = patch.body.rsplit_once("\n\n").unwrap_or_default();
        commit.message = format!("{}\n\n{text}\n", patch.subject);
    }
    let date = commits.last().map(|c| c.date.clone()).unwrap_or_default();
    let mut folders: BTreeMap<String, Tree> = BTreeMap::new();
    for (path, bytes) in tests {
        let (folder, _) = path.rsplit_once('/').unwrap_or_default();
        let folder = folder.trim_start_matches(OURS).trim_start_matches('/');
        let files = folders.entry(folder.into()).or_default();
        files.insert(exported(&path), bytes);
    }
    commits.extend(folders.into_iter().map(|(folder, files)| Commit {
        author: String::new(),
        date: date.clone(),
        message: format!(
            "filetests: system_v_multi_out, {folder}\n\n\
             More tests of the preceding changes: files that Cranelift's runner takes as they are.\n"
        ),
        files,
    }));
    if let Some(commit) = commits[1..].iter_mut().find(|c| refers(c)) {
        let text = read(&repo.path("ABI.md"))?;
        commit.files.insert(SPECIFICATION.into(), text);
    }
    Ok((count, left_out))
}

/// The path upstream of a filetest.
fn exported(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or_default();
    format!("cranelift/{folder}/{PREFIX}{name}")
}

/// A filetest whose remarks name others.
fn with_prefixes(text: &str) -> String {
    let named = |word: &str| {
        let word = word.trim_end_matches([' ', '\n', '.', ',', ';', ':', ')']);
        word.ends_with(".clif")
    };
    let words = text.split_inclusive([' ', '\n']);
    words
        .map(|word| match word.rfind(['/', '(']) {
            _ if !named(word) => word.to_owned(),
            Some(at) => format!("{}{PREFIX}{}", &word[..=at], &word[at + 1..]),
            None => format!("{PREFIX}{word}"),
        })
        .collect()
}

/// Whether a filetest of the commit refers to the specification.
fn refers(commit: &Commit) -> bool {
    let name = SPECIFICATION.as_bytes();
    let has = |bytes: &Vec<u8>| bytes.windows(name.len()).any(|part| part == name);
    commit.files.values().any(has)
}
