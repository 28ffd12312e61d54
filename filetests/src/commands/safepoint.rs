//! `test safepoint`: the function after its flow graph was computed, which changes nothing;
//! filecheck.

use crate::check::check_directives;
use crate::job::Job;
use crate::outcome::{Failure, Verdict};
use cranelift_codegen::Context;

/// See the module.
pub fn run(job: &Job<'_, '_>) -> Result<Verdict, Failure> {
    for (func, details) in job.functions() {
        job.note("computing the flow graph of", func, details);
        let mut context = Context::for_function(func.clone());
        context.flowgraph();
        check_directives(job, func, details, &context.func.display().to_string())?;
    }
    Ok(Verdict::Passed)
}
