//! Programs full of calls, made from bytes.
//!
//! A [`Case`] is settings and a list of functions that call each other. Bytes are read in fixed
//! places, so that a small change of the bytes is a small change of the program:
//!
//! ```text
//!   settings (8) | how many functions (1) | signature (24) of each | statement (8) | statement (8) | …
//! ```
//!
//! A statement says itself which function it belongs to, so one that is inserted or left out changes
//! that function, and of others only callers, which may have room for more or fewer calls of it.
//!
//! - [`machine`] is what programs are made for, [`host`] the one that they run on;
//! - [`signature`] makes signatures, [`settings`] makes settings;
//! - [`body`] makes bodies out of statements, with [`ops`] for operations, [`calls`] for calls, [`structs`] for
//!   their struct arguments, [`exceptions`] for what is thrown, [`memory`] for addresses, [`tracked`] for
//!   references, and [`pool`] for the values at hand; [`inlining`] puts some into others.
//!
//! Every list of bytes is a program that ends: there is no recursion but with a counter, and the number
//! of executed instructions is bounded while the program is made. It may trap.
//!
//! A [`Form`] says how functions of `system_v_multi_out` are written. The same bytes in another form
//! are the same program to whoever runs it, which is what the oracles are about.

pub mod body;
pub mod calls;
pub mod exceptions;
pub mod host;
pub mod inlining;
pub mod machine;
pub mod memory;
pub mod ops;
pub mod pool;
pub mod settings;
pub mod signature;
pub mod structs;
pub mod tracked;

use self::body::{Body, Statement};
use self::host::host_target;
pub use self::machine::Machine;
use self::settings::Settings;
use self::signature::Shape;
use arbitrary::{Arbitrary, Unstructured};
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::Function;

/// The bytes of a program.
#[derive(Clone, PartialEq, Eq)]
pub struct Case(pub(crate) Vec<u8>);

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(input: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Vec::arbitrary(input).map(Case)
    }

    fn arbitrary_take_rest(input: Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Case(input.take_rest().to_vec()))
    }
}

/// How the functions of `system_v_multi_out` are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As such.
    MultiOut,
    /// As such, and every `try_call` as a call, since the interpreter has none. What is thrown is
    /// returned, see [`exceptions`].
    Interpreted,
    /// As `system_v` functions that store their results through a pointer, their first parameter.
    OutPointer,
    /// As `tail` functions.
    Tail,
}

/// A program.
pub struct Program {
    /// What it is made for.
    pub machine: Machine,
    /// How it is written.
    pub form: Form,
    /// The settings to compile it with.
    pub settings: Settings,
    /// The functions `%f0`, `%f1` and so on. The first is the one to call.
    pub functions: Vec<Function>,
    /// The shapes of the functions.
    pub shapes: Vec<Shape>,
}

const MAX_FUNCTIONS: usize = 6;
const SIGNATURE_BYTES: usize = 24;

impl Case {
    /// The case with these bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Case(bytes.to_vec())
    }

    /// The settings that it asks for.
    pub fn settings(&self) -> Settings {
        Settings::new(split(&self.0, 8).0)
    }

    /// Where the program runs in process: here, or on Pulley.
    pub fn machine(&self) -> Option<Machine> {
        let settings = self.settings();
        match settings.runs_on_pulley {
            false => Machine::host(),
            true => Some(Machine {
                has_thrower: false,
                ..Machine::of(&host_target(&settings).parse().ok()?)?
            }),
        }
    }

    /// What decides where the compiler leaves things to chance. A build without `cfg(fuzzing)` leaves
    /// nothing to it.
    pub fn control(&self, settings: &Settings) -> ControlPlane {
        #[cfg(fuzzing)]
        if settings.is_chaotic {
            return Arbitrary::arbitrary(&mut Unstructured::new(&self.0)).unwrap_or_default();
        }
        let _ = settings;
        ControlPlane::default()
    }

    /// The program, as it is compiled or interpreted.
    pub fn program(&self, machine: Machine, form: Form) -> Program {
        let mut program = self.written(machine, form);
        if program.settings.inlines && form != Form::Interpreted {
            inlining::inline(&mut program.functions);
        }
        program
    }

    /// The program before any call is inlined.
    pub(crate) fn written(&self, machine: Machine, form: Form) -> Program {
        let (settings, rest) = split(&self.0, 8);
        let mut settings = Settings::new(settings);
        let machine = Machine {
            has_features: machine.has_features && settings.has_features,
            ..machine
        };
        let (count, rest) = split(rest, 1);
        let count = 1 + usize::from(byte(count, 0)) % MAX_FUNCTIONS;
        let (signatures, statements) = split(rest, count * SIGNATURE_BYTES);
        let signatures = (0..count).map(|index| split(signatures, index * SIGNATURE_BYTES).1);
        let shapes = Shape::all(&signatures.collect::<Vec<_>>(), machine);
        let mut bodies = vec![Vec::new(); count];
        for statement in statements.chunks(8) {
            let statement: Statement = std::array::from_fn(|at| byte(statement, at));
            bodies[usize::from(statement[7]) % count].push(statement);
        }
        let mut functions = Vec::new();
        // A caller must know what its callees cost.
        let mut costs = vec![0; count];
        for index in (0..count).rev() {
            let (function, cost) =
                Body::build(index, &shapes, &costs, &bodies[index], machine, form);
            functions.push(function);
            costs[index] = cost;
        }
        functions.reverse();
        settings.suit(&functions);
        Program {
            machine,
            form,
            settings,
            functions,
            shapes,
        }
    }
}

fn split(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at(at.min(bytes.len()))
}

/// A byte, or 0 behind the last one.
fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;
    use cranelift_codegen::ir::{ArgumentExtension, ArgumentPurpose, Inst, Opcode, Signature};
    use cranelift_codegen::isa::CallConv;
    use std::collections::HashSet;

    fn functions(architecture: &str) -> Vec<Function> {
        let triple = architecture.parse().expect("a triple");
        let machine = Machine::of(&triple).expect("a target with a backend");
        let case = |number| Case::new(&random::bytes(1, number));
        let functions = |number| case(number).written(machine, Form::MultiOut).functions;
        (0..200).flat_map(functions).collect()
    }

    #[test]
    fn a_statement_that_is_left_out_changes_its_function_alone() {
        let machine = Machine::host().expect("a host with a backend");
        let texts = |bytes: &[u8]| -> Vec<String> {
            let functions = Case::new(bytes).written(machine, Form::MultiOut).functions;
            functions.iter().map(Function::to_string).collect()
        };
        let mut changed = 0;
        for number in 0..100 {
            let bytes = random::bytes(2, number);
            let count = 1 + usize::from(byte(&bytes, 8)) % MAX_FUNCTIONS;
            let start = 9 + count * SIGNATURE_BYTES;
            if bytes.len() < start + 8 {
                continue;
            }
            let owner = usize::from(bytes[start + 7]) % count;
            let less = [&bytes[..start], &bytes[start + 8..]].concat();
            let pairs = texts(&bytes).into_iter().zip(texts(&less));
            for (index, (before, after)) in pairs.enumerate() {
                changed += usize::from(before != after);
                // Callers of a function that costs less may have room for more.
                assert!(index <= owner || before == after, "%f{index} of {number}");
            }
        }
        assert!(changed > 10, "{changed}");
    }

    fn ends_by(func: &Function, opcode: Opcode) -> bool {
        let ends = func
            .layout
            .blocks()
            .filter_map(|b| func.layout.last_inst(b));
        ends.map(|end| func.dfg.insts[end].opcode())
            .any(|end| end == opcode)
    }

    fn returns(func: &Function, opcode: Opcode) -> bool {
        let block = func.layout.last_block().expect("a body");
        let return_ = func.layout.last_inst(block).expect("a return");
        let defs = func.dfg.inst_args(return_).iter();
        let mut defs = defs.filter_map(|value| func.dfg.value_def(*value).inst());
        func.signature.returns.len() > 1 && defs.any(|def| func.dfg.insts[def].opcode() == opcode)
    }

    /// What the functions of a case do, but for how values and exceptions get to and from callees. All of the
    /// latter is in cold blocks, and leads to these.
    fn operations(case: &Case, form: Form) -> Vec<Vec<Opcode>> {
        let machine = Machine::host().expect("a host with a backend");
        let operations = |func: &Function| {
            let dfg = &func.dfg;
            let blocks = func.layout.blocks();
            let blocks = blocks.filter(|block| !func.layout.is_cold(*block));
            let insts = blocks.flat_map(|block| func.layout.block_insts(block));
            let leads_to_cold = |inst: &Inst| {
                let data = &dfg.insts[*inst];
                let edges = data.branch_destination(&dfg.jump_tables, &dfg.exception_tables);
                let mut blocks = edges.iter().map(|edge| edge.block(&dfg.value_lists));
                blocks.any(|block| func.layout.is_cold(block))
            };
            let insts = insts.filter(|inst| !leads_to_cold(inst));
            let opcodes = insts.map(|inst| func.dfg.insts[inst].opcode());
            let is_operation = |opcode: &Opcode| {
                let is_memory = opcode.can_load() || opcode.can_store();
                let is_address = matches!(opcode, Opcode::StackAddr | Opcode::FuncAddr);
                let is_end = matches!(opcode, Opcode::Trap | Opcode::Return);
                // The builder loads references on edges of a `try_call`.
                let is_edge = *opcode == Opcode::Jump;
                !(opcode.is_call() || is_memory || is_address || is_end || is_edge)
            };
            opcodes.filter(is_operation).collect()
        };
        let program = case.written(machine, form);
        program.functions.iter().map(operations).collect()
    }

    #[test]
    fn a_program_is_the_same_in_every_form() {
        // One function calls another with a thousand results, and selects. The last calls are too many.
        let mut large = vec![0; 9 + 2 * SIGNATURE_BYTES];
        large[8] = 1;
        large[9 + SIGNATURE_BYTES + 12] = 255;
        for way in [21, 21, 21, 22, 21, 21] {
            large.extend([way, 0, 0, 0, 0, 0, 0, 0]);
            large.extend([14, 0, 0, 0, 0, 0, 0, 0]);
        }
        let large = Case::new(&large);
        let opcodes = &operations(&large, Form::MultiOut)[0];
        let selected = opcodes.iter().filter(|o| **o == Opcode::Select).count();
        assert!((1..6).contains(&selected), "{selected}");

        let random = (0..300).map(|number| Case::new(&random::bytes(3, number)));
        for (number, case) in std::iter::once(large).chain(random).enumerate() {
            let want = operations(&case, Form::MultiOut);
            for form in [Form::Interpreted, Form::OutPointer, Form::Tail] {
                assert_eq!(operations(&case, form), want, "{form:?} of {number}");
            }
        }
    }

    #[test]
    fn programs_have_most_instructions_on_every_machine() {
        for architecture in ["x86_64", "aarch64", "riscv64", "s390x", "pulley64"] {
            let mut opcodes = HashSet::new();
            for func in functions(architecture) {
                let insts = func
                    .layout
                    .blocks()
                    .flat_map(|b| func.layout.block_insts(b));
                opcodes.extend(insts.map(|inst| func.dfg.insts[inst].opcode()));
            }
            let count = opcodes.len();
            assert!(count > 90, "{count} on {architecture}");
        }
    }

    #[test]
    fn constants_of_every_type_are_returned() {
        for architecture in ["x86_64", "aarch64", "riscv64", "s390x"] {
            let functions = functions(architecture);
            for opcode in [
                Opcode::Iconst,
                Opcode::F16const,
                Opcode::F32const,
                Opcode::F64const,
            ] {
                let count = functions.iter().filter(|func| returns(func, opcode));
                assert!(count.count() > 4, "{opcode} on {architecture}");
            }
        }
    }

    #[test]
    fn some_frames_are_larger_than_displacements() {
        let functions = functions("s390x");
        let size = |func: &Function| func.fixed_stack_size();
        let large = functions.iter().filter(|func| size(func) > 1 << 19).count();
        assert!(large > 2, "{large}");
    }

    #[test]
    fn structs_are_passed_where_a_backend_has_them() {
        let is_struct = |purpose| matches!(purpose, ArgumentPurpose::StructArgument(_));
        for architecture in ["x86_64", "aarch64", "riscv64", "s390x", "pulley64"] {
            let functions = functions(architecture);
            let called = functions
                .iter()
                .flat_map(|func| func.dfg.signatures.values());
            let params = called.flat_map(|signature| &signature.params);
            let count = params.filter(|param| is_struct(param.purpose)).count();
            assert_eq!(
                count > 10,
                architecture == "x86_64",
                "{count} on {architecture}"
            );
        }
    }

    #[test]
    fn functions_of_apples_stock_convention_extend_nothing() {
        let functions = functions("aarch64");
        let called = functions.iter().flat_map(|f| f.dfg.signatures.values());
        let apples = called.filter(|s| s.call_conv == CallConv::AppleAarch64);
        let params: Vec<_> = apples.flat_map(|signature| &signature.params).collect();
        assert!(params.len() > 10, "{}", params.len());
        assert!(
            params
                .iter()
                .all(|p| p.extension == ArgumentExtension::None)
        );
    }

    /// Functions end by tail calls, and some of these also call functions with several results in memory.
    #[test]
    fn functions_end_by_tail_calls() {
        for architecture in ["x86_64", "aarch64", "riscv64", "s390x", "pulley64"] {
            let functions = functions(architecture);
            let calls = |func: &Function, convention| {
                let mut called = func.dfg.signatures.values();
                called.any(|s| s.call_conv == convention && s.returns.len() > 1)
            };
            for opcode in [Opcode::ReturnCall, Opcode::ReturnCallIndirect] {
                let ends = functions.iter().filter(|func| ends_by(func, opcode));
                let ours = CallConv::SystemVMultiOut;
                let next_to_ours = ends.clone().filter(|func| calls(func, ours)).count();
                let all = ends.count();
                assert!(
                    all > 4 && next_to_ours > 0,
                    "{all}, {next_to_ours} on {architecture}"
                );
            }
        }
    }

    /// Lanes are in another order in `tail` functions there.
    #[test]
    fn vectors_are_returned_to_and_from_tail_functions_on_s390x() {
        let conv = |signature: &Signature| {
            let has_vector = signature.returns.iter().any(|r| r.value_type.is_vector());
            has_vector.then_some(signature.call_conv)
        };
        let functions = functions("s390x");
        let calls = |own, called| {
            let calls = functions
                .iter()
                .filter(|func| func.signature.call_conv == own);
            let called_ones = calls.flat_map(|func| func.dfg.signatures.values());
            called_ones
                .filter(|signature| conv(signature) == Some(called))
                .count()
        };
        assert!(calls(CallConv::Tail, CallConv::SystemVMultiOut) > 4);
        assert!(calls(CallConv::SystemVMultiOut, CallConv::Tail) > 4);
    }
}
