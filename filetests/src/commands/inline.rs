//! `test inline`: the function after calls in it were inlined; filecheck, or exact lines with
//! `precise-output`. With `optimize`, the mid-end runs afterwards.
//!
//! A call is inlined if it names a function defined above in the same file, or the function
//! itself; calls in an inlined body are inlined in turn, with bodies as they are in the file.

use crate::check::{check_directives, check_precise};
use crate::command::TestCommand;
use crate::commands::compile::describe_codegen_error;
use crate::job::{Job, describe_verifier_errors};
use crate::outcome::{Failure, Verdict};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::inline::{Inline, InlineCommand};
use cranelift_codegen::ir::{ExternalName, FuncRef, Function, Inst, Opcode, UserFuncName, Value};
use cranelift_reader::Details;
use std::borrow::Cow;
use std::collections::HashMap;

/// See the module.
pub struct InlineCalls {
    /// Compare all output exactly.
    pub precise_output: bool,
    /// Optimize what was inlined.
    pub optimize: bool,
}

impl TestCommand for InlineCalls {
    fn name(&self) -> &'static str {
        "inline"
    }

    fn needs_target(&self) -> bool {
        true
    }

    fn verifies_first(&self) -> bool {
        true
    }

    fn mutates(&self) -> bool {
        true
    }

    fn run(&self, job: &Job<'_, '_>) -> Result<Verdict, Failure> {
        let mut bodies = HashMap::new();
        for (func, details) in job.functions() {
            job.note("inlining into", func, details);
            bodies.insert(func.name.clone(), func);
            let text = self.inline(job, func, details, &bodies)?;
            if self.precise_output {
                let lines = text.lines().map(str::to_owned).collect();
                check_precise(job, func, details, lines)?;
            } else {
                check_directives(job, func, details, &text)?;
            }
        }
        Ok(Verdict::Passed)
    }
}

/// Recursion would be inlined for ever; no test comes near this many calls.
const MAX_INLINED_CALLS: usize = 1000;

impl InlineCalls {
    fn inline(
        &self,
        job: &Job<'_, '_>,
        func: &Function,
        details: &Details<'_>,
        bodies: &HashMap<UserFuncName, &Function>,
    ) -> Result<String, Failure> {
        let isa = job.target()?;
        let mut context = Context::for_function(func.clone());
        let mut policy = Policy { bodies, inlined: 0 };
        let changed = context
            .inline(&mut policy)
            .map_err(|error| describe_codegen_error(func, details, &error))?;
        if policy.inlined > MAX_INLINED_CALLS {
            return Err(Failure::at(
                details.location.line_number,
                format!(
                    "inlining into {} does not end: more than {MAX_INLINED_CALLS} calls were \
                     inlined, so a function calls itself",
                    func.name
                ),
            ));
        }
        if !changed {
            return Ok(format!("(no functions inlined into {})", func.name));
        }
        context.verify(isa).map_err(|errors| {
            let mut failure = describe_verifier_errors(func, details, &errors);
            failure.message = format!("after inlining, {}", failure.message);
            failure
        })?;
        if self.optimize {
            context
                .optimize(isa, &mut ControlPlane::default())
                .map_err(|error| describe_codegen_error(func, details, &error))?;
        }
        Ok(context.func.display().to_string())
    }
}

/// Inlines every call whose callee's body is known.
struct Policy<'a> {
    bodies: &'a HashMap<UserFuncName, &'a Function>,
    inlined: usize,
}

impl Inline for Policy<'_> {
    fn inline(
        &mut self,
        caller: &Function,
        _call: Inst,
        _opcode: Opcode,
        callee: FuncRef,
        _arguments: &[Value],
    ) -> InlineCommand<'_> {
        let name = match &caller.dfg.ext_funcs[callee].name {
            ExternalName::TestCase(name) => UserFuncName::Testcase(name.clone()),
            ExternalName::User(reference) => {
                UserFuncName::User(caller.params.user_named_funcs()[*reference].clone())
            }
            ExternalName::LibCall(_) | ExternalName::KnownSymbol(_) => {
                return InlineCommand::KeepCall;
            }
        };
        match self.bodies.get(&name) {
            Some(body) if self.inlined <= MAX_INLINED_CALLS => {
                self.inlined += 1;
                InlineCommand::Inline {
                    callee: Cow::Borrowed(body),
                    visit_callee: true,
                }
            }
            _ => InlineCommand::KeepCall,
        }
    }
}
