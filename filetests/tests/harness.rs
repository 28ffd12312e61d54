//! The harness tested by files that say what must become of them.
//!
//! Each file under `tests/harness.d/` has lines of these forms, anywhere in it:
//!
//! - `;; must pass`
//! - `;; must skip: TEXT` — nothing of it can run, and a reason contains the text
//! - `;; must fail: TEXT` or `;; must fail: LINE: TEXT` — the report contains the text, and names
//!   that line; there may be several
//!
//! The first word of the file's name is the same: `pass`, `skip` or `fail`. The dot in the folder's
//! name keeps `clif-util test filetests` from entering it.

use filetests::report::{Style, render_file};
use filetests::{FileOutcome, FileReport, RunOptions, run_files};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[test]
fn files_of_commands_and_header() {
    let folders = [
        "alias-analysis",
        "c-abi",
        "cat",
        "compile",
        "domtree",
        "header",
        "inline",
        "interpret",
        "optimize",
        "print-cfg",
        "run",
        "safepoint",
        "unwind",
        "verifier",
    ];
    check(&folders, Duration::from_secs(300), 100);
}

#[test]
fn files_that_never_end_or_crash() {
    check(&["robust"], Duration::from_secs(5), 2);
}

#[test]
fn every_folder_is_tested() {
    let mut folders: Vec<String> = fs::read_dir(harness())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let mut expected = filetests::command::names().to_vec();
    expected.extend(["header", "robust"]);
    expected.sort();
    assert_eq!(folders, expected);
}

fn harness() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harness.d")
}

/// Runs the files of some folders, at least `count`, and compares reports with demands.
fn check(folders: &[&str], time_limit: Duration, count: usize) {
    let paths: Vec<PathBuf> = folders.iter().map(|name| harness().join(name)).collect();
    let options = RunOptions {
        time_limit,
        ..RunOptions::default()
    };
    let mut reports = Vec::new();
    run_files(&paths, &options, &mut reports).unwrap();
    let mut problems = String::new();
    for report in &reports {
        let text = fs::read_to_string(&report.path).unwrap();
        for problem in judge(report, &text) {
            let rendered = render_file(report, Style::default());
            problems += &format!("{}: {problem}\n{rendered}\n", report.path.display());
        }
    }
    assert!(problems.is_empty(), "{problems}");
    assert!(reports.len() >= count, "only {} files", reports.len());
}

/// What is wrong with a report, given the text of its file.
fn judge(report: &FileReport, text: &str) -> Vec<String> {
    let name = report.path.file_name().unwrap().to_string_lossy();
    let demands: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix(";; must "))
        .collect();
    if demands.is_empty() {
        return vec!["it does not say what must become of it".to_owned()];
    }
    let rendered = render_file(report, Style::default());
    let mut problems = Vec::new();
    for demand in demands {
        let met = match demand.split_once(": ") {
            None if demand == "pass" => {
                name.starts_with("pass") && report.outcome == FileOutcome::Passed
            }
            Some(("skip", reason)) => {
                name.starts_with("skip")
                    && report.outcome == FileOutcome::Skipped
                    && report.skips.iter().any(|skip| skip.contains(reason))
            }
            Some(("fail", message)) => {
                let message = with_path(message, &report.path);
                name.starts_with("fail") && report.is_failure() && rendered.contains(&message)
            }
            _ => false,
        };
        if !met {
            problems.push(format!("it does not meet `;; must {demand}`"));
        }
    }
    problems
}

/// Puts the path before a message that begins with a line number, as a report does.
fn with_path(message: &str, path: &Path) -> String {
    match message.split_once(": ") {
        Some((line, _)) if line.parse::<usize>().is_ok() => {
            format!("FAIL {}:{message}", path.display())
        }
        _ => message.to_owned(),
    }
}

#[test]
fn the_judge_sees_what_is_not_met() {
    let report = |outcome| FileReport::new(PathBuf::from("pass.clif"), outcome);
    assert_eq!(judge(&report(FileOutcome::Passed), ";; must pass"), [""; 0]);
    for (outcome, text) in [
        (FileOutcome::Passed, "nothing"),
        (FileOutcome::Passed, ";; must fail: "),
        (FileOutcome::Passed, ";; must skip: "),
        (FileOutcome::Skipped, ";; must pass"),
        (FileOutcome::NotSelected, ";; must pass"),
        (FileOutcome::Passed, ";; must be good"),
    ] {
        assert_eq!(judge(&report(outcome), text).len(), 1, "{text}");
    }
}
