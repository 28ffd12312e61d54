//! Valid and rejected inputs of this process, printed now and then and at the end.
//!
//! The last numbers are also a line at the end of the file that the variable `FUZZ_TALLY` names, where the
//! processes of a fuzzer that share their work add up: `CASES REJECTED`.

use crate::Verdict;
use std::fs::File;
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static NAME: OnceLock<&'static str> = OnceLock::new();
static CASES: AtomicU64 = AtomicU64::new(0);
static REJECTED: AtomicU64 = AtomicU64::new(0);

/// Counts a case of the only target of this process.
pub fn count(target: &'static str, verdict: Verdict) {
    NAME.get_or_init(|| {
        // libFuzzer ends with `exit`, without a word to Rust.
        // SAFETY: the function prints, and may be called at any time.
        unsafe { libc::atexit(finish) };
        target
    });
    if verdict == Verdict::Rejected {
        REJECTED.fetch_add(1, Relaxed);
    }
    let cases = 1 + CASES.fetch_add(1, Relaxed);
    if cases.is_power_of_two() {
        print();
    }
}

/// Prints the last numbers, and writes them to the file, which `cargo xtask fuzz` reads.
extern "C" fn finish() {
    print();
    let line = format!("{} {}\n", CASES.load(Relaxed), REJECTED.load(Relaxed));
    if let Some(path) = std::env::var_os("FUZZ_TALLY") {
        let file = File::options().create(true).append(true).open(&path);
        if let Err(error) = file.and_then(|mut file| file.write_all(line.as_bytes())) {
            eprintln!("{}: {error}", path.display());
        }
    }
}

fn print() {
    let (cases, rejected) = (CASES.load(Relaxed), REJECTED.load(Relaxed));
    let share = 100.0 * rejected as f64 / cases.max(1) as f64;
    let name = NAME.get().copied().unwrap_or_default();
    eprintln!("{name}: {cases} cases, {rejected} rejected ({share:.2} %)");
}
