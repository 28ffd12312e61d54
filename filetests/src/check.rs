//! Comparison of a produced text with the comments of a function: filecheck directives, or exact
//! lines ("precise output").

use crate::bless::expected_lines;
use crate::job::Job;
use crate::outcome::Failure;
use cranelift_codegen::ir::Function;
use cranelift_reader::Details;
use filecheck::{Checker, CheckerBuilder, NO_VARIABLES};
use std::cell::RefCell;

/// Matches `text` with the filecheck directives in the preamble's and the function's comments.
pub fn check_directives(
    job: &Job<'_, '_>,
    func: &Function,
    details: &Details<'_>,
    text: &str,
) -> Result<(), Failure> {
    let line = details.location.line_number;
    let checker = checker(job, details)?;
    if checker.is_empty() {
        return Ok(());
    }
    let matched = checker
        .check(text, NO_VARIABLES)
        .map_err(|error| Failure::at(line, format!("filecheck of {}: {error}", func.name)))?;
    if matched {
        return Ok(());
    }
    let (_, explanation) = checker
        .explain(text, NO_VARIABLES)
        .map_err(|error| Failure::at(line, format!("filecheck of {}: {error}", func.name)))?;
    Err(Failure::at(
        line,
        format!(
            "filecheck of {} failed\n{}{}",
            func.name,
            indented("directives:", &checker.to_string()),
            indented("text and matches:", &explanation),
        ),
    ))
}

/// Reads the directives that apply to a function.
fn checker(job: &Job<'_, '_>, details: &Details<'_>) -> Result<Checker, Failure> {
    thread_local! {
        // A new builder compiles a regular expression, which takes longer than most tests.
        static BUILDER: RefCell<CheckerBuilder> = RefCell::new(CheckerBuilder::new());
    }
    BUILDER.with_borrow_mut(|builder| {
        // Directives may be left over from a function that panicked.
        builder.finish();
        let comments = job.file.preamble_comments.iter().chain(&details.comments);
        for comment in comments {
            if let Err(error) = builder.directive(comment.text) {
                return Err(Failure::at(
                    job.line_of(comment),
                    format!("filecheck directive is malformed: {error}"),
                ));
            }
        }
        Ok(builder.finish())
    })
}

/// Matches `text` with the directives, or compares it exactly if the command is to be precise.
pub fn check_text(
    job: &Job<'_, '_>,
    func: &Function,
    details: &Details<'_>,
    text: &str,
    is_precise: bool,
) -> Result<(), Failure> {
    if is_precise {
        let lines = text.lines().map(str::to_owned).collect();
        return check_precise(job, func, details, lines);
    }
    check_directives(job, func, details, text)
}

/// Compares `actual` with the lines that the function's comments expect; when blessing, records
/// a difference instead of failing.
pub fn check_precise(
    job: &Job<'_, '_>,
    func: &Function,
    details: &Details<'_>,
    actual: Vec<String>,
) -> Result<(), Failure> {
    let expected = expected_lines(details);
    if expected == actual {
        return Ok(());
    }
    let line = details.location.line_number;
    if job.options.bless {
        return job.bless(func, line, actual);
    }
    Err(Failure::at(
        line,
        format!(
            "the output of {} is not what its comments expect",
            func.name
        ),
    )
    .with_diff(expected.into_iter().map(str::to_owned).collect(), actual))
}

fn indented(heading: &str, text: &str) -> String {
    let mut result = format!("{heading}\n");
    for line in text.lines() {
        result.push_str("  ");
        result.push_str(line);
        result.push('\n');
    }
    result
}
