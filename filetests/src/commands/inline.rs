//! `test inline`: the function after calls in it were inlined; filecheck, or exact lines with
//! `precise-output`. With `optimize`, the mid-end runs afterwards.
//!
//! A call is inlined if it names a function defined above in the same file, or the function
//! itself; calls in an inlined body are inlined in turn, with bodies as they are in the file.

use crate::check::check_text;
use crate::errors::{describe_codegen_error, describe_verifier_errors};
use crate::job::Job;
use crate::outcome::{Failure, Verdict};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::inline::{Inline, InlineCommand};
use cranelift_codegen::ir::instructions::CallInfo;
use cranelift_codegen::ir::{ExternalName, FuncRef, Function, Inst, Opcode, UserFuncName, Value};
use cranelift_reader::Details;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// See the module.
pub struct InlineCalls {
    /// Compare all output exactly.
    pub precise_output: bool,
    /// Optimize what was inlined.
    pub optimize: bool,
}

impl InlineCalls {
    /// Checks every function of the file.
    pub fn run(&self, job: &Job<'_, '_>) -> Result<Verdict, Failure> {
        let mut bodies = HashMap::new();
        for (func, details) in job.functions() {
            job.note("inlining into", func, details);
            bodies.insert(func.name.clone(), func);
            let text = self.inline(job, func, details, &bodies)?;
            check_text(job, func, details, &text, self.precise_output)?;
        }
        Ok(Verdict::Passed)
    }
}

/// Calls in calls can be many without any recursion, but this many would not fit into memory.
const MAX_INLINED_CALLS: usize = 100_000;

impl InlineCalls {
    fn inline(
        &self,
        job: &Job<'_, '_>,
        func: &Function,
        details: &Details<'_>,
        bodies: &HashMap<UserFuncName, &Function>,
    ) -> Result<String, Failure> {
        let isa = job.target()?;
        if let Some(name) = recursive_callee(func, bodies) {
            return Err(Failure::at(
                details.location.line_number,
                format!(
                    "inlining into {} would not end: {name} calls itself",
                    func.name
                ),
            ));
        }
        let mut context = Context::for_function(func.clone());
        let mut policy = Policy { bodies, inlined: 0 };
        let changed = context
            .inline(&mut policy)
            .map_err(|error| describe_codegen_error(func, details, &error))?;
        if policy.inlined > MAX_INLINED_CALLS {
            return Err(Failure::at(
                details.location.line_number,
                format!(
                    "more than {MAX_INLINED_CALLS} calls were inlined into {}",
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
        match body_of(caller, callee, self.bodies) {
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

type Bodies<'a> = HashMap<UserFuncName, &'a Function>;

/// The body of a callee, if it is known.
fn body_of<'a>(caller: &Function, callee: FuncRef, bodies: &Bodies<'a>) -> Option<&'a Function> {
    let name = match &caller.dfg.ext_funcs[callee].name {
        ExternalName::TestCase(name) => UserFuncName::Testcase(name.clone()),
        ExternalName::User(reference) => {
            UserFuncName::User(caller.params.user_named_funcs()[*reference].clone())
        }
        ExternalName::LibCall(_) | ExternalName::KnownSymbol(_) => return None,
    };
    bodies.get(&name).copied()
}

/// A function that calls itself, directly or not, and that calls in `func` lead to.
fn recursive_callee<'a>(func: &'a Function, bodies: &Bodies<'a>) -> Option<&'a UserFuncName> {
    /// Depth first; `path` has the functions whose callees are being visited.
    fn visit<'a>(
        func: &'a Function,
        bodies: &Bodies<'a>,
        path: &mut Vec<&'a UserFuncName>,
        done: &mut HashSet<&'a UserFuncName>,
    ) -> Option<&'a UserFuncName> {
        let insts = func
            .layout
            .blocks()
            .flat_map(|block| func.layout.block_insts(block));
        for inst in insts {
            let dfg = &func.dfg;
            let call = dfg.insts[inst].analyze_call(&dfg.value_lists, &dfg.exception_tables);
            let CallInfo::Direct(callee, _) = call else {
                continue;
            };
            let Some(body) = body_of(func, callee, bodies) else {
                continue;
            };
            if path.contains(&&body.name) {
                return Some(&body.name);
            }
            if done.insert(&body.name) {
                path.push(&body.name);
                let found = visit(body, bodies, path, done);
                path.pop();
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }
    visit(func, bodies, &mut Vec::new(), &mut HashSet::new())
}
