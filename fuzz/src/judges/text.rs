//! `text`: any bytes as a filetest.
//!
//! Reader, verifier, harness and the declarations of `clif-util abi` end without a panic, and a
//! function that is printed and read again prints the same. Files that would run code are only read:
//! hostile code may do anything.
//!
//! Cranelift itself panics on some functions that verify. A panic is a finding if it is in a file of
//! ours, or if it is not in the same place when the text has another convention instead of ours.
//!
//! What is no filetest is rejected, and stays in a corpus all the same: texts are found through such.

use crate::blame::{is_in_our_part, place};
use crate::{Oracle, Verdict};
use arbitrary::{Arbitrary, Unstructured};
use cranelift_reader::{IsaSpec, ParseOptions, TestFile, parse_functions};
use filetests::abi::{self, Section, c, rust};
use filetests::file::run_bytes;
use filetests::panics::contain;
use filetests::parse::parse;
use filetests::{FileOutcome, JobOptions};
use std::fmt;
use std::path::Path;

/// See the module.
pub struct Text;

/// A file.
pub struct Case(Vec<u8>);

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(input: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Vec::arbitrary(input).map(Case)
    }

    fn arbitrary_take_rest(input: Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Case(input.take_rest().to_vec()))
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

const OURS: [&str; 3] = [
    "system_v_multi_out",
    "windows_fastcall_multi_out",
    "apple_aarch64_multi_out",
];

/// What a failure says if it is a panic.
const PANICKED: &str = "panicked";

/// A convention with any number of results.
const OTHER: &str = "fast";

impl Oracle for Text {
    const NAME: &'static str = "text";
    const KEEPS_REJECTED: bool = true;
    type Case = Case;

    fn check(Case(bytes): &Case) -> Verdict {
        let Ok(text) = std::str::from_utf8(bytes) else {
            let report = run_bytes(Path::new("fuzz.clif"), bytes, &JobOptions::default());
            assert!(matches!(report.outcome, FileOutcome::Failed(_)));
            return super::reject(Self::NAME, "bytes that are no UTF-8");
        };
        if text.contains(PANICKED) {
            return super::reject(
                Self::NAME,
                "a text that failures quote as if it were a panic",
            );
        }
        match outcome(text) {
            Ok(None) => Verdict::Passed,
            Ok(Some(panic)) => {
                let is_same = |other: String| place(&other) == place(&panic);
                let other = outcome(&in_other(text)).ok().flatten();
                if is_in_our_part(&panic) || !other.is_some_and(is_same) {
                    panic!("{panic}");
                }
                Verdict::Passed
            }
            Err(error) => super::reject(Self::NAME, &error),
        }
    }
}

/// Whose panics, if they are the same ones, are upstream's.
fn in_other(text: &str) -> String {
    OURS.iter()
        .fold(text.to_owned(), |text, ours| text.replace(ours, OTHER))
}

/// What the harness, or anything below it, panics with, if it does. The error says why the text is no filetest.
fn outcome(text: &str) -> Result<Option<String>, String> {
    match contain(|| judge(text)) {
        Ok(judged) => judged.map(|failure| failure.filter(|failure| failure.contains(PANICKED))),
        Err(panic) => Ok(Some(panic.to_string())),
    }
}

/// Everything that can be done with a text but running it. The harness's failure, if it has one.
fn judge(text: &str) -> Result<Option<String>, String> {
    let file = match parse(text, ParseOptions::default()) {
        Ok(file) => file,
        Err(error) if error.failure.message.contains(PANICKED) => {
            return Ok(Some(error.failure.message));
        }
        Err(error) => return Err(error.failure.message),
    };
    check_printing(&file);
    if let Some(refusal) = declare(&file, text) {
        return Ok(Some(refusal));
    }
    let runs_code = |name: &str| matches!(name, "run" | "interpret" | "c-abi");
    if file.commands.iter().any(|line| runs_code(line.command)) {
        return Ok(None);
    }
    let options = JobOptions::default();
    Ok(
        match run_bytes(Path::new("fuzz.clif"), text.as_bytes(), &options).outcome {
            FileOutcome::Failed(failure) => Some(failure.message),
            _ => None,
        },
    )
}

/// A printed function is read as what it was.
fn check_printing(file: &TestFile<'_>) {
    for (func, _) in &file.functions {
        let printed = func.to_string();
        match parse_functions(&printed).as_deref() {
            Ok([again]) => assert_eq!(again.to_string(), printed),
            Ok(_) => panic!("not one function:\n{printed}"),
            Err(error) => panic!("{error}:\n{printed}"),
        }
    }
}

/// As `clif-util abi` does in all its languages. The panic of a backend, if there was one.
fn declare(file: &TestFile<'_>, text: &str) -> Option<String> {
    let IsaSpec::Some(isas) = &file.isa_spec else {
        return None;
    };
    for used in abi::signatures(file, text) {
        for isa in isas {
            match abi::locate(&**isa, &used.signature) {
                Ok(locations) => drop(abi::text::locations(&used.signature, &locations)),
                Err(error) if error.contains(PANICKED) => return Some(error),
                Err(_) => {}
            }
            if let Some(mut section) = c::Section::new(isa.triple()) {
                let _ = abi::declare(&mut section, &mut c::Section::names(), &**isa, &used);
                c::Section::file(&[section]);
            }
            if let Some(mut section) = rust::Section::new(isa.triple()) {
                let _ = abi::declare(&mut section, &mut rust::Section::names(), &**isa, &used);
                rust::Section::file(&[section]);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn a_number_out_of_proportion_is_refused_before_it_takes_memory() {
        let text = b"test verifier\nfunction %f() {\nblock222222220:\n    return\n}\n";
        assert_eq!(Text::check(&Case(text.to_vec())), Verdict::Rejected);
    }

    #[test]
    fn a_text_that_speaks_of_a_panic_is_none() {
        let text = b"test cat\nfunction %f() {\nblock0:\n    return\n}\n; check: panicked\n";
        assert_eq!(Text::check(&Case(text.to_vec())), Verdict::Rejected);
    }

    /// Random bytes say little; the filetests, each with a few bytes changed, say more.
    #[test]
    fn smoke() {
        use oracles::seed::Seed;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../filetests/filetests");
        let files = filetests::collect::collect(&[folder]);
        let start = Instant::now();
        let mut rejected = 0;
        for number in 0.. {
            let mut seed = Seed::new(0, number);
            let path = files[seed.below(files.len())].as_ref().expect("a path");
            let mut bytes = std::fs::read(path).expect("a filetest");
            for _ in 0..seed.below(4) {
                let (place, byte) = (seed.below(bytes.len()), seed.below(256));
                bytes[place] = byte as u8;
            }
            rejected += u64::from(Text::check(&Case(bytes)) == Verdict::Rejected);
            if number > 100 && start.elapsed() > Duration::from_secs(1) {
                println!("text: {number} cases, {rejected} rejected");
                assert!(rejected * 4 < number * 3);
                break;
            }
        }
    }
}
