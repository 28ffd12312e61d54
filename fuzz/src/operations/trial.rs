//! Who has an operation.

use super::probe::{Beyond, WORDS, caller, calls, is_short_vector, probe, result_words};
use crate::generator::Machine;
use crate::generator::host::host_has_features;
use crate::generator::ops::operation::Operation;
use crate::generator::ops::table::{BACKENDS, INTERPRETED, Row};
use crate::generator::settings::{ROWS, Settings, isa, with_common_features};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::data_value::DataValue;
use cranelift_codegen::ir::{ExternalName, Function, Opcode, UserFuncName, types};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::verifier::verify_function;
use cranelift_codegen::{CompiledCode, FinalizedRelocTarget};
use cranelift_interpreter::environment::FunctionStore;
use cranelift_interpreter::interpreter::{Interpreter, InterpreterState};
use cranelift_interpreter::step::ControlFlow;
use cranelift_reader::{Details, Location, SourceMap};
use filetests::execute::CompiledFile;
use filetests::host::executable_isa;
use filetests::panics::contain;
use std::thread;

/// The interpreter and a machine disagree.
const DISPUTED: char = '!';

/// Whether this machine can call what the files are about.
pub fn is_possible() -> bool {
    cfg!(target_arch = "x86_64") && host_has_features()
}

/// Every operation that a backend has, with who has it.
pub fn rows() -> Vec<Row> {
    let trials = try_on(Operation::all(), Beyond::Zeros, &BACKENDS);
    let there = trials
        .into_iter()
        .filter(|(_, trial)| !trial.who.is_empty());
    let there: Vec<_> = there.collect();
    let short = there.iter().map(|(operation, _)| operation);
    let short = short.filter(|operation| operation.operands.iter().any(is_short_vector));
    let called = BACKENDS.into_iter().filter(|backend| is_called(*backend));
    let called: Vec<char> = called.collect();
    let with_ones = try_on(short.cloned().collect(), Beyond::Ones, &called);
    let is_disputed = |operation: &Operation| {
        let mut trials = with_ones.iter().filter(|(other, _)| other == operation);
        trials.any(|(_, trial)| trial.is_same == Some(false))
    };
    let row = |(operation, mut trial): (Operation, Trial)| {
        let is_same = trial
            .is_same
            .map(|is_same| is_same && !is_disputed(&operation));
        let letter = is_same.map(|is_same| if is_same { INTERPRETED } else { DISPUTED });
        trial.who.extend(letter);
        Row {
            operation,
            who: trial.who,
        }
    };
    there.into_iter().map(row).collect()
}

/// What came of an operation.
struct Trial {
    /// The letters of those backends that have it.
    who: String,
    /// Whether it is the same for the interpreter as for this machine, if that has it.
    is_same: Option<bool>,
}

/// Tries all that are valid.
fn try_on(
    operations: Vec<Operation>,
    beyond: Beyond,
    backends: &[char],
) -> Vec<(Operation, Trial)> {
    let [isa, _] = isas(BACKENDS[0]);
    let machine = Machine::of(isa.triple()).expect("a target with a backend");
    // One is the same for all, as addresses have 64 bits.
    let probes = operations.into_iter().map(|operation| {
        let probe = probe(&operation, machine, beyond);
        (operation, probe)
    });
    let is_valid = |(_, probe): &(Operation, Function)| verify_function(probe, &*isa).is_ok();
    let (operations, probes): (Vec<_>, Vec<_>) = probes.filter(is_valid).unzip();
    let all: Vec<Vec<Tried>> = thread::scope(|scope| {
        let (operations, probes) = (&operations, &probes);
        let threads = backends
            .iter()
            .map(|backend| scope.spawn(move || try_all(*backend, operations, probes)));
        let threads: Vec<_> = threads.collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().expect("no panic");
        threads.into_iter().map(join).collect()
    });
    let trial = |(index, operation): (usize, Operation)| {
        let tried = backends.iter().zip(&all);
        let tried = tried.filter_map(|(letter, all)| Some((letter, all[index].as_ref()?)));
        let who: String = tried.clone().map(|(letter, _)| *letter).collect();
        let results = result_words(&operation);
        let interpret = || contain(|| interpret(&probes[index], results, machine)).ok()?;
        let interpreted = (!who.is_empty()).then(interpret).flatten();
        let is_same = interpreted.map(|interpreted| {
            let mut stored = tried.flat_map(|(_, stored)| stored);
            stored.all(|stored| *stored == interpreted)
        });
        (operation, Trial { who, is_same })
    };
    operations.into_iter().enumerate().map(trial).collect()
}

/// Nothing if the backend does not have the operation; else what calls store with each of its settings, if this
/// machine can call.
type Tried = Option<Vec<Vec<u64>>>;

fn target(backend: char) -> String {
    let mut rows = ROWS.iter();
    let target = match rows.find(|row| row.letters.contains(&backend)) {
        Some(row) => row.spec,
        None if backend == 'p' => "pulley64be",
        None => "pulley64",
    };
    match backend.is_uppercase() {
        true => with_common_features(target),
        false => target.to_owned(),
    }
}

/// Without optimization and with it.
fn isas(backend: char) -> [OwnedTargetIsa; 2] {
    ["none", "speed"].map(|opt_level| {
        let mut settings = Settings::new(&[])
            .with("opt_level", opt_level)
            .with("regalloc_algorithm", "single_pass");
        settings.shared.push(("enable_verifier", "false"));
        isa(&target(backend), &settings)
    })
}

fn try_all(backend: char, operations: &[Operation], probes: &[Function]) -> Vec<Tried> {
    let isas = isas(backend);
    let is_compiled = |probe: &Function| {
        let compiles = |isa: &OwnedTargetIsa| {
            let mut context = Context::for_function(probe.clone());
            let code = context.compile(&**isa, &mut ControlPlane::default());
            code.is_ok_and(|code| !calls_library(code))
        };
        contain(|| isas.iter().all(compiles)) == Ok(true)
    };
    let pairs = operations.iter().zip(probes);
    let mut tried: Vec<Tried> = pairs
        .map(|(operation, probe)| {
            let is_there = is_compiled(probe) && !is_known_wrong(backend, operation);
            is_there.then(Vec::new)
        })
        .collect();
    if is_called(backend) {
        for isa in &isas {
            call_all(isa, operations, probes, &mut tried);
        }
    }
    tried
}

/// Is it of this machine?
fn is_called(backend: char) -> bool {
    backend.eq_ignore_ascii_case(&'x')
}

/// What FINDINGS.md says of a backend: aarch64 widens the upper lanes of 64 bits where there are but 32, and
/// `vany_true` of x86-64 looks behind short vectors.
fn is_known_wrong(backend: char, operation: &Operation) -> bool {
    match operation.opcode {
        Opcode::SwidenHigh | Opcode::UwidenHigh => {
            backend.eq_ignore_ascii_case(&'a') && operation.ty == types::I8X4
        }
        Opcode::VanyTrue => is_called(backend) && is_short_vector(&operation.ty),
        _ => false,
    }
}

/// Objects are linked without a library for mathematics.
fn calls_library(code: &CompiledCode) -> bool {
    code.buffer.relocs().iter().any(|reloc| {
        matches!(
            reloc.target,
            FinalizedRelocTarget::ExternalName(ExternalName::LibCall(_))
        )
    })
}

/// Adds what calls of each function store.
fn call_all(
    isa: &OwnedTargetIsa,
    operations: &[Operation],
    probes: &[Function],
    tried: &mut [Tried],
) {
    let isa = executable_isa(&**isa).expect("the architecture and features of this host");
    let details = Details {
        location: Location::default(),
        comments: Vec::new(),
        map: SourceMap::default(),
    };
    let is_there = |index: &usize| tried[*index].is_some();
    let there: Vec<usize> = (0..probes.len()).filter(is_there).collect();
    let mut functions = Vec::new();
    for index in &there {
        let mut function = probes[*index].clone();
        function.name = UserFuncName::testcase(format!("probe{index}"));
        functions.push(function);
    }
    let functions: Vec<_> = functions
        .iter()
        .map(|function| (function, &details))
        .collect();
    let code =
        match CompiledFile::compile(isa, &functions, |_, _| true, &mut ControlPlane::default()) {
            Ok(code) => code,
            Err(failure) => panic!("{}", failure.message),
        };
    for (place, index) in there.into_iter().enumerate() {
        let call = |operands: [u64; WORDS]| {
            let mut memory = operands.to_vec();
            memory.resize(WORDS + result_words(&operations[index]), 0);
            let pointer = DataValue::I64(memory.as_mut_ptr() as i64);
            code.call(place, &[pointer])
                .expect("a pointer is an argument");
            memory.split_off(WORDS)
        };
        tried[index]
            .iter_mut()
            .for_each(|stored| stored.push(calls().flat_map(call).collect()));
    }
}

/// What calls store, if there is no error and no trap.
fn interpret(probe: &Function, results: usize, machine: Machine) -> Option<Vec<u64>> {
    let caller = caller(results, machine);
    let mut all = Vec::new();
    for operands in calls() {
        let mut store = FunctionStore::default();
        store.add(probe.name.to_string(), probe);
        store.add(caller.name.to_string(), &caller);
        let state = InterpreterState::default().with_function_store(store);
        let args = operands.map(|word| DataValue::I64(word as i64));
        match Interpreter::new(state).call_by_name("%call", &args) {
            Ok(ControlFlow::Return(values)) => all.extend(values.iter().map(|value| match value {
                DataValue::I64(word) => *word as u64,
                other => unreachable!("{other} is no word"),
            })),
            _ => return None,
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_a_short_vector_is_seen() {
        if !is_possible() {
            println!("skipped: code is called on x86-64 machines with AVX2");
            return;
        }
        let [isa, _] = isas('x');
        let machine = Machine::of(isa.triple()).expect("a target with a backend");
        let operation = Operation::new(Opcode::VanyTrue, 0, types::I32X2, types::INVALID);
        let operation = operation.expect("an operation");
        // FINDINGS.md, 26.
        for (beyond, is_right) in [(Beyond::Zeros, true), (Beyond::Ones, false)] {
            let probe = probe(&operation, machine, beyond);
            let interpreted = interpret(&probe, result_words(&operation), machine);
            let mut tried = [Some(Vec::new())];
            let operations = std::slice::from_ref(&operation);
            call_all(&isa, operations, &[probe], &mut tried);
            assert_eq!(
                tried[0].as_ref().map(|stored| &stored[0]) == interpreted.as_ref(),
                is_right
            );
        }
    }
}
