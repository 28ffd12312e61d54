//! `test compile`: every function compiles; its VCode is matched by filecheck directives.
//!
//! With `precise-output`, VCode and disassembly must be exactly the lines of the comments. With
//! `expect-fail`, compilation must return an error for every function.

use crate::check::{check_directives, check_precise};
use crate::disassemble::disassemble;
use crate::errors::describe_codegen_error;
use crate::job::Job;
use crate::outcome::{Failure, Verdict};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::Function;
use cranelift_reader::Details;

/// See the module.
pub struct Compile {
    /// Compare all output exactly.
    pub precise_output: bool,
    /// Compilation must fail; takes precedence over the other option.
    pub expect_fail: bool,
}

impl Compile {
    /// Checks every function of the file.
    pub fn run(&self, job: &Job<'_, '_>) -> Result<Verdict, Failure> {
        for (func, details) in job.functions() {
            job.note("compiling", func, details);
            self.check(job, func, details)?;
        }
        Ok(Verdict::Passed)
    }

    fn check(
        &self,
        job: &Job<'_, '_>,
        func: &Function,
        details: &Details<'_>,
    ) -> Result<(), Failure> {
        let isa = job.target()?;
        let line = details.location.line_number;
        let mut context = Context::for_function(func.clone());
        context.set_disasm(true);
        let compiled = match context.compile(isa, &mut ControlPlane::default()) {
            Err(_) if self.expect_fail => return Ok(()),
            Err(error) => return Err(describe_codegen_error(func, details, &error.inner)),
            Ok(_) if self.expect_fail => {
                return Err(Failure::at(
                    line,
                    format!(
                        "{} compiles, but `expect-fail` says that it must not",
                        func.name
                    ),
                ));
            }
            Ok(compiled) => compiled,
        };
        let vcode = compiled.vcode.as_deref().unwrap_or_default();
        if !self.precise_output {
            return check_directives(job, func, details, vcode);
        }
        let disassembly = disassemble(isa, &func.params, compiled)
            .map_err(|error| Failure::at(line, format!("{}: {error}", func.name)))?;
        let mut lines = vec!["VCode:".to_owned()];
        lines.extend(vcode.lines().map(str::to_owned));
        lines.push(String::new());
        lines.push("Disassembled:".to_owned());
        lines.extend(disassembly.lines().map(str::to_owned));
        check_precise(job, func, details, lines)
    }
}
