//! `test interpret`: run directives, executed by the Cranelift interpreter.
//!
//! Unlike `test run`, the name in a directive decides which function is called.

use crate::directives::run_directives;
use crate::job::Job;
use crate::outcome::{Failure, Verdict};
use crate::panics;
use cranelift_codegen::data_value::DataValue;
use cranelift_codegen::ir::{Function, LibCall};
use cranelift_interpreter::environment::FunctionStore;
use cranelift_interpreter::interpreter::{
    Interpreter, InterpreterError, InterpreterState, LibCallValues,
};
use cranelift_interpreter::step::{ControlFlow, CraneliftTrap};
use cranelift_reader::Details;
use std::collections::HashSet;

/// See the module.
pub fn run(job: &Job<'_, '_>) -> Result<Verdict, Failure> {
    let store = function_store(job.functions())?;
    for (func, details) in job.functions() {
        run_directives(job, func, details, |name, arguments| {
            // The interpreter panics on instructions that it does not implement.
            panics::contain(|| interpret(&store, name, arguments))
                .unwrap_or_else(|panic| Err(format!("the interpreter {panic}")))
        })?;
    }
    Ok(Verdict::Passed)
}

/// All functions under their displayed names.
fn function_store<'a, 'text: 'a>(
    functions: impl Iterator<Item = (&'a Function, &'a Details<'text>)>,
) -> Result<FunctionStore<'a>, Failure> {
    let mut store = FunctionStore::default();
    let mut names = HashSet::new();
    for (func, details) in functions {
        let name = func.name.to_string();
        if !names.insert(name.clone()) {
            return Err(Failure::at(
                details.location.line_number,
                format!("{name} is defined twice, so the interpreter cannot tell which to call"),
            ));
        }
        store.add(name, func);
    }
    Ok(store)
}

fn interpret(
    store: &FunctionStore<'_>,
    name: &str,
    arguments: &[DataValue],
) -> Result<Vec<DataValue>, String> {
    let name = format!("%{name}");
    let callee = store.get_by_name(&name).ok_or_else(|| {
        format!("there is no function {name} in the file; the interpreter calls functions by name")
    })?;
    let expected = callee.signature.params.len();
    if expected != arguments.len() {
        return Err(format!(
            "{name} has {expected} parameters, but {} arguments are given",
            arguments.len()
        ));
    }
    let state = InterpreterState::default()
        .with_function_store(store.clone())
        .with_libcall_handler(call_library);
    match Interpreter::new(state).call_by_name(&name, arguments) {
        Ok(ControlFlow::Return(values)) => Ok(values.to_vec()),
        Ok(ControlFlow::Trap(trap)) => Err(format!("it trapped: {trap}")),
        Ok(other) => Err(format!("it ended with {other:?} instead of a return")),
        Err(error) => Err(describe(&error)),
    }
}

/// The library functions that the interpreter may call.
fn call_library(
    libcall: LibCall,
    arguments: LibCallValues,
) -> Result<LibCallValues, CraneliftTrap> {
    use DataValue::{F32, F64};
    let value = match (libcall, arguments.as_slice()) {
        (LibCall::CeilF32, [F32(x)]) => F32(x.ceil()),
        (LibCall::CeilF64, [F64(x)]) => F64(x.ceil()),
        (LibCall::FloorF32, [F32(x)]) => F32(x.floor()),
        (LibCall::FloorF64, [F64(x)]) => F64(x.floor()),
        (LibCall::TruncF32, [F32(x)]) => F32(x.trunc()),
        (LibCall::TruncF64, [F64(x)]) => F64(x.trunc()),
        // The handler has no error of its own; the panic is contained and reported.
        _ => panic!("libcall {libcall} is not available to interpreted code"),
    };
    Ok(std::iter::once(value).collect())
}

fn describe(error: &InterpreterError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
