//! `test unwind`: the unwind information of the compiled function; filecheck.
//!
//! System V information is listed as a dump of an `.eh_frame` section with one CIE and one FDE at
//! address 0, Windows x64 information as a list of unwind codes. Without `set unwind_info` there
//! is little in it.

use crate::check::check_directives;
use crate::errors::describe_codegen_error;
use crate::job::Job;
use crate::outcome::{Failure, Verdict};
use crate::unwind_dump;
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;

/// See the module.
pub fn run(job: &Job<'_, '_>) -> Result<Verdict, Failure> {
    let isa = job.target()?;
    for (func, details) in job.functions() {
        job.note("compiling", func, details);
        let mut context = Context::for_function(func.clone());
        let compiled = context
            .compile(isa, &mut ControlPlane::default())
            .map_err(|error| describe_codegen_error(func, details, &error.inner))?;
        let info = compiled
            .create_unwind_info(isa)
            .map_err(|error| describe_codegen_error(func, details, &error))?;
        let text = match info {
            None => String::new(),
            Some(info) => unwind_dump::dump(isa, &info).map_err(|error| {
                Failure::at(
                    details.location.line_number,
                    format!("{}: {error}", func.name),
                )
            })?,
        };
        check_directives(job, func, details, &text)?;
    }
    Ok(Verdict::Passed)
}
