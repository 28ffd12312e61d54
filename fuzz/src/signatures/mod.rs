//! Random signatures, compared with C and Rust in batches: `cargo xtask campaign c-abi`. [`oracles`] has the compilers.
//!
//! - `case` makes compiled functions for a signature; `cases_c` and `cases_rust` write the other side of many,
//!   with `runtime.c`;
//! - `batch` makes programs of them and runs these, and `shrink` makes a mismatch smaller, which `standalone` writes
//!   as a filetest.
//!
//! C is the judge of layout and calls: offsets and sizes are `offsetof` and `sizeof`. What the declarations assert of our
//! own layout only makes a program fail to compile.
//!
//! A batch is one object file of compiled functions, and for each compiler and optimization level one
//! file of the other side; the program tells which cases fail. One check is a signature with one
//! compiler, in one direction, at all levels.
//!
//! What this does not prove: what happens between calls of one function, spilling above all, as these
//! functions make at most one call; unwinding; and signatures of other conventions.

mod batch;
mod case;
mod cases_c;
mod cases_rust;
mod report;
mod shrink;
mod standalone;

pub use case::Direction;
pub use report::{Cell, FieldType, Mismatch, Report};

use batch::Batch;
use cranelift_codegen::ir::Signature;
use oracles::platform::Platform;
use oracles::toolchain::Compiler;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What to check.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Makes the same signatures again.
    pub seed: u64,
    /// Compare only this signature, again and again.
    pub signature: Option<Signature>,
    /// How many signatures to compare for each target, compiler and direction.
    pub count: usize,
    /// The targets.
    pub targets: Vec<Platform>,
    /// The compilers; those that a target does not have are left out.
    pub compilers: Vec<Compiler>,
    /// The directions.
    pub directions: Vec<Direction>,
    /// How many batches to work on at a time.
    pub jobs: usize,
    /// How many signatures are in a batch.
    pub batch: usize,
    /// Whether to begin no other batch once there is a mismatch.
    pub stops_at_mismatch: bool,
    /// Compiled code has the base of the target's convention, to test the campaign.
    pub has_base_convention: bool,
}

/// How many signatures there are for each batch, far more than are used.
const NUMBERS: usize = 100_000;

const LEVELS: [&str; 2] = ["-O0", "-O2"];

/// Settings that change how calls are compiled, for one batch after the other.
pub const SETTINGS: [&[&str]; 4] = [
    &["opt_level=speed"],
    &["opt_level=none", "regalloc_algorithm=single_pass"],
    &["opt_level=none", "is_pic=true"],
    &[
        "opt_level=speed",
        "regalloc_algorithm=single_pass",
        "is_pic=true",
    ],
];

impl Campaign {
    /// How many steps [`Campaign::run`] reports.
    pub fn steps(&self) -> usize {
        self.targets.len() * self.count.div_ceil(self.batch)
    }

    /// Checks everything, and reports how many steps are done.
    pub fn run(&self, progress: &(dyn Fn(usize) + Sync)) -> Report {
        let report = Mutex::new(Report::default());
        let batches = self.count.div_ceil(self.batch);
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || loop {
            let step = next.fetch_add(1, Ordering::Relaxed);
            let is_over = || {
                let report = report.lock().unwrap_or_else(|p| p.into_inner());
                self.stops_at_mismatch && !report.mismatches.is_empty()
            };
            if step >= self.steps() || is_over() {
                return;
            }
            // Targets in turn, so that slow and fast ones are spread.
            let target = self.targets[step % self.targets.len()];
            let batch = step / self.targets.len();
            debug_assert!(batch < batches);
            let count = self.batch.min(self.count - batch * self.batch);
            let part = Batch::new(self, target, SETTINGS[batch % SETTINGS.len()]);
            let part = match part {
                Ok(mut part) => {
                    part.check(batch * NUMBERS, count);
                    part.report
                }
                Err(error) => {
                    let mut report = Report::default();
                    report.broken.insert(error);
                    report
                }
            };
            report.lock().unwrap_or_else(|p| p.into_inner()).add(part);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        };
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(work);
            }
        });
        let mut report = report.into_inner().unwrap_or_else(|p| p.into_inner());
        report
            .mismatches
            .sort_by_key(|m| (m.target, m.compiler, m.direction, m.number));
        report
    }
}
