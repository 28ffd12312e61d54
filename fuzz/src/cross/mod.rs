//! Programs on other machines: compiled to object files, linked in batches with a C program that calls
//! them, run natively or under qemu, and compared with the interpreter bit for bit.
//!
//! - [`program`] makes one, and says what it must print;
//! - [`batch`] builds and runs many.
//!
//! Values go through slots of memory between C and the program, or through an out area among them where
//! the program's first function has one; nothing else of calls is C's to judge here, which `cargo xtask
//! c-abi` is about.

pub mod batch;
pub mod program;

use filetests::c_abi::toolchain::{CTarget, Compiler};
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
    /// Programs that were made.
    pub programs: u64,
    /// Those of them that trap, as they must.
    pub traps: u64,
    /// Those that the target does not compile.
    pub rejected: u64,
    /// What is wrong, each with a filetest.
    pub findings: Vec<String>,
}

/// Programs in a batch. A link takes the time of a dozen runs.
const BATCH: u64 = 64;

/// What of all programs may be rejected at most, in percent.
pub const MAX_REJECTED: u64 = 5;

impl Campaign {
    /// Checks batch after batch, until there is a finding.
    ///
    /// # Errors
    ///
    /// If a tool is missing or fails.
    pub fn run(&self) -> Result<Report, String> {
        self.target.check_tools(Compiler::Gcc)?;
        let start = Instant::now();
        let next = AtomicU64::new(0);
        let total = Mutex::new(Ok(Report::default()));
        let work = || {
            loop {
                let first = next.fetch_add(BATCH, Relaxed);
                let is_over = || match &*total.lock().unwrap_or_else(|p| p.into_inner()) {
                    Ok(report) => !report.findings.is_empty(),
                    Err(_) => true,
                };
                if first >= self.count || start.elapsed() >= self.time || is_over() {
                    return;
                }
                let numbers = first..self.count.min(first + BATCH);
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
    /// Is all well, and has it judged nearly every program?
    pub fn is_success(&self) -> bool {
        let judged = self.programs - self.rejected;
        let is_rejected_seldom = self.rejected * 100 < self.programs * MAX_REJECTED;
        self.findings.is_empty() && judged > 0 && is_rejected_seldom
    }

    fn add(&mut self, other: Report) {
        self.programs += other.programs;
        self.traps += other.traps;
        self.rejected += other.rejected;
        self.findings.extend(other.findings);
    }
}

/// As a line of a test's summary.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, judged) = (self.findings.len(), self.programs - self.rejected);
        let share = 100.0 * self.rejected as f64 / self.programs.max(1) as f64;
        write!(
            f,
            "{} passed, {failed} failed, 0 skipped: {} of them trap; {} rejected ({share:.2} %)",
            judged - failed as u64,
            self.traps,
            self.rejected
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On this machine, which needs no emulator.
    #[test]
    fn smoke() {
        let mut all = CTarget::ALL.into_iter();
        let Some(target) = all.find(|target| target.architecture() == std::env::consts::ARCH)
        else {
            println!("skipped: there is no C compiler for this machine in the list");
            return;
        };
        let campaign = Campaign {
            target,
            seed: 0,
            count: BATCH,
            time: Duration::MAX,
            jobs: 1,
        };
        let report = campaign.run().expect("gcc");
        println!("{report}");
        assert!(report.is_success(), "{}", report.findings.join("\n"));
        assert!(report.traps > 0 && report.traps < report.programs / 2);
    }

    #[test]
    fn a_report_without_judgements_is_no_success() {
        let report = |programs, rejected| Report {
            programs,
            rejected,
            ..Report::default()
        };
        assert!(report(100, 4).is_success());
        assert!(!report(100, 5).is_success());
        assert!(!report(0, 0).is_success());
    }
}
