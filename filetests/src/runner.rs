//! Running many files: in parallel, reported in order.

use crate::collect::{Found, collect};
use crate::file::run_file;
use crate::job::JobOptions;
use crate::outcome::{Failure, FileOutcome, FileReport};
use crate::workers::{self, Ending};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// How to run a set of files.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// What the jobs of each file are and may do.
    pub job: JobOptions,
    /// How many files run at a time; by default one per logical processor.
    pub threads: usize,
    /// Run only files whose path contains this text.
    pub filter: Option<String>,
    /// A file that takes more of a processor's time has failed, and one that waits thirty times as long.
    pub time_limit: Duration,
}

impl Default for RunOptions {
    fn default() -> Self {
        RunOptions {
            job: JobOptions::default(),
            threads: thread::available_parallelism().map_or(1, NonZeroUsize::get),
            filter: None,
            time_limit: Duration::from_secs(120),
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files of which at least one job ran, and none failed.
    pub passed: usize,
    /// Files with a failure.
    pub failed: usize,
    /// Files nothing of which could run here.
    pub skipped: usize,
    /// Paths that could not be read.
    pub unreadable: usize,
    /// Jobs that passed.
    pub jobs_passed: usize,
    /// Reasons for jobs that could not run here, with the number of jobs.
    pub skip_reasons: BTreeMap<String, usize>,
    /// Functions whose expectations were rewritten.
    pub blessed: usize,
}

impl Summary {
    /// Whether every file could be read, and none failed.
    pub fn is_success(&self) -> bool {
        self.failed == 0 && self.unreadable == 0
    }

    /// Whether no job was selected.
    pub fn is_without_jobs(&self) -> bool {
        self.is_success() && self.passed == 0 && self.skipped == 0
    }

    fn add(&mut self, report: &FileReport) {
        match &report.outcome {
            FileOutcome::Passed => self.passed += 1,
            FileOutcome::Skipped => self.skipped += 1,
            FileOutcome::Failed(_) => self.failed += 1,
            FileOutcome::Unreadable(_) => self.unreadable += 1,
            FileOutcome::NotSelected => {}
        }
        self.jobs_passed += report.jobs_passed;
        self.blessed += report.blessed;
        for reason in &report.skips {
            *self.skip_reasons.entry(reason.clone()).or_default() += 1;
        }
    }
}

/// What a caller of [`run_files`] is told while it runs.
pub trait Observer {
    /// A file has ended, as the `done`th of `total`; files end in any order.
    fn progress(&mut self, _done: usize, _total: usize) {}

    /// The report of a file; reports come in the order of the files.
    fn report(&mut self, report: &FileReport);
}

/// All reports.
impl Observer for Vec<FileReport> {
    fn report(&mut self, report: &FileReport) {
        self.push(report.clone());
    }
}

/// Runs all test files under `paths`, in parallel, and reports them in a fixed order.
///
/// No panic, crash or endless loop of a test ends the run; each is a failure of its file. For
/// that, this installs a panic hook and handlers of fatal signals for the rest of the process.
pub fn run_files(
    paths: &[PathBuf],
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> std::io::Result<Summary> {
    run_selected(select(paths, options), options, observer)
}

/// Like [`run_files`], for files that have been found already.
pub fn run_selected(
    files: Vec<Found>,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> std::io::Result<Summary> {
    let total = files.len();
    let mut summary = Summary::default();
    let mut waiting: BTreeMap<usize, FileReport> = BTreeMap::new();
    let mut next = 0;
    let mut done = 0;

    let task = {
        let files = files.clone();
        let options = options.job.clone();
        move |index: usize| match &files[index] {
            Ok(path) => run_file(path, &options),
            Err((path, error)) => {
                FileReport::new(path.clone(), FileOutcome::Unreadable(error.clone()))
            }
        }
    };
    workers::run(
        total,
        options.threads,
        options.time_limit,
        task,
        |index, ending, elapsed| {
            done += 1;
            observer.progress(done, total);
            let report = report_of(&files[index], ending, elapsed);
            waiting.insert(index, report);
            while let Some(report) = waiting.remove(&next) {
                next += 1;
                summary.add(&report);
                observer.report(&report);
            }
        },
    )?;
    Ok(summary)
}

/// The files that a run with these options would run, in order.
pub fn select(paths: &[PathBuf], options: &RunOptions) -> Vec<Found> {
    let mut files = collect(paths);
    if let Some(filter) = &options.filter {
        files.retain(|found| match found {
            Ok(path) => path.to_string_lossy().contains(filter),
            Err(_) => true,
        });
    }
    files
}

fn report_of(found: &Found, ending: Ending<FileReport>, elapsed: Duration) -> FileReport {
    let path = match found {
        Ok(path) | Err((path, _)) => path.clone(),
    };
    let (what, note) = match ending {
        Ending::Done(report) => return report,
        Ending::Crashed(signal, note) => {
            (format!("crashed with {signal} while {}", note.doing), note)
        }
        Ending::TimedOut(limit, note) => {
            let last = &note.doing;
            (
                format!("did not end within {limit}; it was last {last}"),
                note,
            )
        }
    };
    let mut failure = Failure::at(note.line, what);
    failure.job = Some(note.job).filter(|job| !job.is_empty());
    failure.target = Some(note.target).filter(|target| !target.is_empty());
    let mut report = FileReport::new(path, FileOutcome::Failed(Box::new(failure)));
    report.elapsed = elapsed;
    report
}
