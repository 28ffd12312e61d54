//! Random signatures against C and Rust compilers, for seconds. `cargo xtask campaign c-abi` takes longer.

use cranelift_codegen::ir::{AbiParam, Signature, types};
use cranelift_codegen::isa::CallConv;
use filetests::{FileReport, RunOptions, run_files};
use multi_out_fuzz::signatures::{Campaign, Direction, Report, SETTINGS};
use oracles::platform::Platform;
use oracles::toolchain::{CTarget, Compiler};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

fn campaign(count: usize) -> Campaign {
    Campaign {
        seed: 1,
        signature: None,
        count,
        targets: Platform::ALL.to_vec(),
        compilers: Compiler::ALL.to_vec(),
        directions: Direction::ALL.to_vec(),
        jobs: 2,
        // For every setting to have its turn.
        batch: count.div_ceil(SETTINGS.len()),
        stops_at_mismatch: false,
        has_base_convention: false,
    }
}

/// Without the tools there is nothing to test; in continuous integration that is a failure.
fn run(campaign: &Campaign) -> Option<Report> {
    let missing = campaign.targets.iter().find_map(|target| {
        let mut compilers = campaign.compilers.iter();
        compilers.find_map(|compiler| target.check_tools(*compiler).err())
    });
    match missing {
        Some(missing) if std::env::var_os("CI").is_none() => {
            println!("skipped: {missing}");
            None
        }
        _ => Some(campaign.run(&|_| ())),
    }
}

#[test]
fn all_compilers_agree() {
    let Some(report) = run(&campaign(12)) else {
        return;
    };
    assert!(report.is_success(), "{report:#?}\n{}", report.table());
    // Six targets with gcc and clang, two of them with Rust on x86-64, and one with clang alone.
    assert!(report.cells.len() >= 26, "{}", report.table());
    for cell in report.cells.values() {
        assert_eq!(cell.checked, 12, "{}", report.table());
    }
}

/// The twin, everywhere: what passes must not pass under another convention. One direction at a time, as a program that crashes in one
/// is not run in the other.
#[test]
fn another_convention_is_seen_on_every_target() {
    for direction in Direction::ALL {
        let twin = Campaign {
            compilers: Compiler::OF_C.to_vec(),
            directions: vec![direction],
            has_base_convention: true,
            ..campaign(4)
        };
        let Some(report) = run(&twin) else {
            return;
        };
        for target in Platform::ALL {
            let mut found = report.mismatches.iter();
            assert!(found.any(|m| m.target == target), "{target} {direction}");
        }
    }
}

/// The twin: under another convention the same must be seen, shrunk, and fail as a filetest.
#[test]
fn a_mismatch_is_seen_and_shrunk() {
    for direction in Direction::ALL {
        let twin = Campaign {
            targets: vec![CTarget::X86_64.into()],
            compilers: vec![Compiler::Gcc],
            directions: vec![direction],
            has_base_convention: true,
            ..campaign(4)
        };
        let Some(report) = run(&twin) else {
            return;
        };
        let mismatch = report
            .mismatches
            .first()
            .expect("system_v is another convention");
        let file = mismatch.shrunk().unwrap();
        let header = file
            .lines()
            .find(|line| line.contains(" system_v_multi_out"));
        assert_eq!(header, None, "{file}");
        let results = file
            .lines()
            .filter(|line| line.starts_with(";; out: r"))
            .count();
        let params = file
            .lines()
            .filter(|line| line.starts_with(";; out: a"))
            .count();
        assert!(results == 2 && params < 2, "{file}");

        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let path = folder.path().join("mismatch.clif");
        fs::write(&path, &file).unwrap();
        assert!(outcome(&path).is_failure(), "{file}");
        let right = file.replace("system_v", "system_v_multi_out");
        // The function that C calls is `system_v` in both.
        let right = right.replace("caller_0() system_v_multi_out", "caller_0() system_v");
        fs::write(&path, &right).unwrap();
        let report = outcome(&path);
        assert!(!report.is_failure(), "{report:#?}\n{right}");
    }
}

/// A signature that is given, in a convention that does not write the area: the report names the field
/// and its bytes, and for Rust a command that repeats it.
#[test]
fn a_mismatch_names_the_field_and_repeats() {
    let mut signature = Signature::new(CallConv::SystemVMultiOut);
    signature.returns = [types::I32, types::F64].map(AbiParam::new).to_vec();
    let right = Campaign {
        signature: Some(signature),
        targets: vec![CTarget::X86_64.into()],
        compilers: vec![Compiler::Gcc, Compiler::Rustc],
        directions: vec![Direction::CalledByC],
        ..campaign(2)
    };
    let twin = Campaign {
        has_base_convention: true,
        ..right.clone()
    };
    let (Some(report), Some(twin)) = (run(&right), run(&twin)) else {
        return;
    };
    assert!(report.is_success(), "{report:#?}\n{}", report.table());
    assert_eq!(twin.mismatches.len(), 4, "{}", twin.table());
    for mismatch in &twin.mismatches {
        assert_eq!(
            mismatch.text,
            "result 0 at offset 0 of 16 is a5 a5 a5 a5, not 00 01 02 03"
        );
        let repeat = mismatch.shrunk().unwrap();
        let command = "cargo xtask campaign c-abi --target x86_64 --compiler rustc --direction called-by-c \
                       --signature '() -> i32, f64 system_v_multi_out'";
        assert_eq!(
            repeat.lines().last() == Some(command),
            mismatch.compiler == Compiler::Rustc,
            "{repeat}"
        );
    }
}

fn outcome(path: &Path) -> FileReport {
    let mut reports = Vec::new();
    run_files(&[path.to_owned()], &RunOptions::default(), &mut reports).unwrap();
    reports.pop().expect("there is one file")
}

#[test]
fn a_signature_is_compared_in_every_setting() {
    let run = |args: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_signatures"));
        program.args(["--target=x86_64", "--compiler=gcc", "--direction=calls-c"]);
        let output = program.args(args).output().expect("a program");
        let text = String::from_utf8(output.stdout).expect("text");
        (output.status.code(), text)
    };
    for wrong in ["(i8) -> i8", "(i8) -> i8 system_v", "(i0)"] {
        assert_eq!(run(&["--signature", wrong]).0, Some(2), "{wrong}");
    }
    // A signature of another target's convention.
    let apple = "(i8 sext) -> i8, f64 apple_aarch64_multi_out";
    assert_eq!(run(&["--signature", apple]).0, Some(2));
    let (code, text) = run(&["--signature", "(i8 sext) -> i8, f64 system_v_multi_out"]);
    if text.contains("is missing: `cargo xtask setup`") && std::env::var_os("CI").is_none() {
        println!("skipped: {text}");
        return;
    }
    // Four settings, directly and by address.
    assert!(text.contains("\n8 passed, 0 failed"), "{text}");
    assert_eq!(code, Some(0));
    let seed = |args: &[&str]| {
        let (_, text) = run(&[&["--count=1"], args].concat());
        let (_, rest) = text.split_once(" skipped: seed ").unwrap_or_default();
        rest.split(',').next().unwrap_or_default().to_owned()
    };
    assert_eq!(seed(&["--seed=7"]), "7");
    assert_ne!(seed(&[]), seed(&[]), "a campaign finds something new");
}
