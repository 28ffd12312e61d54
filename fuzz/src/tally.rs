//! Valid and rejected inputs of this process, printed now and then and at the end.

use crate::Verdict;
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
        unsafe { libc::atexit(print) };
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

/// `cargo xtask fuzz` reads this line.
extern "C" fn print() {
    let (cases, rejected) = (CASES.load(Relaxed), REJECTED.load(Relaxed));
    let share = 100.0 * rejected as f64 / cases.max(1) as f64;
    let name = NAME.get().copied().unwrap_or_default();
    eprintln!("{name}: {cases} cases, {rejected} rejected ({share:.2} %)");
}
