//! The harness in a workspace of its own, which asks for another release than the repository does.

use crate::git::Tree;
use crate::repo::{Repo, cargo, files_below, read, write};
use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Copies `filetests` and what it needs of this repository, with a manifest that asks for the release.
pub(super) fn lay_workspace(
    repo: &Repo,
    scratch: &Repo,
    moved: &BTreeMap<String, String>,
) -> Result<()> {
    let members = harness_folders(repo)?;
    for folder in members
        .iter()
        .filter(|folder| !folder.starts_with("cranelift"))
    {
        for file in files_below(&repo.path("").join(folder))? {
            let path = format!("{}/{file}", folder.display());
            write(&scratch.path(&path), &read(&repo.path(&path))?)?;
        }
    }
    let text = String::from_utf8(read(&repo.path("Cargo.toml"))?)?;
    let parts = text.split_once("\nmembers = [");
    let parts = parts.and_then(|(before, rest)| Some((before, rest.split_once(']')?.1)));
    let (before, after) = parts.context("Cargo.toml lacks a list `members = […]`")?;
    let text = format!("{before}\nmembers = {members:?}{after}");
    write(
        &scratch.path("Cargo.toml"),
        replace_requirements(&text, moved).as_bytes(),
    )?;
    Ok(())
}

/// A manifest with other versions asked for, but of packages in the repository.
pub(super) fn replace_requirements(manifest: &str, moved: &BTreeMap<String, String>) -> String {
    let mut lines: Vec<String> = manifest.lines().map(str::to_owned).collect();
    for line in lines.iter_mut().filter(|line| !line.contains("path =")) {
        for (old, new) in moved {
            *line = line.replace(&format!("\"{old}\""), &format!("\"{new}\""));
        }
    }
    lines.join("\n") + "\n"
}

/// Takes from the manifest of a crate what Cargo would build for its unit tests although none of these uses it: a published crate has
/// lost its benchmarks, but not what they need.
pub(super) fn drop_idle_dependencies(files: &mut Tree, folder: &str) {
    let sources = format!("{folder}/src/");
    let sources = files.iter().filter(|(path, _)| path.starts_with(&sources));
    let text: String = sources
        .map(|(_, bytes)| String::from_utf8_lossy(bytes))
        .collect();
    if let Some(manifest) = files.get_mut(&format!("{folder}/Cargo.toml")) {
        *manifest = without_idle(&String::from_utf8_lossy(manifest), &text).into_bytes();
    }
}

/// A manifest as Cargo publishes it, without dev-dependencies that the source text does not name.
fn without_idle(manifest: &str, source: &str) -> String {
    let is_idle = |section: &&str| {
        let rest = section.strip_prefix("[dev-dependencies.");
        let name = rest.and_then(|rest| rest.split_once(']'));
        name.is_some_and(|(name, _)| !source.contains(&format!("{}::", name.replace('-', "_"))))
    };
    let sections = manifest.split_inclusive("\n\n");
    sections.filter(|section| !is_idle(section)).collect()
}

/// The folders of `filetests` and of the members that it depends on.
fn harness_folders(repo: &Repo) -> Result<Vec<PathBuf>> {
    let mut command = cargo(&repo.path(""));
    let output = command
        .args(["metadata", "--format-version=1", "--no-deps"])
        .output()?;
    ensure!(
        output.status.success(),
        "Cargo cannot read the workspace: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let root = Path::new(metadata["workspace_root"].as_str().unwrap_or_default());
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages = list(&metadata["packages"]);
    let mut names = vec!["filetests".to_owned()];
    let mut folders = Vec::new();
    let mut next = 0;
    while let Some(name) = names.get(next) {
        next += 1;
        let package = packages.iter().find(|p| p["name"] == name.as_str());
        let package = package.with_context(|| format!("the workspace has no package `{name}`"))?;
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let folder = manifest
            .parent()
            .and_then(|dir| dir.strip_prefix(root).ok());
        folders.push(
            folder
                .map(Path::to_owned)
                .ok_or_else(|| anyhow!("the package `{name}` lies outside of the workspace"))?,
        );
        for dependency in list(&package["dependencies"]) {
            let name = dependency["name"].as_str().unwrap_or_default().to_owned();
            if dependency["path"].is_string() && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dev_dependencies_that_the_source_names_are_kept() {
        let section =
            |kind: &str, name: &str| format!("[{kind}dependencies.{name}]\nversion = \"1\"\n\n");
        let (used, idle) = (section("dev-", "used-one"), section("dev-", "idle"));
        let normal = section("", "idle");
        let manifest = format!("[package]\n\n{used}{idle}{normal}");
        let want = format!("[package]\n\n{used}{normal}");
        assert_eq!(without_idle(&manifest, "use used_one::x;"), want);
    }

    #[test]
    fn packages_of_the_repository_keep_their_version() {
        let manifest =
            "a = \"=1\"\nb = { version = \"=1\" }\nc = { version = \"=1\", path = \"c\" }\n";
        let moved = BTreeMap::from([("=1".to_owned(), "=2".to_owned())]);
        let want = "a = \"=2\"\nb = { version = \"=2\" }\nc = { version = \"=1\", path = \"c\" }\n";
        assert_eq!(replace_requirements(manifest, &moved), want);
    }
}
