//! What makes one function smaller than another.

use super::instructions::is_constant;
use cranelift_codegen::ir::{Function, Signature};

/// How large a function is; the fields count in their order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size {
    /// Everything with a meaning of its own, but constants: they are what the rest becomes.
    complexity: usize,
    length: usize,
    pub(super) text: String,
}

impl Size {
    /// The size of a function that has this text.
    pub(super) fn of(func: &Function, text: String) -> Self {
        Size {
            complexity: complexity(func),
            length: text.len(),
            text,
        }
    }
}

fn complexity(func: &Function) -> usize {
    let dfg = &func.dfg;
    let of_signature = |sig: &Signature| sig.params.len() + sig.returns.len();
    let declarations = func.sized_stack_slots.len()
        + func.dynamic_stack_slots.len()
        + func.global_values.len()
        + dfg.ext_funcs.len()
        + dfg.signatures.len();
    let of_inst = |inst| {
        let data = &dfg.insts[inst];
        if is_constant(dfg, inst) {
            return 0;
        }
        let edges = data.branch_destination(&dfg.jump_tables, &dfg.exception_tables);
        // A `try_call` is more than a call and a jump.
        let table = 3 * usize::from(data.exception_table().is_some());
        2 + dfg.inst_values(inst).count() + 2 * edges.len() + table
    };
    let of_block = |block| {
        let insts = func.layout.block_insts(block).map(of_inst);
        1 + dfg.num_block_params(block) + insts.sum::<usize>()
    };
    declarations
        + usize::from(func.stack_limit.is_some())
        + of_signature(&func.signature)
        + dfg.signatures.values().map(of_signature).sum::<usize>()
        + func.layout.blocks().map(of_block).sum::<usize>()
}

/// How many blocks a function has.
pub fn block_count(func: &Function) -> usize {
    func.layout.blocks().count()
}

/// How many instructions a function has.
pub fn instruction_count(func: &Function) -> usize {
    let blocks = func.layout.blocks();
    blocks
        .map(|block| func.layout.block_insts(block).count())
        .sum()
}
