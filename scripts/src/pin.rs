//! `cranelift/pin`: which upstream crates the fork changes, at which version and hash, and their sources.

use crate::git::{Tree, tree_id};
use crate::patch::check_path;
use crate::repo::{Repo, cargo, files_below, read};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The base of the fork.
pub struct Pin {
    /// In the order of their names.
    pub crates: Vec<PinnedCrate>,
    /// Git's id of all their sources in upstream's folders.
    pub tree: String,
}

/// One crate that the fork changes.
pub struct PinnedCrate {
    /// As on crates.io.
    pub name: String,
    /// Its folder in upstream's repository.
    pub folder: String,
    /// From the lock file.
    pub version: String,
    /// SHA-256 of the `.crate` file, from the lock file. Empty for a path dependency.
    pub checksum: String,
}

impl Pin {
    /// Reads manifest and lock, without network.
    pub fn read(repo: &Repo) -> Result<Pin> {
        let metadata = metadata(repo, &["--no-deps"])?;
        let table = &metadata["packages"][0]["metadata"]["fork"];
        let lock = String::from_utf8(read(&repo.path("cranelift/pin/Cargo.lock"))?)?;
        let mut crates = Vec::new();
        for (name, folder) in table["crates"]
            .as_object()
            .context("cranelift/pin/Cargo.toml lacks `[package.metadata.fork.crates]`")?
        {
            let folder = folder.as_str().unwrap_or_default();
            check_path(folder)
                .map_err(|e| anyhow::anyhow!("cranelift/pin/Cargo.toml, crate `{name}`: {e}"))?;
            let entry = lock
                .split("[[package]]")
                .find(|entry| value(entry, "name") == Some(name));
            let entry = entry.with_context(|| {
                format!("cranelift/pin/Cargo.lock lacks `{name}`; run `cargo xtask fork pin`")
            })?;
            crates.push(PinnedCrate {
                name: name.clone(),
                folder: folder.into(),
                version: value(entry, "version").unwrap_or_default().into(),
                checksum: value(entry, "checksum").unwrap_or_default().into(),
            });
        }
        ensure!(
            !crates.is_empty(),
            "cranelift/pin/Cargo.toml names no crate in `[package.metadata.fork.crates]`"
        );
        Ok(Pin {
            crates,
            tree: table["tree"].as_str().unwrap_or_default().into(),
        })
    }

    /// The sources of the pinned crates, fetched and verified by Cargo, in upstream's folders.
    pub fn sources(&self, repo: &Repo) -> Result<Tree> {
        let tree = self.unchecked_sources(repo)?;
        let id = tree_id(&tree);
        ensure!(
            id == self.tree,
            "the sources of {} have git tree {id}, but cranelift/pin/Cargo.toml says {}; \
             if the version was changed on purpose, `cargo xtask fork pin` records the new one, \
             else look for a `[source]` replacement in Cargo's configuration or a damaged cache",
            self.title(),
            self.tree
        );
        Ok(tree)
    }

    /// As [`Pin::sources`], without a look at the tree id.
    pub fn unchecked_sources(&self, repo: &Repo) -> Result<Tree> {
        self.sources_of(&metadata(repo, &["--locked"])?)
    }

    /// The versions of the pinned crates, and of the packages that they ask for in one version only, by name.
    pub fn exact_requirements(&self, repo: &Repo) -> Result<BTreeMap<String, String>> {
        let metadata = metadata(repo, &["--locked"])?;
        let mut exact = BTreeMap::new();
        for PinnedCrate { name, version, .. } in &self.crates {
            let package = find_package(&metadata, name)?;
            for dependency in package["dependencies"].as_array().into_iter().flatten() {
                if let (Some(name), Some(wanted)) =
                    (dependency["name"].as_str(), dependency["req"].as_str())
                    && wanted.starts_with('=')
                {
                    exact.insert(name.into(), wanted.into());
                }
            }
            exact.insert(name.clone(), format!("={version}"));
        }
        Ok(exact)
    }

    /// `cranelift-codegen 0.135.8`.
    pub fn title(&self) -> String {
        let crates: Vec<_> = self
            .crates
            .iter()
            .map(|c| format!("{} {}", c.name, c.version))
            .collect();
        crates.join(", ")
    }

    /// Whether a path lies in one of the crates: nothing else can be part of the fork.
    pub fn contains(&self, path: &str) -> bool {
        self.crates.iter().any(|c| {
            path.strip_prefix(&c.folder)
                .is_some_and(|rest| rest.starts_with('/'))
        })
    }

    fn sources_of(&self, metadata: &Value) -> Result<Tree> {
        let mut tree = Tree::new();
        for PinnedCrate { name, folder, .. } in &self.crates {
            let manifest = find_package(metadata, name)?["manifest_path"].as_str();
            let manifest = Path::new(manifest.unwrap_or_default());
            let dir = manifest.parent().unwrap_or(Path::new("."));
            for file in files_below(dir)? {
                // Cargo's own files: present or not depending on where the sources come from.
                if file != "Cargo.lock" && file != "Cargo.toml.orig" {
                    tree.insert(format!("{folder}/{file}"), read(&dir.join(&file))?);
                }
            }
        }
        Ok(tree)
    }
}

/// Lets Cargo update the lock after an edit of the manifest.
pub fn update_lock(repo: &Repo) -> Result<()> {
    metadata(repo, &[]).map(drop)
}

fn find_package<'a>(metadata: &'a Value, name: &str) -> Result<&'a Value> {
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    packages.find(|p| p["name"] == name).with_context(|| {
        format!("`{name}` is not a dependency in cranelift/pin/Cargo.toml; add it")
    })
}

fn metadata(repo: &Repo, args: &[&str]) -> Result<Value> {
    let pin = repo.path("cranelift/pin");
    let output = cargo(&pin)
        .args(["metadata", "--format-version=1", "--manifest-path"])
        .arg(pin.join("Cargo.toml"))
        .args(args)
        // Nothing is built here, and the newest release may ask for a newer Rust.
        .env("CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS", "allow")
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!(
            "Cargo cannot provide the crates of cranelift/pin: {}\nafter an edit of its Cargo.toml run `cargo xtask fork pin`",
            stderr.trim_end()
        );
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The value of `key = "value"` in an entry of a lock file.
fn value<'a>(entry: &'a str, key: &str) -> Option<&'a str> {
    entry.lines().find_map(|line| {
        line.strip_prefix(key)?
            .strip_prefix(" = \"")?
            .strip_suffix('"')
    })
}
