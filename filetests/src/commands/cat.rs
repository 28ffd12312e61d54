//! `test cat`: the function is printed as the reader understood it; filecheck.

use crate::check::check_directives;
use crate::job::Job;
use crate::outcome::{Failure, Verdict};

/// See the module.
pub fn run(job: &Job<'_, '_>) -> Result<Verdict, Failure> {
    for (func, details) in job.functions() {
        job.note("printing", func, details);
        check_directives(job, func, details, &func.display().to_string())?;
    }
    Ok(Verdict::Passed)
}
