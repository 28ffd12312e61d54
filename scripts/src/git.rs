//! The `git` program, cut off from whatever the user, the system or an enclosing git hook has configured.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Files by path, as in a commit. Every one has mode 100644.
pub type Tree = BTreeMap<String, Vec<u8>>;

/// A git repository.
pub struct Git {
    dir: PathBuf,
}

/// A commit to be written by [`Git::import`].
pub struct Commit {
    /// `Name <address>`, author and committer.
    pub author: String,
    /// As in RFC 2822, for author and committer.
    pub date: String,
    /// The whole message.
    pub message: String,
    /// Files that differ from the parent.
    pub files: Tree,
}

/// The author of commits that are nobody's.
pub const XTASK: &str = "xtask <xtask@localhost>";
const DATE: &str = "Sat, 1 Jan 2000 00:00:00 +0000";

impl Commit {
    /// One that is nobody's, with the same id whenever it is made.
    pub fn of_xtask(message: &str, files: Tree) -> Commit {
        Commit {
            author: XTASK.into(),
            date: DATE.into(),
            message: message.into(),
            files,
        }
    }
}

impl Git {
    /// The repository with this working directory.
    pub fn at(dir: &Path) -> Git {
        Git { dir: dir.into() }
    }

    /// Makes a repository whose only branch is `fork`.
    pub fn init(dir: &Path) -> Result<Git> {
        std::fs::create_dir_all(dir)?;
        let git = Git::at(dir);
        git.run(&[
            "init",
            "--quiet",
            "--template=",
            "--object-format=sha1",
            "--initial-branch=fork",
            ".",
        ])?;
        // What people do in the checkout later must not depend on their configuration either.
        git.run(&["config", "core.autocrlf", "false"])?;
        Ok(git)
    }

    /// Runs git and returns what it prints.
    pub fn bytes(&self, args: &[&str]) -> Result<Vec<u8>> {
        let output = self.command(args).stdin(Stdio::null()).output();
        Ok(self.finish(args, output)?.stdout)
    }

    /// As [`Git::bytes`], as text without the last line feed.
    pub fn text(&self, args: &[&str]) -> Result<String> {
        let text = String::from_utf8(self.bytes(args)?)
            .with_context(|| format!("`git {}` printed no UTF-8", args.join(" ")))?;
        Ok(text.trim_end_matches('\n').into())
    }

    /// Runs git for its effect.
    pub fn run(&self, args: &[&str]) -> Result<()> {
        self.bytes(args).map(drop)
    }

    /// Whether git succeeds; what it prints is dropped.
    pub fn succeeds(&self, args: &[&str]) -> bool {
        self.command(args)
            .stdin(Stdio::null())
            .output()
            .is_ok_and(|o| o.status.success())
    }

    /// The first line of a commit's message.
    pub fn subject(&self, commit: &str) -> Result<String> {
        self.text(&["log", "-1", "--format=%s", commit])
    }

    /// Writes a line of commits to the branch `fork`, tags the first as `pin`, and fills the working directory.
    pub fn import(&self, commits: &[Commit]) -> Result<()> {
        let mut stream = Vec::new();
        for (
            i,
            Commit {
                author,
                date,
                message,
                files,
            },
        ) in commits.iter().enumerate()
        {
            stream.extend(format!("commit refs/heads/fork\nmark :{}\n", i + 1).bytes());
            stream.extend(format!("author {author} {date}\ncommitter {author} {date}\n").bytes());
            stream.extend(format!("data {}\n{message}\n", message.len()).bytes());
            for (path, bytes) in files {
                stream.extend(format!("M 100644 inline {path}\ndata {}\n", bytes.len()).bytes());
                stream.extend(bytes);
                stream.push(b'\n');
            }
        }
        stream.extend(b"reset refs/tags/pin\nfrom :1\n\ndone\n");
        let args = ["fast-import", "--quiet", "--done", "--date-format=rfc2822"];
        self.feed(&args, &stream)?;
        self.run(&["reset", "--quiet", "--hard"])
    }

    /// Runs git with an input, for its effect.
    pub fn feed(&self, args: &[&str], input: &[u8]) -> Result<()> {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).spawn().context(NO_GIT)?;
        // A failing git closes its input early; its own message is the better one.
        let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input));
        self.finish(args, child.wait_with_output()).map(drop)
    }

    /// A command line that git understands the same way everywhere.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = bare_command(&self.dir);
        command
            .env("GIT_CONFIG_GLOBAL", NULL)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_ATTR_NOSYSTEM", "1");
        // A damaged `.git` folder must not make git work on a repository around it.
        let above = self.dir.parent().unwrap_or(&self.dir);
        command.env("GIT_CEILING_DIRECTORIES", above);
        command
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", "true");
        for role in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{role}_NAME"), "xtask")
                .env(format!("GIT_{role}_EMAIL"), "xtask@localhost");
            command.env(format!("GIT_{role}_DATE"), DATE);
        }
        for key in ["attributesFile", "excludesFile", "hooksPath"] {
            command.arg("-c").arg(format!("core.{key}={NULL}"));
        }
        for setting in [
            "core.autocrlf=false",
            "core.fsmonitor=false",
            "commit.gpgsign=false",
            "gc.auto=0",
            "safe.directory=*",
        ] {
            command.args(["-c", setting]);
        }
        command
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn finish(&self, args: &[&str], output: std::io::Result<Output>) -> Result<Output> {
        let output = output.context(NO_GIT)?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            bail!(
                "`git {}` failed in {}:\n{}",
                args.join(" "),
                self.dir.display(),
                stderr.trim_end()
            );
        }
        Ok(output)
    }
}

/// Git as the user has configured it, but not bound to the repository of an enclosing git hook.
pub fn bare_command(dir: &Path) -> Command {
    let mut command = Command::new("git");
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("GIT_") && !matches!(&*name, "GIT_PAGER" | "GIT_EDITOR") {
            command.env_remove(key);
        }
    }
    command.current_dir(dir);
    command
}

/// The id of a file.
pub fn blob_id(bytes: &[u8]) -> String {
    object_id("blob", bytes)
}

/// The id of a tree, the same as git's.
pub fn tree_id(tree: &Tree) -> String {
    let files: Vec<(&str, &[u8])> = tree
        .iter()
        .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
        .collect();
    folder_id(&files)
}

const NO_GIT: &str = "cannot run git; `cargo xtask setup` installs it or says how";
const NULL: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

fn object_id(kind: &str, bytes: &[u8]) -> String {
    let mut hash = sha1_smol::Sha1::new();
    hash.update(format!("{kind} {}\0", bytes.len()).as_bytes());
    hash.update(bytes);
    hash.digest().to_string()
}

fn folder_id(files: &[(&str, &[u8])]) -> String {
    let mut folders: BTreeMap<&str, Vec<(&str, &[u8])>> = BTreeMap::new();
    let mut entries: Vec<(String, String)> = Vec::new();
    for (path, bytes) in files {
        match path.split_once('/') {
            Some((folder, rest)) => folders.entry(folder).or_default().push((rest, bytes)),
            None => entries.push((format!("100644 {path}"), blob_id(bytes))),
        }
    }
    entries.extend(
        folders
            .iter()
            .map(|(name, files)| (format!("40000 {name}"), folder_id(files))),
    );
    // Git sorts a folder as if its name ended with a slash.
    entries.sort_by_key(|(entry, _)| match entry.split_once(' ') {
        Some(("40000", name)) => format!("{name}/"),
        Some((_, name)) => name.to_string(),
        None => String::new(),
    });
    let mut object = Vec::new();
    for (entry, id) in entries {
        object.extend(entry.bytes());
        object.push(0);
        object.extend(
            (0..id.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&id[i..i + 2], 16).unwrap_or(0)),
        );
    }
    object_id("tree", &object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        files
            .iter()
            .map(|(path, text)| (path.to_string(), text.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn ids_are_those_of_git() {
        let dir = tempfile::tempdir().unwrap();
        let git = Git::init(dir.path()).unwrap();
        let files = tree(&[
            ("a/b.rs", "x\n"),
            ("a/b/c.rs", "y"),
            ("a-b", ""),
            ("a.b", "z"),
            ("z", "é\n"),
        ]);
        let commit = |message: &str, files: &Tree| Commit {
            author: "A <a@b>".into(),
            date: "Fri, 20 Nov 2026 09:32:21 +0100".into(),
            message: message.into(),
            files: files.clone(),
        };
        git.import(&[
            commit("one\n", &files),
            commit("two\n", &tree(&[("z", "new\n")])),
        ])
        .unwrap();
        assert_eq!(
            git.text(&["rev-parse", "pin^{tree}"]).unwrap(),
            tree_id(&files)
        );
        assert_eq!(
            git.text(&["rev-parse", "pin:a/b.rs"]).unwrap(),
            blob_id(b"x\n")
        );
        assert_eq!(std::fs::read(dir.path().join("z")).unwrap(), b"new\n");
        assert_eq!(
            git.text(&["log", "--format=%an %ae %aD %cD %s"])
                .unwrap()
                .lines()
                .next()
                .unwrap(),
            "A a@b Fri, 20 Nov 2026 09:32:21 +0100 Fri, 20 Nov 2026 09:32:21 +0100 two"
        );
        assert_eq!(git.text(&["status", "--porcelain"]).unwrap(), "");
    }

    #[test]
    fn failures_name_command_and_folder() {
        let dir = tempfile::tempdir().unwrap();
        let error = Git::at(dir.path())
            .run(&["rev-parse", "HEAD"])
            .unwrap_err()
            .to_string();
        assert!(error.contains("`git rev-parse HEAD` failed in"), "{error}");
    }
}
