//! What a job and a file can end as.

use std::path::PathBuf;
use std::time::Duration;

/// Why a job failed, in a form that a reporter can lay out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The line of the file that the failure is about, from 1; the first if that is the whole file.
    pub line: usize,
    /// The column in that line, in characters from 1, where it is known.
    pub column: Option<u32>,
    /// The functions that the failure is about, unless the message names them or there are none.
    pub functions: Option<Box<str>>,
    /// A sentence, without a final full stop; more lines may follow it.
    pub message: String,
    /// Expected and actual lines, when the failure is a difference between two texts.
    pub diff: Option<Box<Diff>>,
    /// The `test` line that was running, without the word `test`.
    pub job: Option<String>,
    /// The target of the job, if its command has one job per target.
    pub target: Option<String>,
}

impl Failure {
    /// A failure at `line`.
    pub fn at(line: usize, message: impl Into<String>) -> Self {
        Failure {
            line,
            column: None,
            functions: None,
            message: message.into(),
            diff: None,
            job: None,
            target: None,
        }
    }

    /// Adds the column, in characters from 1.
    pub fn with_column(mut self, column: usize) -> Self {
        self.column = u32::try_from(column).ok();
        self
    }

    /// Adds the functions that the failure is about, if that is not known yet.
    pub fn about(mut self, functions: &str) -> Self {
        let sentence = self.message.lines().next().unwrap_or_default();
        let is_name = |(at, name): (usize, &str)| {
            let behind = sentence[at + name.len()..].chars().next();
            behind.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_')
        };
        if self.functions.is_none() && !sentence.match_indices(functions).any(is_name) {
            self.functions = Some(functions.into());
        }
        self
    }

    /// Adds the two texts whose difference is the failure.
    pub fn with_diff(mut self, expected: Vec<String>, actual: Vec<String>) -> Self {
        self.diff = Some(Box::new(Diff { expected, actual }));
        self
    }
}

/// Two texts that should have been equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// The lines that the file expects.
    pub expected: Vec<String>,
    /// The lines that were produced.
    pub actual: Vec<String>,
}

/// What one job came to when it did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything that the job checks holds.
    Passed,
    /// The whole job cannot run here, for this reason.
    Skipped(String),
}

/// How a file ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileOutcome {
    /// At least one job ran, and none failed.
    Passed,
    /// Nothing of the file could run here; the reasons are in [`FileReport::skips`].
    Skipped,
    /// The options selected no job of the file.
    NotSelected,
    /// The first failure; it ended the file.
    Failed(Box<Failure>),
    /// The file could not be read at all.
    Unreadable(String),
}

/// Everything that a reporter needs to know about one finished file.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// The path as it was found.
    pub path: PathBuf,
    /// How it ended.
    pub outcome: FileOutcome,
    /// Jobs that ran to the end without a failure.
    pub jobs_passed: usize,
    /// One entry per job that could not run here, with the reason.
    pub skips: Vec<String>,
    /// How many functions had their expectations rewritten.
    pub blessed: usize,
    /// What `print` directives wrote.
    pub printed: Vec<String>,
    /// Wall time of the whole file.
    pub elapsed: Duration,
}

impl FileReport {
    /// A report of nothing done yet.
    pub fn new(path: PathBuf, outcome: FileOutcome) -> Self {
        FileReport {
            path,
            outcome,
            jobs_passed: 0,
            skips: Vec::new(),
            blessed: 0,
            printed: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    /// Whether the file counts as a failure.
    pub fn is_failure(&self) -> bool {
        matches!(
            self.outcome,
            FileOutcome::Failed(_) | FileOutcome::Unreadable(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;

    #[test]
    fn functions_are_added_once() {
        let functions = |message: &str| Failure::at(1, message).about("%f").functions;
        for named in ["%f is wrong", "in %f", "`run: %f(1)`: wrong", "%f\n"] {
            assert_eq!(functions(named), None, "{named}");
        }
        for other in ["", "%f1 is wrong", "%f_: %ff", "wrong\nin %f"] {
            assert_eq!(functions(other).as_deref(), Some("%f"), "{other}");
        }
        let several = Failure::at(1, "wrong").about("%f, %g").about("%g");
        assert_eq!(several.functions.as_deref(), Some("%f, %g"));
    }
}
