//! `test safepoint`: the function after its flow graph was computed, which changes nothing;
//! filecheck.

use crate::check::check_directives;
use crate::command::TestCommand;
use crate::job::Job;
use crate::outcome::{Failure, Verdict};
use cranelift_codegen::Context;

/// See the module.
pub struct Safepoint;

impl TestCommand for Safepoint {
    fn name(&self) -> &'static str {
        "safepoint"
    }

    fn verifies_first(&self) -> bool {
        true
    }

    fn run(&self, job: &Job<'_, '_>) -> Result<Verdict, Failure> {
        for (func, details) in job.functions() {
            job.note("computing the flow graph of", func, details);
            let mut context = Context::for_function(func.clone());
            context.flowgraph();
            check_directives(job, func, details, &context.func.display().to_string())?;
        }
        Ok(Verdict::Passed)
    }
}
