//! `test print-cfg`: the control flow graph, in the language of Graphviz; filecheck.
//!
//! Functions are not verified first: a graph can be drawn of code that is invalid.

use crate::check::check_directives;
use crate::job::Job;
use crate::outcome::{Failure, Verdict};
use cranelift_codegen::cfg_printer::CFGPrinter;

/// See the module.
pub fn run(job: &Job<'_, '_>) -> Result<Verdict, Failure> {
    for (func, details) in job.functions() {
        job.note("drawing the control flow graph of", func, details);
        check_directives(job, func, details, &CFGPrinter::new(func).to_string())?;
    }
    Ok(Verdict::Passed)
}
