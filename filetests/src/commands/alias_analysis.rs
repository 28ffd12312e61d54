//! `test alias-analysis`: the function after redundant loads were replaced; filecheck.

use crate::check::check_directives;
use crate::errors::describe_codegen_error;
use crate::job::Job;
use crate::outcome::{Failure, Verdict};
use cranelift_codegen::Context;

/// See the module.
pub fn run(job: &Job<'_, '_>) -> Result<Verdict, Failure> {
    for (func, details) in job.functions() {
        job.note("replacing the redundant loads of", func, details);
        let mut context = Context::for_function(func.clone());
        context.flowgraph();
        context
            .replace_redundant_loads()
            .map_err(|error| describe_codegen_error(func, details, &error))?;
        check_directives(job, func, details, &context.func.display().to_string())?;
    }
    Ok(Verdict::Passed)
}
