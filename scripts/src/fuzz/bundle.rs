//! `cargo xtask fuzz --out`: what a fuzzing service runs, in its layout.
//!
//! ```text
//!   OUT/interpret                      the program
//!   OUT/interpret.options              options of libFuzzer
//!   OUT/interpret_seed_corpus.zip      inputs to begin with
//!   OUT/text.dict                      words, for the target that has any
//! ```

use crate::repo::{Repo, write};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Writes one target into the folder `out`, which is there.
pub fn bundle(
    repo: &Repo,
    target: &str,
    seeds: &Path,
    dictionary: Option<&Path>,
    out: &Path,
) -> Result<()> {
    let program = program(repo, target)?;
    fs::copy(&program, out.join(target))
        .with_context(|| format!("cannot copy {}", program.display()))?;
    let mut options = String::from("[libfuzzer]\ntimeout = 60\nrss_limit_mb = 4096\n");
    if let Some(dictionary) = dictionary {
        let name = format!("{target}.dict");
        fs::copy(dictionary, out.join(&name))?;
        options += &format!("dict = {name}\n");
    }
    write(&out.join(format!("{target}.options")), options.as_bytes())?;
    let archive = out.join(format!("{target}_seed_corpus.zip"));
    if archive.exists() {
        fs::remove_file(&archive)?;
    }
    let mut zip = Command::new("zip");
    zip.args(["--quiet", "--recurse-paths", "--junk-paths"]);
    let status = zip.arg(&archive).arg(seeds).status();
    let status = status.context("cannot run zip; install the package `zip`")?;
    ensure!(status.success(), "zip fails");
    Ok(())
}

/// The program that `cargo fuzz build` has made.
fn program(repo: &Repo, target: &str) -> Result<std::path::PathBuf> {
    let output = Command::new("rustc").arg("-vV").output()?.stdout;
    let output = String::from_utf8_lossy(&output);
    let host = output.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not say what it runs on")?;
    Ok(repo.target().join(host).join("release").join(target))
}
