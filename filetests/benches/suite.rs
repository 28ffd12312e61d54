//! How many files per second the harness runs, and where the time goes.
//!
//! `cargo bench -p filetests` copies the filetests of this repository, and those of the harness
//! that pass, until there are a thousand, and runs them a few times.

use filetests::report::{Style, render_file};
use filetests::{RunOptions, run_files, timings};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;
use walkdir::WalkDir;

const FILES: usize = 1000;
const RUNS: usize = 5;

fn main() -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("suite");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let originals = originals();
    for (number, original) in originals.iter().cycle().take(FILES).enumerate() {
        fs::copy(original, folder.join(format!("{number:04}.clif")))?;
    }

    timings::enable();
    let options = RunOptions::default();
    println!(
        "{FILES} copies of {} files, {} threads",
        originals.len(),
        options.threads
    );
    for run in 1..=RUNS {
        let mut reports = Vec::new();
        let start = Instant::now();
        let summary = run_files(std::slice::from_ref(&folder), &options, &mut reports)?;
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "run {run}: {seconds:.3} s, {:.0} files/s, {:.0} jobs/s, {} failed",
            FILES as f64 / seconds,
            summary.jobs_passed as f64 / seconds,
            summary.failed
        );
        for report in reports.iter().filter(|report| report.is_failure()) {
            print!("{}", render_file(report, Style::default()));
        }
    }
    println!("{}", timings::report());
    Ok(())
}

/// The repository's filetests, and the harness's that pass.
fn originals() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = |folder: &str| {
        WalkDir::new(root.join(folder))
            .sort_by_file_name()
            .into_iter()
            .filter_map(Result::ok)
            .map(|entry| entry.into_path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "clif")
            })
    };
    let passing = files("tests/harness.d").filter(|path| {
        let name = path.file_name().unwrap_or_default();
        name.as_encoded_bytes().starts_with(b"pass")
    });
    files("filetests").chain(passing).collect()
}
