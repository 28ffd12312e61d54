//! Values of which the compiler reports where they are: references, to a collector of garbage, and values with labels, to a
//! debugger.
//!
//! ```text
//!   v1 = …;  store v1, ss1
//!   v2 = call f(), stack_map=[i64 @ ss1+0]
//!   v3 = load ss1
//! ```
//!
//! The builder stores a reference where it is defined, lists it at each call that it is alive across, and loads it where it is
//! used. Nobody changes it in the meantime, so it is a value like others to whoever runs the program. Labels change no instruction, and
//! the text of a function has none.

use super::Machine;
use super::pool::Pool;
use super::signature::struct_size;
use cranelift_codegen::ir::{Function, Signature, Value, ValueLabel, types};
use cranelift_frontend::FunctionBuilder;

/// Of 32 choices, the one that makes a reference.
const REFERENCE: u8 = 9;

/// Of 32 choices, the one that sets a label.
const LABEL: u8 = 18;

/// References of a function. Each may be in the entries of every call.
const MAX_REFERENCES: usize = 16;

/// Labels of a function, which are set on several values, as that of a variable is.
const LABELS: usize = 4;

/// Those of a function.
#[derive(Default)]
pub struct Tracked {
    references: Vec<Value>,
    labelled: usize,
}

impl Tracked {
    /// Makes one of the newest values such a value, for few choices. What the program does stays the same.
    pub fn track(
        &mut self,
        choice: u8,
        pool: &Pool,
        machine: Machine,
        builder: &mut FunctionBuilder<'_>,
    ) {
        match choice % 32 {
            REFERENCE if self.references.len() < MAX_REFERENCES => {
                // Runtimes also have references of 32 bits.
                let ty = [machine.pointer, types::I32][usize::from(choice / 32 % 2)];
                self.references.extend(pool.newest_of(ty, builder));
            }
            LABEL => {
                builder.func.dfg.collect_debug_info();
                for value in pool.newest(1) {
                    let label = ValueLabel::from_u32((self.labelled % LABELS) as u32);
                    builder.set_val_label(*value, label);
                    self.labelled += 1;
                }
            }
            _ => {}
        }
    }

    /// Tells the builder of the references, when the function is complete.
    ///
    /// Where a call passes structs there are none: on x86-64 it is two calls, one of which copies a struct, and with debug assertions
    /// Cranelift panics because it does not know which of them a stack map is for.
    pub fn declare(self, builder: &mut FunctionBuilder<'_>) {
        let mut called = builder.func.dfg.signatures.values();
        let has_struct =
            |called: &Signature| called.params.iter().any(|p| struct_size(p).is_some());
        if called.any(has_struct) {
            return;
        }
        for value in self.references {
            builder.declare_value_needs_stack_map(value);
        }
    }
}

/// Makes the sizes of slots multiples of a reference's. The interpreter has slots one behind the other, whatever their alignment, and
/// traps where references are not aligned.
pub fn align_slots(func: &mut Function) {
    for slot in func.sized_stack_slots.values_mut() {
        slot.size = slot.size.next_multiple_of(types::I64.bytes());
    }
}

#[cfg(test)]
mod tests {
    use crate::generator::{Case, Form, Machine};
    use crate::random;
    use cranelift_codegen::ir::{Function, Opcode, types};
    use std::collections::HashSet;

    fn functions(machine: Machine, form: Form) -> Vec<Function> {
        let functions = |number| {
            let case = Case::new(&random::bytes(1, number));
            case.program(machine, form).functions
        };
        (0..200).flat_map(functions).collect()
    }

    fn machine(architecture: &str) -> Machine {
        let triple = architecture.parse().expect("a triple");
        Machine::of(&triple).expect("a target with a backend")
    }

    /// The ways to call, and the types of references that are alive then.
    fn entries(functions: &[Function]) -> HashSet<(Opcode, String)> {
        let mut entries = HashSet::new();
        for func in functions {
            let blocks = func.layout.blocks();
            for inst in blocks.flat_map(|block| func.layout.block_insts(block)) {
                let opcode = func.dfg.insts[inst].opcode();
                let own = func.dfg.user_stack_map_entries(inst).unwrap_or_default();
                entries.extend(own.iter().map(|entry| (opcode, entry.ty.to_string())));
            }
        }
        entries
    }

    fn assert_has_entries(functions: &[Function], machine: Machine, calls: &[Opcode]) {
        let entries = entries(functions);
        for opcode in calls {
            for ty in [machine.pointer, types::I32] {
                let is_there = entries.contains(&(*opcode, ty.to_string()));
                assert!(is_there, "{opcode}, {ty} on {machine:?}");
            }
        }
    }

    const CALLS: [Opcode; 4] = [
        Opcode::Call,
        Opcode::CallIndirect,
        Opcode::TryCall,
        Opcode::TryCallIndirect,
    ];

    #[test]
    fn programs_have_references_and_labels_on_every_machine() {
        for architecture in ["x86_64", "aarch64", "riscv64", "s390x", "pulley32"] {
            let machine = machine(architecture);
            let functions = functions(machine, Form::MultiOut);
            assert_has_entries(&functions, machine, &CALLS);
            let labels = functions
                .iter()
                .filter_map(|f| f.dfg.values_labels.as_ref());
            let count: usize = labels.map(|labels| labels.len()).sum();
            assert!(count > 20, "{count} labels on {architecture}");
        }
    }

    #[test]
    fn references_are_alive_across_calls_in_every_form() {
        let machine = machine("x86_64");
        for form in [Form::OutPointer, Form::Tail] {
            assert_has_entries(&functions(machine, form), machine, &CALLS);
        }
        // Every `try_call` is a call there.
        let interpreted = functions(machine, Form::Interpreted);
        assert_has_entries(&interpreted, machine, &CALLS[..2]);
    }
}
