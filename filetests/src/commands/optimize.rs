//! `test optimize`: the function as the mid-end leaves it; filecheck, or exact lines with
//! `precise-output`.
//!
//! The setting `opt_level` decides whether anything but clean-up happens.

use crate::check::check_text;
use crate::errors::describe_codegen_error;
use crate::job::Job;
use crate::outcome::{Failure, Verdict};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;

/// See the module.
pub struct Optimize {
    /// Compare all output exactly.
    pub precise_output: bool,
}

impl Optimize {
    /// Checks every function of the file.
    pub fn run(&self, job: &Job<'_, '_>) -> Result<Verdict, Failure> {
        let isa = job.target()?;
        for (func, details) in job.functions() {
            job.note("optimizing", func, details);
            let mut context = Context::for_function(func.clone());
            context
                .optimize(isa, &mut ControlPlane::default())
                .map_err(|error| describe_codegen_error(func, details, &error))?;
            let text = context.func.display().to_string();
            check_text(job, func, details, &text, self.precise_output)?;
        }
        Ok(Verdict::Passed)
    }
}
