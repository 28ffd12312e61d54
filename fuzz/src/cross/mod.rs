//! Programs on other machines: compiled to object files, linked in batches with a C program that calls
//! them, run natively or under qemu, and compared with the interpreter bit for bit.
//!
//! - [`program`] makes one, and says what it must print;
//! - [`throw`] is about what its functions throw and catch;
//! - [`batch`] builds and runs many.
//!
//! Values go through slots of memory between C and the program, or through an out area among them where
//! the program's first function has one; nothing else of calls is C's to judge here, which `cargo xtask
//! c-abi` is about.

pub mod batch;
pub mod program;
pub mod throw;

use oracles::toolchain::{CTarget, Compiler};
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What to check.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The machine.
    pub target: CTarget,
    /// Makes the same programs again.
    pub seed: u64,
    /// The number of the first program.
    pub first: u64,
    /// Programs, at most.
    pub count: u64,
    /// After this no batch begins.
    pub time: Duration,
    /// Batches at a time.
    pub jobs: usize,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Programs that do what the interpreter says.
    pub passed: u64,
    /// Those of them that trap.
    pub traps: u64,
    /// Programs that the target does not compile.
    pub rejected: u64,
    /// Programs that do something else, also with `tail` functions in place of ours.
    pub upstreams: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// A program that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which one, if it is wrong by itself.
    pub number: Option<u64>,
    /// What is wrong with it.
    pub what: String,
    /// Its filetest.
    pub text: String,
}

/// Programs in a batch. A link takes the time of a dozen runs.
const BATCH: u64 = 64;

/// What of all programs may be rejected at most, and be upstream's, in a thousand each. On riscv64 qemu ends itself on two in a thousand.
const MAX_SHARE: u64 = 10;

/// What may be rejected in a short run, where chance decides; one program may be upstream's.
const MAX_FEW: u64 = 3;

impl Campaign {
    /// Checks batch after batch, until there is a finding.
    ///
    /// # Errors
    ///
    /// If a tool is missing or fails.
    pub fn run(&self) -> Result<Report, String> {
        self.target.check_tools(Compiler::Gcc)?;
        let start = Instant::now();
        let next = AtomicU64::new(self.first);
        let end = self.first.saturating_add(self.count);
        let total = Mutex::new(Ok(Report::default()));
        let work = || {
            loop {
                let first = next.fetch_add(BATCH, Relaxed);
                let is_over = || match &*total.lock().unwrap_or_else(|p| p.into_inner()) {
                    Ok(report) => !report.findings.is_empty(),
                    Err(_) => true,
                };
                if first >= end || start.elapsed() >= self.time || is_over() {
                    return;
                }
                let numbers = first..end.min(first + BATCH);
                let part = batch::check(self.target, self.seed, numbers);
                let mut total = total.lock().unwrap_or_else(|p| p.into_inner());
                match (&mut *total, part) {
                    (Ok(total), Ok(part)) => total.add(part),
                    (total, Err(error)) => *total = Err(error),
                    (Err(_), Ok(_)) => {}
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(work);
            }
        });
        total.into_inner().unwrap_or_else(|p| p.into_inner())
    }
}

impl Report {
    /// Programs that were judged.
    pub fn programs(&self) -> u64 {
        self.passed + self.upstreams + self.rejected + self.findings.len() as u64
    }

    /// Is all well, and has it judged nearly every program?
    pub fn is_success(&self) -> bool {
        let programs = self.programs();
        let is_seldom = |count, few| count <= few || count * 1000 <= programs * MAX_SHARE;
        self.findings.is_empty()
            && self.passed > 0
            && is_seldom(self.rejected, MAX_FEW)
            && is_seldom(self.upstreams, 1)
    }

    fn add(&mut self, other: Report) {
        self.passed += other.passed;
        self.traps += other.traps;
        self.rejected += other.rejected;
        self.upstreams += other.upstreams;
        self.findings.extend(other.findings);
    }
}

/// As a line of a test's summary.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report {
            passed,
            traps,
            rejected,
            upstreams,
            findings,
        } = self;
        let failed = findings.len();
        let share = 100.0 * *rejected as f64 / self.programs().max(1) as f64;
        write!(
            f,
            "{passed} passed, {failed} failed, 0 skipped: {traps} of them trap; {rejected} rejected \
             ({share:.2} %); {upstreams} of upstream's"
        )
    }
}

/// This machine, if programs for it can be judged.
#[cfg(test)]
fn native() -> Option<CTarget> {
    let target = CTarget::host();
    if target.is_none() {
        println!("skipped: there is no C compiler for this machine in the list");
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On this machine, which needs no emulator.
    #[test]
    fn smoke() {
        let Some(target) = native() else {
            return;
        };
        let campaign = Campaign {
            target,
            // Some of whose first programs trap.
            seed: 11,
            first: 0,
            count: BATCH,
            time: Duration::MAX,
            jobs: 1,
        };
        let report = campaign.run().expect("gcc");
        println!("{report}");
        assert!(report.is_success(), "{:?}", report.findings);
        assert!(report.traps > 0 && report.traps < report.passed / 2);
    }

    #[test]
    fn a_report_without_judgements_is_no_success() {
        let is_success = |passed, rejected, upstreams| {
            let report = Report {
                passed,
                rejected,
                upstreams,
                ..Report::default()
            };
            report.is_success()
        };
        assert!(is_success(10, 3, 0) && is_success(396, 4, 0));
        assert!(!is_success(10, 4, 0) && !is_success(395, 4, 0));
        assert!(!is_success(0, 0, 0));
        assert!(is_success(10, 0, 1) && is_success(198, 0, 2));
        assert!(!is_success(10, 0, 2) && !is_success(197, 0, 3));
    }
}
