//! All filetests of this repository, as one test.

use filetests::report::{Style, render_file, render_summary};
use filetests::{FileReport, Observer, RunOptions, run_files};
use std::path::Path;

#[test]
fn all_filetests_pass() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests");
    let mut failures = Failures::default();
    let summary = run_files(&[directory], &RunOptions::default(), &mut failures).unwrap();
    assert!(summary.is_success(), "{}", failures.0);
    assert!(summary.passed > 0, "there are no filetests");
    println!("{}", render_summary(&summary, Style::default()));
}

#[derive(Default)]
struct Failures(String);

impl Observer for Failures {
    fn progress(&mut self, _done: usize, _total: usize) {}

    fn report(&mut self, report: &FileReport) {
        if report.is_failure() {
            self.0.push_str(&render_file(report, Style::default()));
        }
    }
}
