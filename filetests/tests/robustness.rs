//! Inputs that are no filetests, or hardly any more: each is a failure of that file, or passes,
//! but never ends the run.

use filetests::{FileOutcome, RunOptions, run_files};
use oracles::seed::Seed;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use walkdir::WalkDir;

#[test]
fn strange_files_fail_with_a_message() {
    let folder = folder();
    let function = "function %f() {\nblock0:\n    return\n}\n";
    let many = |text: &str, count: usize| text.repeat(count);
    let files = [
        ("empty", String::new()),
        ("blank", many(" \n", 1000)),
        ("nul", "\0".to_owned()),
        ("only-header", "test cat\nset\ntarget".to_owned()),
        (
            "cut-off",
            "test cat\nfunction %f() {\nblock0:\n    retu".to_owned(),
        ),
        (
            "no-brace",
            format!("test cat\n{}", function.replace('}', "")),
        ),
        (
            "wrong-order",
            format!("target x86_64\ntest cat\n{function}"),
        ),
        ("long-line", format!("test cat\n{}", many("x", 1 << 20))),
        (
            "brackets",
            format!("test cat\nfunction %f{}", many("(", 1 << 16)),
        ),
        ("comments", many("; a comment\n", 1 << 16)),
        (
            "bad-number",
            format!("test cat\n{}", function.replace("0:", "99999999999:")),
        ),
        (
            "bad-directive",
            format!("test interpret\n{function}; run: %f(\n"),
        ),
        (
            "bad-count",
            format!("test interpret\n{function}; run: %f(1) == 1\n"),
        ),
    ];
    for (name, text) in &files {
        fs::write(folder.path().join(format!("{name}.clif")), text).unwrap();
    }
    fs::write(folder.path().join("latin-1.clif"), b"test cat\n; \xe9\n").unwrap();
    let reports = run(folder.path(), Duration::from_secs(300));
    assert_eq!(reports.len(), files.len() + 1);
    for (path, outcome) in reports {
        match outcome {
            FileOutcome::Failed(failure) => {
                assert!(!failure.message.is_empty(), "{path:?}");
                assert!(
                    !failure.message.contains("panicked"),
                    "{path:?}: {failure:?}"
                );
            }
            other => panic!("{path:?}: {other:?}"),
        }
    }
}

/// Compiled code of a mutated function may do anything, so nothing is run natively here.
#[test]
fn mutated_filetests_never_end_the_run() {
    const COPIES: u64 = 10;
    let folder = folder();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in WalkDir::new(root.join("filetests"))
        .into_iter()
        .chain(WalkDir::new(root.join("tests/harness.d")))
    {
        let entry = entry.unwrap();
        let is_test = entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "clif");
        // Large functions take their time, and are no different.
        if !is_test || entry.metadata().unwrap().len() > 20_000 {
            continue;
        }
        let text = fs::read_to_string(entry.path())
            .unwrap()
            .replace("test run", "test compile");
        for copy in 0..COPIES {
            let mut random = Seed::new(0, count * COPIES + copy);
            let mutated = mutate(text.as_bytes(), &mut random);
            fs::write(
                folder.path().join(format!("{count:05}-{copy}.clif")),
                mutated,
            )
            .unwrap();
        }
        count += 1;
    }
    let reports = run(folder.path(), Duration::from_secs(8));
    assert_eq!(reports.len() as u64, count * COPIES);
    let mut failed = 0;
    for (path, outcome) in reports {
        match outcome {
            FileOutcome::Failed(failure) => {
                assert!(!failure.message.is_empty(), "{path:?}");
                failed += 1;
            }
            FileOutcome::Unreadable(error) => panic!("{path:?}: {error}"),
            FileOutcome::Passed | FileOutcome::Skipped | FileOutcome::NotSelected => {}
        }
    }
    assert!(
        failed > count,
        "mutations change too little: {failed} failures"
    );
}

const BYTES: &[u8] = b" 019avx%,()[]{}=;:-\xff";

/// Applies a few changes of the kinds that editing goes wrong by.
fn mutate(text: &[u8], random: &mut Seed) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    for _ in 0..=random.below(3) {
        let line = random.below(lines.len());
        let other = random.below(lines.len());
        match random.below(7) {
            0 => lines[line].clear(),
            1 => lines.swap(line, other),
            2 => lines[line] = lines[other].clone(),
            3 => lines.insert(line, lines[other].clone()),
            4 => lines.truncate(line.max(1)),
            5 if !lines[line].is_empty() => {
                let column = random.below(lines[line].len());
                lines[line][column] = BYTES[random.below(BYTES.len())];
            }
            _ => {
                let column = random.below(lines[line].len() + 1);
                let tail = lines[other].clone();
                lines[line].truncate(column);
                lines[line].extend(tail);
            }
        }
    }
    lines.join(&b'\n')
}

fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn run(folder: &Path, time_limit: Duration) -> BTreeMap<PathBuf, FileOutcome> {
    let mut reports = Vec::new();
    let options = RunOptions {
        time_limit,
        ..RunOptions::default()
    };
    run_files(&[folder.to_owned()], &options, &mut reports).unwrap();
    let outcomes = reports.into_iter();
    outcomes
        .map(|report| (report.path, report.outcome))
        .collect()
}
