//! All filetests of this repository, as one test.

use filetests::collect::collect;
use filetests::command;
use filetests::report::{Style, render_file, render_summary};
use filetests::{RunOptions, bless, run_files};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn all_filetests_pass() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests");
    let mut reports = Vec::new();
    let mut options = RunOptions::default();
    options.job.bless = bless::is_asked_for();
    let summary = run_files(&[directory], &options, &mut reports).unwrap();
    let failures = reports.iter().filter(|report| report.is_failure());
    let failures = failures.map(|report| render_file(report, Style::default()));
    assert!(summary.is_success(), "{}", failures.collect::<String>());
    assert!(summary.passed > 0, "there are no filetests");
    println!("{}", render_summary(&summary, Style::default()));
}

#[test]
fn every_command_is_used() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests");
    let mut lines = BTreeSet::new();
    for found in collect(&[directory]) {
        let text = fs::read_to_string(found.unwrap()).unwrap();
        let tests = text.lines().filter_map(|line| line.strip_prefix("test "));
        lines.extend(tests.flat_map(str::split_whitespace).map(str::to_owned));
    }
    let words = ["expect-fail", "precise-output"];
    for word in command::names().iter().chain(&words) {
        assert!(lines.contains(*word), "no filetest uses `{word}`");
    }
}
