//! `test run`: the functions are compiled, and run directives call them natively or on Pulley.
//!
//! The name in a directive is ignored: the function called is the one that the comment follows.
//! A target that this host cannot run is skipped.

use crate::directives::{has_directives, run_directives};
use crate::execute::CompiledFile;
use crate::host;
use crate::job::Job;
use crate::outcome::{Failure, Verdict};
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};

/// See the module.
pub fn run(job: &Job<'_, '_>) -> Result<Verdict, Failure> {
    let isa = job.target()?;
    refuse_pinned_register(isa, job)?;
    if let Err(reason) = host::can_run(isa) {
        return Ok(Verdict::Skipped(reason));
    }
    let isa = host::executable_isa(isa).map_err(|error| job.fail(error))?;
    run_on(isa, job)
}

/// Runs the directives natively with all features of this host, and with the shared settings of
/// the file's first target of this architecture.
pub fn run_here(job: &Job<'_, '_>) -> Result<Verdict, Failure> {
    let isa = host::isa_for_file(&job.file.isa_spec).map_err(|error| job.fail(error))?;
    refuse_pinned_register(&*isa, job)?;
    run_on(isa, job)
}

fn refuse_pinned_register(isa: &dyn TargetIsa, job: &Job<'_, '_>) -> Result<(), Failure> {
    if isa.flags().enable_pinned_reg() {
        return Err(job.fail(
            "code with `enable_pinned_reg` cannot be called from Rust; use `test interpret` or \
             `test compile`",
        ));
    }
    Ok(())
}

fn run_on(isa: OwnedTargetIsa, job: &Job<'_, '_>) -> Result<Verdict, Failure> {
    if isa.flags().is_pic() {
        return Err(job.fail("the JIT cannot run position-independent code; remove `set is_pic`"));
    }
    let functions: Vec<_> = job.functions().collect();
    let compiled = CompiledFile::compile(
        isa,
        &functions,
        has_directives,
        &mut ControlPlane::default(),
    )?;
    for (index, (func, details)) in job.functions().enumerate() {
        run_directives(job, func, details, |_, arguments| {
            compiled.call(index, arguments)
        })?;
    }
    Ok(Verdict::Passed)
}
