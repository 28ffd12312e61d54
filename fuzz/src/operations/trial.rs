//! Who has an operation.

use super::probe::{WORDS, caller, calls, probe, result_words};
use crate::generator::Machine;
use crate::generator::ops::operation::Operation;
use crate::generator::ops::table::{BACKENDS, INTERPRETED, Row};
use crate::generator::settings::{Settings, with_common_features};
use crate::run::{host_has_features, isa};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::data_value::DataValue;
use cranelift_codegen::ir::{ExternalName, Function};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::isa::multi_out::OutTarget;
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
    let [isa, _] = isas(BACKENDS[0]);
    let machine = machine(BACKENDS[0]);
    let mut operations = Operation::all();
    operations.retain(|operation| verify_function(&probe(0, operation, machine), &*isa).is_ok());
    let all: Vec<Vec<Tried>> = thread::scope(|scope| {
        let operations = &operations;
        let threads = BACKENDS.map(|backend| scope.spawn(move || try_all(backend, operations)));
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().expect("no panic");
        threads.into_iter().map(join).collect()
    });
    let mut rows = Vec::new();
    for (index, operation) in operations.into_iter().enumerate() {
        let tried = BACKENDS.iter().zip(&all);
        let tried = tried.filter_map(|(letter, all)| Some((letter, all[index].as_ref()?)));
        let mut who: String = tried.clone().map(|(letter, _)| *letter).collect();
        if who.is_empty() {
            continue;
        }
        let interpreted = contain(|| interpret(&operation, machine));
        if let Ok(Some(interpreted)) = interpreted {
            let mut stored = tried.flat_map(|(_, stored)| stored);
            let is_same = stored.all(|stored| *stored == interpreted);
            who.push(if is_same { INTERPRETED } else { DISPUTED });
        }
        rows.push(Row { operation, who });
    }
    rows
}

/// Nothing if the backend does not have the operation; else what calls store with each of its settings, if this
/// machine can call.
type Tried = Option<Vec<Vec<u64>>>;

fn target(backend: char) -> String {
    let target = match backend.to_ascii_lowercase() {
        'x' => "x86_64",
        'a' => "aarch64",
        'r' => "riscv64 has_v has_zfhmin",
        's' => "s390x",
        _ if backend == 'p' => "pulley32be",
        _ => "pulley64",
    };
    match backend.is_uppercase() {
        true => with_common_features(target),
        false => target.to_owned(),
    }
}

fn machine(backend: char) -> Machine {
    let target = target(backend);
    let triple = target.split(' ').next().unwrap_or_default();
    let triple = triple.parse().expect("a triple");
    Machine::of(&triple).expect("a target with a backend")
}

/// Without optimization and with it.
fn isas(backend: char) -> [OwnedTargetIsa; 2] {
    ["none", "speed"].map(|opt_level| {
        let mut settings = Settings::new(&[]).with("opt_level", opt_level);
        settings.shared.push(("enable_verifier", "false"));
        isa(&target(backend), &settings)
    })
}

fn try_all(backend: char, operations: &[Operation]) -> Vec<Tried> {
    let (isas, machine) = (isas(backend), machine(backend));
    let probes = operations.iter().enumerate();
    let probes: Vec<Function> = probes
        .map(|(index, operation)| probe(index, operation, machine))
        .collect();
    let is_compiled = |probe: &Function| {
        let compiles = |isa: &OwnedTargetIsa| {
            let mut context = Context::for_function(probe.clone());
            let code = context.compile(&**isa, &mut ControlPlane::default());
            code.is_ok_and(|code| !calls_library(code))
        };
        contain(|| isas.iter().all(compiles)) == Ok(true)
    };
    let mut tried: Vec<Tried> = probes
        .iter()
        .map(|probe| is_compiled(probe).then(Vec::new))
        .collect();
    if is_possible() && machine.target == OutTarget::X64 {
        for isa in &isas {
            call_all(isa, operations, &probes, &mut tried);
        }
    }
    tried
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
    let functions: Vec<_> = there
        .iter()
        .map(|index| (&probes[*index], &details))
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
fn interpret(operation: &Operation, machine: Machine) -> Option<Vec<u64>> {
    let probe = probe(0, operation, machine);
    let caller = caller(0, result_words(operation), machine);
    let mut all = Vec::new();
    for operands in calls() {
        let mut store = FunctionStore::default();
        store.add(probe.name.to_string(), &probe);
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
