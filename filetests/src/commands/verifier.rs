//! `test verifier`: the IR verifier finds exactly the errors that `error:` comments announce.
//!
//! A comment announces one error at the entity that it follows, whose message contains the text
//! after `error:`. Without such comments the function must verify.

use crate::errors::{describe_verifier_errors, line_of_entity};
use crate::job::Job;
use crate::outcome::{Failure, Verdict};
use cranelift_codegen::ir::Function;
use cranelift_codegen::verifier::{VerifierError, VerifierErrors, verify_function};
use cranelift_reader::{Comment, Details};

/// See the module.
pub fn run(job: &Job<'_, '_>) -> Result<Verdict, Failure> {
    for (func, details) in job.functions() {
        job.note("verifying", func, details);
        check_errors(job, func, details)?;
    }
    Ok(Verdict::Passed)
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
    let mut problem = |line: usize, text: String| {
        first_line.get_or_insert(line);
        problems.push_str(&format!("\n  line {line}: {text}"));
    };
    let candidates: Vec<Vec<usize>> = announced
        .iter()
        .map(|(comment, needle)| {
            let fits = |error: &VerifierError| {
                error.location == comment.entity && error.message.contains(needle)
            };
            let indices = (0..errors.0.len()).filter(|index| fits(&errors.0[*index]));
            indices.collect()
        })
        .collect();
    let announcers = assign(&candidates, errors.0.len());
    for (index, (comment, needle)) in announced.iter().enumerate() {
        if !announcers.contains(&Some(index)) {
            problem(
                job.line_of(comment),
                format!("no error at {} contains `{needle}`", comment.entity),
            );
        }
    }
    for (error, announcer) in errors.0.iter().zip(&announcers) {
        if announcer.is_none() {
            problem(
                line_of_entity(details, error.location),
                format!("error that no `error:` comment announces: {error}"),
            );
        }
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

/// Gives each of `count` errors at most one comment, and each comment at most one of its
/// candidates, for as many comments as possible: a short needle must not take the only error that
/// a longer one fits.
fn assign(candidates: &[Vec<usize>], count: usize) -> Vec<Option<usize>> {
    let mut announcers = vec![None; count];
    for comment in 0..candidates.len() {
        let mut tried = vec![false; count];
        place(comment, candidates, &mut announcers, &mut tried);
    }
    announcers
}

/// Finds an error for a comment; comments placed before may have to move to another error.
fn place(
    comment: usize,
    candidates: &[Vec<usize>],
    announcers: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    for &error in &candidates[comment] {
        if tried[error] {
            continue;
        }
        tried[error] = true;
        let is_free =
            announcers[error].is_none_or(|other| place(other, candidates, announcers, tried));
        if is_free {
            announcers[error] = Some(comment);
            return true;
        }
    }
    false
}

/// What a comment announces, if it announces an error.
fn needle(comment: &str) -> Option<&str> {
    comment
        .trim_start_matches([';', ' ', '\t'])
        .strip_prefix("error:")
        .map(str::trim)
}
