//! Where things are in this repository, and small helpers for files and processes.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository that the tool works on.
#[derive(Clone, Debug)]
pub struct Repo {
    root: PathBuf,
}

impl Repo {
    /// The repository that holds the source of this program.
    pub fn here() -> Result<Repo> {
        let from = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(dir) => PathBuf::from(dir),
            None => std::env::current_dir()?,
        };
        match from
            .ancestors()
            .find(|dir| dir.join("cranelift/pin/Cargo.toml").exists())
        {
            Some(root) => Ok(Repo::at(root)),
            None => bail!(
                "no repository with `cranelift/pin` around {}; run `cargo xtask` in its root",
                from.display()
            ),
        }
    }

    /// The repository with this root.
    pub fn at(root: &Path) -> Repo {
        Repo { root: root.into() }
    }

    /// A path in the repository.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Where the fork is made for this repository's own use.
    pub fn checkout(&self) -> PathBuf {
        self.path("cranelift/checkout")
    }

    /// Cargo's output folder of the root workspace, for our output too.
    pub fn target(&self) -> PathBuf {
        match std::env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => self.root.join(dir),
            None => self.path("target"),
        }
    }

    /// Refuses a path inside the repository that a symbolic link or a special file would lead elsewhere.
    pub fn check_plain(&self, relative: &str) -> Result<()> {
        let mut path = self.root.clone();
        for name in relative.split('/') {
            path.push(name);
            match fs::symlink_metadata(&path) {
                Ok(m) if !m.is_file() && !m.is_dir() => {
                    bail!("`{relative}` leads through a link; replace it by the plain file")
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The Cargo that runs us.
pub fn cargo(dir: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(dir);
    command
}

/// Reads a file; the error names it.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes a file whole or not at all, and says whether that changed anything.
pub fn write(path: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.new"));
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(true)
}

/// Removes a folder if there is one.
pub fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(e).with_context(|| format!("cannot remove {}", dir.display()))
        }
        _ => Ok(()),
    }
}

/// Every plain file below a folder as paths relative to it, sorted, without dot files. A missing folder is empty.
pub fn files_below(dir: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(dir.join(&folder)) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let name = entry
                .file_name()
                .into_string()
                .ok()
                .with_context(|| format!("a name in {} is not UTF-8", dir.display()))?;
            let path = if folder.is_empty() {
                name.clone()
            } else {
                format!("{folder}/{name}")
            };
            match entry.file_type()? {
                _ if name.starts_with('.') => {}
                kind if kind.is_dir() => folders.push(path),
                _ => files.push(path),
            }
        }
    }
    files.sort();
    Ok(files)
}
