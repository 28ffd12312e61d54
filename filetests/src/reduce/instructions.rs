//! Instructions: constants and earlier values in the place of their results.

use super::draft::Draft;
use cranelift_codegen::ir::{DataFlowGraph, Inst, Opcode, Type, Value};
use std::collections::{HashMap, HashSet};

/// Whether an instruction is a constant, or what makes a wide one of it.
pub(super) fn is_constant(dfg: &DataFlowGraph, inst: Inst) -> bool {
    match dfg.insts[inst].opcode() {
        Opcode::Iconst
        | Opcode::F16const
        | Opcode::F32const
        | Opcode::F64const
        | Opcode::F128const
        | Opcode::Vconst => true,
        Opcode::Uextend | Opcode::Splat => {
            let narrow = dfg.value_def(dfg.inst_args(inst)[0]).inst();
            narrow.is_some_and(|narrow| is_constant(dfg, narrow))
        }
        _ => false,
    }
}

/// Removes instructions; zeros stand in for results that are used.
pub(super) fn remove(draft: &mut Draft) {
    let mut removed = draft.insts();
    removed.retain(|&inst| !draft.opcode(inst).is_terminator() && draft.pick());
    let removed: Vec<_> = removed.into_iter().map(|inst| (inst, None)).collect();
    draft.remove_insts(&removed);
}

/// Removes instructions with a result for which an operand, or the earliest value, of the same type
/// can stand in.
pub(super) fn forward(draft: &mut Draft) {
    let mut removed = Vec::new();
    let mut of_entry = Earlier::default();
    for (index, block) in draft.blocks().into_iter().enumerate() {
        let mut earlier = of_entry.clone();
        earlier.add(&draft.func.dfg, draft.func.dfg.block_params(block));
        for inst in draft.func.layout.block_insts(block).collect::<Vec<_>>() {
            let results = draft.func.dfg.inst_results(inst).to_vec();
            let mut choice = None;
            for &result in &results {
                for value in earlier.stand_ins(&draft.func.dfg, inst, result) {
                    if draft.pick() {
                        choice.get_or_insert((result, value));
                    }
                }
            }
            removed.extend(choice.map(|choice| (inst, Some(choice))));
            earlier.add(&draft.func.dfg, &results);
        }
        if index == 0 {
            of_entry = earlier;
        }
    }
    draft.remove_insts(&removed);
}

/// Values that are defined at some place, by what was seen of its block and of the entry block.
#[derive(Clone, Default)]
struct Earlier {
    values: HashSet<Value>,
    first: HashMap<Type, Value>,
}

impl Earlier {
    fn add(&mut self, dfg: &DataFlowGraph, values: &[Value]) {
        for &value in values {
            self.values.insert(value);
            self.first.entry(dfg.value_type(value)).or_insert(value);
        }
    }

    fn stand_ins(&self, dfg: &DataFlowGraph, inst: Inst, result: Value) -> Vec<Value> {
        let ty = dfg.value_type(result);
        let operands = dfg.inst_args(inst).iter().copied();
        let mut found: Vec<Value> = operands
            .filter(|operand| dfg.value_type(*operand) == ty && self.values.contains(operand))
            .chain(self.first.get(&ty).copied())
            .collect();
        found.dedup();
        found
    }
}
