//! The files of FINDINGS.md, each of which shows what is wrong in Cranelift: it must fail, and in the way
//! that its `;; fails: TEXT` says. One that passes has been corrected.

use filetests::{Failure, FileOutcome, FileReport, RunOptions, run_files};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const FAILS: &str = ";; fails: ";

#[test]
fn every_finding_is_still_there() {
    let reports = run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/findings.d"));
    assert!(reports.len() > 1, "there are no findings");
    let wrong = reports.iter().filter_map(|report| judge(report).err());
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_document_names_each_file_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let document = fs::read_to_string(root.join("FINDINGS.md")).unwrap();
    let names = document.split(['`', '(', ')', ' ', '\n']);
    let named: BTreeSet<&str> = names.filter(|name| name.ends_with(".clif")).collect();
    let files = fs::read_dir(root.join("filetests/tests/findings.d")).unwrap();
    let files: BTreeSet<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let missing: Vec<_> = files
        .iter()
        .filter(|name| !named.contains(name.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "FINDINGS.md does not name {missing:?} of filetests/tests/findings.d"
    );
    let unknown: Vec<_> = named
        .iter()
        .filter(|name| !files.contains(**name))
        .collect();
    assert!(
        unknown.is_empty(),
        "FINDINGS.md names {unknown:?}, which filetests/tests/findings.d lacks"
    );
}

/// The twin: what the first test would say of a file that is no finding, or another one.
#[test]
fn a_corrected_finding_is_noticed() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("a.clif");
    let judged = |text: &str| {
        fs::write(&path, text).unwrap();
        judge(&run(&path)[0])
    };
    let right = "test verifier\n;; fails: misplaced\n\nfunction %f() {\nblock0:\n    return ; error: misplaced\n}\n";
    assert_eq!(judged(right), Ok(()));
    for (from, to, says) in [
        ("; error: misplaced", "", "no longer fails"),
        ("fails: misplaced", "fails: otherwise", "fails otherwise"),
        (
            ";; fails: misplaced",
            ";; misplaced",
            "has no `;; fails: TEXT`",
        ),
        ("block0", "block", "fails otherwise"),
    ] {
        let error = judged(&right.replace(from, to)).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

/// Whether a file fails as it says; a job that cannot run here shows nothing, and is no failure.
fn judge(report: &FileReport) -> Result<(), String> {
    let path = report.path.display();
    let text = fs::read_to_string(&report.path).map_err(|error| format!("{path}: {error}"))?;
    let Some(wanted) = text.lines().find_map(|line| line.strip_prefix(FAILS)) else {
        return Err(format!(
            "{path}:1: has no `{FAILS}TEXT` that says how it fails"
        ));
    };
    match &report.outcome {
        FileOutcome::Failed(failure) if failure.message.contains(wanted) => Ok(()),
        FileOutcome::Failed(failure) => {
            let Failure { line, message, .. } = &**failure;
            Err(format!(
                "{path}:{line}: fails otherwise than `{FAILS}{wanted}` says: {message}"
            ))
        }
        FileOutcome::Passed => Err(format!(
            "{path}:1: no longer fails: what it shows is corrected; take it and its entry out of FINDINGS.md"
        )),
        FileOutcome::Skipped => {
            println!("{path}: skipped: {}", report.skips.join("; "));
            Ok(())
        }
        outcome => Err(format!("{path}:1: cannot be run: {outcome:?}")),
    }
}

/// Runs the file, or those of the folder.
fn run(path: &Path) -> Vec<FileReport> {
    let mut reports = Vec::new();
    run_files(&[path.to_owned()], &RunOptions::default(), &mut reports).unwrap();
    reports
}
