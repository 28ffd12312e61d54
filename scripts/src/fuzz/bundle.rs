//! `cargo xtask fuzz --out`: what a fuzzing service runs, in its layout.
//!
//! ```text
//!   OUT/interpret                      the program
//!   OUT/interpret.options              options of libFuzzer
//!   OUT/interpret_seed_corpus.zip      inputs to begin with
//!   OUT/text.dict                      words, for the target that has any
//! ```

use super::report::Run;
use crate::git::Git;
use crate::repo::{Repo, files_below, read, remove, write};
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
    let mut options = String::from("[libfuzzer]\n");
    for (name, value) in super::options(target) {
        options += &format!("{name} = {value}\n");
    }
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
    let status = status.context("cannot run zip; `cargo xtask setup` installs it or says how")?;
    ensure!(status.success(), "zip fails");
    Ok(())
}

/// What a service runs to build.
const BUILD: &str = ".clusterfuzzlite/build.sh";

/// Runs the build as a service does, in a clone of the commit that is checked out and into a folder that is not there, and what it
/// writes.
///
/// Cargo's folder stays from run to run, so that the fork, what depends on it and our packages are built anew and nothing else. It is
/// not the caller's, whose packages have the same names to Cargo and might be other files.
pub fn check(repo: &Repo) -> Result<()> {
    let folder = repo.target().join("fuzz/service");
    fs::create_dir_all(&folder)?;
    let [source, out, seeds] = ["src", "out", "seeds"].map(|name| folder.join(name));
    [&source, &out, &seeds]
        .into_iter()
        .try_for_each(|old| remove(old))?;
    let clone = source.to_str().context("the path is not UTF-8")?;
    // What `clone` runs to read does not get its settings.
    let reader = "--upload-pack=git -c safe.directory=* upload-pack";
    Git::at(&repo.path("")).run(&["clone", "--quiet", reader, ".", clone])?;
    // In the service's image it is outside of the repository too.
    let script = folder.join("build.sh");
    fs::copy(source.join(BUILD), &script)?;
    let mut build = Command::new("bash");
    build
        .arg(script)
        .current_dir(&source)
        .env("OUT", &out)
        .env("CARGO_TARGET_DIR", folder.join("target"));
    ensure!(build.status()?.success(), "{BUILD} fails");
    let targets = super::targets(&Repo::at(&source))?;
    let written = files_below(&out)?;
    ensure!(written == names(&targets), "it writes {written:?}");
    for target in &targets {
        run_seeds(&out, target, &seeds.join(target))?;
    }
    Ok(())
}

/// The files of a bundle, sorted.
fn names(targets: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    for target in targets {
        let ends = ["", ".options", "_seed_corpus.zip"].into_iter();
        let dictionary = super::reads_text(target).then_some(".dict");
        names.extend(ends.chain(dictionary).map(|end| format!("{target}{end}")));
    }
    names.sort();
    names
}

/// Unpacks the seeds of a target into a folder, and has its program judge each, with its options.
fn run_seeds(out: &Path, target: &str, seeds: &Path) -> Result<()> {
    fs::create_dir_all(seeds)?;
    let mut unzip = Command::new("unzip");
    unzip
        .arg("-q")
        .arg(out.join(format!("{target}_seed_corpus.zip")));
    let status = unzip.arg("-d").arg(seeds).status();
    let status = status.context("cannot run unzip; `cargo xtask setup` installs it or says how")?;
    ensure!(status.success(), "unzip fails");
    let options = read(&out.join(format!("{target}.options")))?;
    let options = String::from_utf8(options)?;
    let settings = options.lines().filter_map(|line| line.split_once(" = "));
    let output = Command::new(out.join(target))
        .current_dir(out)
        .args(settings.map(|(name, value)| format!("-{name}={value}")))
        .args(["-runs=0", "-print_final_stats=1"])
        .arg(seeds)
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let mut run = Run::new(target);
    text.lines().for_each(|line| run.line(line));
    run.check();
    let count = files_below(seeds)?.len();
    let is_complete = output.status.success() && count > 0 && run.executions >= count as u64;
    ensure!(
        is_complete && run.finding.is_none(),
        "{target} tries {} of {count} seeds, and judges {}: {}\n{text}",
        run.executions,
        run.judged(),
        run.finding.as_deref().unwrap_or("no finding")
    );
    println!("{target}: {count} seeds, {} judged", run.judged());
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

#[cfg(test)]
mod tests {
    /// An image cannot read `rust-version`, which is the one place that names the toolchain elsewhere.
    #[test]
    fn images_have_the_toolchain_of_the_workspace() {
        let manifest = include_str!("../../../Cargo.toml");
        let mut lines = manifest.lines();
        let version = lines.find_map(|line| line.strip_prefix("rust-version = "));
        let version = version.expect("a version").trim_matches('"');
        for image in [
            include_str!("../../../.clusterfuzzlite/Dockerfile"),
            include_str!("../../../fuzz/oss-fuzz/Dockerfile"),
        ] {
            let line = format!("ENV RUSTUP_TOOLCHAIN={version}");
            assert!(image.lines().any(|l| l == line), "no `{line}` in:\n{image}");
        }
    }
}
