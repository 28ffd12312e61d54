//! `test verifier`: the IR verifier finds exactly the errors that `error:` comments announce.
//!
//! A comment announces one error at the entity that it follows, whose message contains the text
//! after `error:`. Without such comments the function must verify.

use crate::command::TestCommand;
use crate::job::{Job, describe_verifier_errors, line_of_entity};
use crate::outcome::{Failure, Verdict};
use cranelift_codegen::ir::Function;
use cranelift_codegen::verifier::{VerifierErrors, verify_function};
use cranelift_reader::{Comment, Details};

/// See the module.
pub struct Verifier;

impl TestCommand for Verifier {
    fn name(&self) -> &'static str {
        "verifier"
    }

    fn run(&self, job: &Job<'_, '_>) -> Result<Verdict, Failure> {
        for (func, details) in job.functions() {
            job.note("verifying", func, details);
            check_errors(job, func, details)?;
        }
        Ok(Verdict::Passed)
    }
}

fn check_errors(job: &Job<'_, '_>, func: &Function, details: &Details<'_>) -> Result<(), Failure> {
    let announced: Vec<(&Comment<'_>, &str)> = details
        .comments
        .iter()
        .filter_map(|comment| Some((comment, needle(comment.text)?)))
        .collect();
    let errors = match verify_function(func, job.flags_or_isa()) {
        Ok(()) => VerifierErrors::default(),
        Err(errors) => errors,
    };
    if announced.is_empty() && !errors.0.is_empty() {
        return Err(describe_verifier_errors(func, details, &errors));
    }

    let mut first_line = None;
    let mut problems = String::new();
    let mut problem = |line: Option<usize>, text: String| {
        first_line = first_line.or(line);
        let place = line.map_or(String::new(), |line| format!("line {line}: "));
        problems.push_str(&format!("\n  {place}{text}"));
    };
    let mut left = errors.0;
    for (comment, needle) in announced {
        let position = left
            .iter()
            .position(|error| error.location == comment.entity && error.message.contains(needle));
        match position {
            Some(position) => {
                left.remove(position);
            }
            None => problem(
                job.line_of(comment),
                format!("no error at {} contains `{needle}`", comment.entity),
            ),
        }
    }
    for error in &left {
        problem(
            line_of_entity(details, error.location),
            format!("error that no `error:` comment announces: {error}"),
        );
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::at(
        first_line.unwrap_or(details.location.line_number),
        format!(
            "the verifier errors of {} are not those announced{problems}",
            func.name
        ),
    ))
}

/// What a comment announces, if it announces an error.
fn needle(comment: &str) -> Option<&str> {
    comment
        .trim_start_matches([';', ' ', '\t'])
        .strip_prefix("error:")
        .map(str::trim)
}
