//! Programs that run: interpreted, and compiled for this machine by the harness of the filetests.

use crate::generator::filetest::arguments;
use crate::generator::settings::{FEATURES, Settings};
use crate::generator::{Case, Form, Machine, Program};
use cranelift_codegen::data_value::{DataValue, DisplayDataValues};
use cranelift_codegen::ir::{Function, Signature};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::verifier::verify_function;
use cranelift_interpreter::environment::FunctionStore;
use cranelift_interpreter::interpreter::{Interpreter, InterpreterState};
use cranelift_interpreter::step::ControlFlow;
use cranelift_reader::{Details, Location, OwnedFlagsOrIsa, SourceMap, parse_sets_and_triple};
use filetests::execute::CompiledFile;
use filetests::host;
use target_lexicon::Triple;

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
    let state = InterpreterState::default().with_function_store(store);
    let mut interpreter = Interpreter::new(state).with_fuel(Some(FUEL));
    let args = arguments(&program.functions[0].signature);
    match interpreter.call_by_name("%f0", &args) {
        Ok(ControlFlow::Return(values)) => Ok(Outcome::Returned(values.to_vec())),
        Ok(ControlFlow::Trap(_)) => Ok(Outcome::Trapped),
        Ok(other) => Err(format!("it ended with {other:?}")),
        Err(error) => Err(error.to_string()),
    }
}

/// The host, with these settings.
pub fn host_isa(settings: &Settings) -> OwnedTargetIsa {
    let architecture = Triple::host().architecture.to_string();
    let shared: Vec<String> = settings
        .shared
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let isa = |target: &str| match parse_sets_and_triple(&shared, target) {
        Ok(OwnedFlagsOrIsa::Isa(isa)) => isa,
        Ok(OwnedFlagsOrIsa::Flags(_)) => panic!("`{target}` is no target"),
        Err(error) => panic!("in `{target}`: {error:#}"),
    };
    if settings.has_features && architecture == "x86_64" {
        let wanted = isa(&format!("{architecture} {FEATURES}"));
        if host::can_run(&*wanted).is_ok() {
            return host::executable_isa(&*wanted).expect("features of this host");
        }
    }
    host::executable_isa(&*isa(&architecture)).expect("the architecture of this host")
}

/// A program, compiled for this machine.
pub struct Compiled {
    code: CompiledFile,
    signature: Signature,
}

impl Compiled {
    /// Verifies and compiles the program.
    pub fn new(program: &Program, settings: &Settings) -> Result<Self, String> {
        let isa = host_isa(settings);
        for function in &program.functions {
            verify_function(function, &*isa).map_err(|e| format!("{}: {e}", function.name))?;
        }
        let details = Details {
            location: Location::default(),
            comments: Vec::new(),
            map: SourceMap::default(),
        };
        let pair = |function| (function, &details);
        let functions: Vec<(&Function, &Details<'_>)> =
            program.functions.iter().map(pair).collect();
        let code = CompiledFile::compile(isa, &functions).map_err(|failure| failure.message)?;
        let signature = program.functions[0].signature.clone();
        Ok(Compiled { code, signature })
    }

    /// Calls the program's first function, which must return.
    pub fn call(&self) -> Vec<DataValue> {
        let args = arguments(&self.signature);
        match self.code.call(0, &args) {
            Ok(values) => values,
            Err(error) => panic!("the harness cannot call %f0: {error}"),
        }
    }

    /// As [`Compiled::call`], with a pointer to memory first.
    pub fn call_with(&self, out: *mut u8, rest: &[DataValue]) -> Vec<DataValue> {
        let mut args = vec![DataValue::I64(out as i64)];
        args.extend_from_slice(rest);
        match self.code.call(0, &args) {
            Ok(values) => values,
            Err(error) => panic!("the harness cannot call %f0: {error}"),
        }
    }
}

/// Panics, with the filetest, if two outcomes differ in any bit.
pub fn assert_same(case: &Case, what: [&str; 2], got: &[DataValue], want: &[DataValue]) {
    let is_same = |(a, b): (&DataValue, &DataValue)| a.bitwise_eq(b);
    if got.len() != want.len() || !got.iter().zip(want).all(is_same) {
        let place = got.iter().zip(want).position(|pair| !is_same(pair));
        panic!(
            "result {place:?} differs\n{}: {}\n{}: {}\n{case:?}",
            what[0],
            DisplayDataValues(got),
            what[1],
            DisplayDataValues(want)
        );
    }
}

/// The program of a case in the interpreter, and what it comes to there.
///
/// Panics if the interpreter does.
pub fn judge(case: &Case, machine: Machine) -> Outcome {
    match interpret(&case.program(machine, Form::Interpreted)) {
        Ok(outcome) => outcome,
        Err(error) => panic!("the interpreter: {error}\n{case:?}"),
    }
}
