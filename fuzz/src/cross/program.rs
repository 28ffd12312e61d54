//! A program as object file, as entry of the C program's list, and as the lines that it must print.

use super::throw::{self, Handlers};
use crate::filetest::{functions, header, print_compiled};
use crate::generator::exceptions::calls_thrower;
use crate::generator::host::{host_has_features, host_target};
use crate::generator::settings::{Settings, isa};
use crate::generator::signature::arguments;
use crate::generator::signature::suit_apple;
use crate::generator::{Case, Form, Machine};
use crate::interpreter::{Outcome, interpret};
use crate::run::{invalid, is_refusal};
use cranelift_codegen::data_value::DataValue;
use cranelift_codegen::ir::{AbiParam, Endianness, Function, Signature, Type, UserFuncName, types};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::isa::multi_out::{OutArea, compute_out_area};
use cranelift_reader::parse_functions;
use filetests::execute::{SLOT_SIZE, trampoline};
use filetests::object::{ObjectError, ObjectFile};
use filetests::panics::contain;
use oracles::toolchain::CTarget;
use std::fmt::Write;

/// The C program that calls those of its list.
pub const CALLER: &str = include_str!("programs.c");

/// What is between C and the program's first function.
type Slots = Vec<[u8; SLOT_SIZE]>;

/// The machine of a target.
///
/// qemu has `f16` of riscv64 by an option whose name depends on qemu's version.
pub fn machine(target: CTarget) -> Machine {
    let triple = target.architecture().parse().expect("a triple");
    let machine = Machine::of(&triple).expect("a target with a backend");
    Machine {
        has_f16: target != CTarget::Riscv64,
        has_features: Some(target) == CTarget::host() && host_has_features(),
        ..machine
    }
}

/// As in a `target` line.
fn spec(target: CTarget, settings: &Settings) -> String {
    match target.architecture() == std::env::consts::ARCH {
        true => host_target(settings),
        false => target.spec().to_owned(),
    }
}

/// The object file of a case's program, whose symbols begin with `prefix`, and the program's handlers. The error says
/// what the target refuses; anything else that is wrong is a panic.
pub fn compile(
    case: &Case,
    target: CTarget,
    form: Form,
    prefix: &str,
) -> Result<(Vec<u8>, Handlers), String> {
    let (settings, functions) = all_functions(case, target, form);
    let isa = isa(&spec(target, &settings), &settings);
    build(&functions, isa, prefix).map_err(|error| match error.codegen {
        Some(codegen) if is_refusal(&codegen) => error.message,
        _ => panic!("{}", error.message),
    })
}

/// What the verifier has against the functions of a case.
pub fn verify(case: &Case, target: CTarget) -> String {
    let (settings, functions) = all_functions(case, target, Form::MultiOut);
    invalid(&functions, &*isa(&spec(target, &settings), &settings))
}

fn build(
    functions: &[Function],
    isa: OwnedTargetIsa,
    prefix: &str,
) -> Result<(Vec<u8>, Handlers), ObjectError> {
    let mut object = ObjectFile::new(isa).expect("a target with object files");
    object.name_as_c(prefix);
    object.add(functions.iter());
    let mut handlers = functions.iter().any(calls_thrower).then(Vec::new);
    let file = object.finish_seeing(|index, code| {
        let name = functions[index].name.to_string();
        let symbol = format!("{prefix}{}", name.trim_start_matches('%'));
        if let Some(handlers) = &mut handlers {
            handlers.extend(throw::handlers(&symbol, code));
        }
    })?;
    Ok((file, handlers))
}

/// The program's functions, and `%call`, which calls the first.
fn all_functions(case: &Case, target: CTarget, form: Form) -> (Settings, Vec<Function>) {
    let machine = machine(target);
    let program = case.program(machine, form);
    let settings = program.settings.for_objects();
    let isa = isa(&spec(target, &settings), &settings);
    let mut functions = program.functions;
    let mut call = trampoline(&called_as(&functions[0].signature, machine), &*isa);
    call.name = UserFuncName::testcase("call");
    functions.push(call);
    (settings, functions)
}

/// The function with an explicit out pointer, where that is what C would call; else as it is. C's places of
/// other parameters are not always those of stock conventions.
fn called_as(signature: &Signature, machine: Machine) -> Signature {
    let is_plain = |param: &AbiParam| {
        let ty = param.value_type;
        !ty.is_vector() && ty.bits() <= 64 && ty != types::F16
    };
    let mut called = signature.clone();
    if signature.call_conv.is_multi_out()
        && signature.returns.len() > 1
        && signature.params.iter().all(is_plain)
    {
        called.call_conv = called.call_conv.base();
        called.params.insert(0, AbiParam::new(machine.pointer));
        called.returns.clear();
        suit_apple(&mut called);
    }
    called
}

/// What a case's program takes, and what the interpreter says that it comes to.
pub struct Expected {
    signature: Signature,
    machine: Machine,
    outcome: Outcome,
}

/// In an out area before the call, and in its padding and behind it after the call.
const UNTOUCHED: u8 = 0xa5;

impl Expected {
    /// Interprets the program. The error says what is wrong with it.
    pub fn new(case: &Case, machine: Machine) -> Result<Self, String> {
        let program = case.program(machine, Form::Interpreted);
        Ok(Expected {
            outcome: interpret(&program)?,
            signature: program.functions[0].signature.clone(),
            machine,
        })
    }

    /// The same, for the program in another form: C may have to call that otherwise.
    pub fn in_form(&self, case: &Case, form: Form) -> Self {
        let program = case.program(self.machine, form);
        Expected {
            outcome: self.outcome.clone(),
            signature: program.functions[0].signature.clone(),
            machine: self.machine,
        }
    }

    /// Whether it has to trap.
    pub fn traps(&self) -> bool {
        self.outcome == Outcome::Trapped
    }

    /// The first slot of the out area, if C passes a pointer to one, and the slots from there on of which
    /// any is to be seen.
    fn seen(&self) -> (usize, usize) {
        match called_as(&self.signature, self.machine) == self.signature {
            true => (0, self.signature.returns.len()),
            false => (1 + self.signature.params.len(), self.area().len()),
        }
    }

    /// The out area without any result, and a slot behind it.
    fn area(&self) -> Slots {
        let layout = self.layout();
        vec![[UNTOUCHED; SLOT_SIZE]; (layout.size as usize).div_ceil(SLOT_SIZE) + 1]
    }

    fn layout(&self) -> OutArea {
        let types: Vec<Type> = self
            .signature
            .returns
            .iter()
            .map(|r| r.value_type)
            .collect();
        compute_out_area(&types, self.machine.target).expect("the program's results")
    }

    /// Before the call.
    fn slots(&self) -> Slots {
        let args = arguments(&self.signature);
        let args = args.iter().map(|value| self.slot(value));
        match self.seen() {
            (0, _) => args.collect(),
            _ => [[0; SLOT_SIZE]]
                .into_iter()
                .chain(args)
                .chain(self.area())
                .collect(),
        }
    }

    /// As a trampoline has it.
    fn slot(&self, value: &DataValue) -> [u8; SLOT_SIZE] {
        let mut slot = [0; SLOT_SIZE];
        match self.machine.endianness == Endianness::Little || value.ty().is_vector() {
            true => value.write_to_slice_le(&mut slot),
            false => value.write_to_slice_be(&mut slot),
        }
        slot
    }

    /// The slots that are to be seen after the call.
    fn result_slots(&self, values: &[DataValue]) -> Slots {
        let mut slots = self.slots();
        let (area, count) = self.seen();
        slots.resize(slots.len().max(area + count), [0; SLOT_SIZE]);
        let mut slots = slots.split_off(area);
        slots.truncate(count);
        if area == 0 {
            for (slot, value) in slots.iter_mut().zip(values) {
                let bytes = value.ty().bytes() as usize;
                slot[..bytes].copy_from_slice(&self.slot(value)[..bytes]);
            }
            return slots;
        }
        let bytes = slots.as_flattened_mut();
        for (field, value) in self.layout().fields.iter().zip(values) {
            let (at, size) = (field.offset as usize, field.ty.bytes() as usize);
            let mut slot = self.slot(value);
            if self.machine.endianness == Endianness::Big && field.ty.is_vector() {
                // Lane 0 is first, as everywhere, but lanes are as scalars are.
                let lane = field.ty.lane_type().bytes() as usize;
                slot.chunks_mut(lane).for_each(<[u8]>::reverse);
            }
            bytes[at..at + size].copy_from_slice(&slot[..size]);
        }
        slots
    }

    /// The entry in the list of the C program.
    pub fn entry(&self, number: u64, prefix: &str) -> String {
        let (area, count) = self.seen();
        let bytes: Vec<String> = self.slots().concat().iter().map(u8::to_string).collect();
        let bytes = bytes.join(",");
        format!("PROGRAM({number}, {prefix}, {area}, {count}, {bytes})")
    }

    /// The lines that the C program must print of it.
    pub fn lines(&self, number: u64) -> Vec<String> {
        let Outcome::Returned(values) = &self.outcome else {
            return vec![format!("{number} traps")];
        };
        let line = |(index, slot): (usize, &[u8; SLOT_SIZE])| {
            let bytes: String = slot.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{number} {index} {bytes}")
        };
        let slots = self.result_slots(values);
        let mut lines: Vec<String> = (self.seen().0..).zip(&slots).map(line).collect();
        lines.push(format!("{number} returns"));
        lines
    }
}

/// A case's program as a filetest of `test c-abi`, which does the same as a batch; of `test compile` if nothing is
/// expected of it.
pub fn print(case: &Case, target: CTarget, expected: Option<&Expected>) -> String {
    let (settings, all) = all_functions(case, target, Form::MultiOut);
    let target = spec(target, &settings);
    let Some(expected) = expected else {
        return print_compiled(&settings, &target, &all);
    };
    let flag = throw::FLAG;
    let mut text = format!("test c-abi compilers=gcc opt=-O1 flags={flag}\n");
    text += &header(&settings, &target);
    let code = functions(&all);
    let _ = writeln!(text, "\n;; c: #define PROGRAMS {}", expected.entry(0, ""));
    let thrower = throw::source([&handlers_of(&code, isa(&target, &settings))]);
    for line in CALLER.lines().chain(thrower.lines()) {
        text += format!(";; c: {line}").trim_end();
        text.push('\n');
    }
    text += &code;
    for line in expected.lines(0) {
        let _ = writeln!(text, ";; out: {line}");
    }
    text
}

/// Those of a program as text: what is read may be compiled to other code than what was printed. None if it does not compile.
fn handlers_of(code: &str, isa: OwnedTargetIsa) -> Handlers {
    let functions = parse_functions(code).expect("what was printed");
    functions.iter().find(|function| calls_thrower(function))?;
    contain(|| build(&functions, isa, "")).ok()?.ok()?.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::exceptions::sample;
    use crate::random;
    use filetests::file::run_bytes;
    use filetests::{FileOutcome, JobOptions};
    use std::path::Path;

    /// A program that returns, one that traps, and one that throws.
    fn cases() -> [(Case, bool); 3] {
        let trap = [31, 0, 1, 0x7f, 0, 0, 0, 0];
        let returns = Case::new(&random::bytes(1, 9));
        [
            (returns, false),
            (Case::new(&[&[0; 33][..], &trap].concat()), true),
            (sample(), false),
        ]
    }

    /// Under qemu where it is installed; the harness of filetests says where it is not.
    #[test]
    fn the_harness_judges_what_is_printed() {
        let targets = [CTarget::X86_64, CTarget::S390x, CTarget::Aarch64];
        for (target, (case, traps)) in targets.into_iter().zip(cases()) {
            let expected = Expected::new(&case, machine(target)).expect("a sound program");
            assert_eq!(expected.traps(), traps);
            let outcome = |text: &str| {
                let options = JobOptions::default();
                run_bytes(Path::new("f.clif"), text.as_bytes(), &options).outcome
            };
            let text = print(&case, target, Some(&expected));
            let is_judged = match outcome(&text) {
                FileOutcome::Passed => true,
                FileOutcome::Skipped => std::env::var_os("CI").is_none(),
                _ => false,
            };
            assert!(is_judged, "{text}");
            let wrong = text.replace(";; out: 0 ", ";; out: 1 ");
            assert!(outcome(&wrong) != FileOutcome::Passed, "{wrong}");
        }
    }
}
