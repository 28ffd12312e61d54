//! What Cranelift's interpreter says of a program.

use crate::generator::Program;
use crate::generator::signature::arguments;
use cranelift_codegen::data_value::DataValue;
use cranelift_interpreter::environment::FunctionStore;
use cranelift_interpreter::interpreter::{Interpreter, InterpreterState};
use cranelift_interpreter::step::ControlFlow;

/// Interpreted instructions, many more than a program executes.
const FUEL: u64 = 5_000_000;

/// What a call comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// These results.
    Returned(Vec<DataValue>),
    /// No results: it traps.
    Trapped,
}

/// Calls the program's first function in the interpreter. The error says what is wrong with it.
pub fn interpret(program: &Program) -> Result<Outcome, String> {
    let mut store = FunctionStore::default();
    for function in &program.functions {
        store.add(function.name.to_string(), function);
    }
    let mut state = InterpreterState::default().with_function_store(store);
    state.native_endianness = program.machine.endianness;
    let mut interpreter = Interpreter::new(state).with_fuel(Some(FUEL));
    let args = arguments(&program.functions[0].signature);
    match interpreter.call_by_name("%f0", &args) {
        Ok(ControlFlow::Return(values)) => Ok(Outcome::Returned(values.to_vec())),
        Ok(ControlFlow::Trap(_)) => Ok(Outcome::Trapped),
        Ok(other) => Err(format!("it ended with {other:?}")),
        Err(error) => Err(error.to_string()),
    }
}
