//! Blocks: removing, merging and skipping them, and their parameters.

use super::draft::Draft;
use super::edges::{self, destinations};
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, DataFlowGraph, Inst, InstructionData, Opcode, Value,
};
use std::collections::{HashMap, HashSet};

/// Removes blocks; the edges to them go.
pub(super) fn remove(draft: &mut Draft) {
    let blocks = draft.blocks();
    let gone: HashSet<Block> = blocks
        .iter()
        .skip(1)
        .copied()
        .filter(|_| draft.pick())
        .collect();
    for block in blocks {
        if !gone.contains(&block) {
            edges::remove_to(draft, block, &gone);
        }
    }
    draft.remove_unreachable();
}

/// Appends a block to the one block that jumps to it.
pub(super) fn merge(draft: &mut Draft) {
    let edges = edges_by_target(draft);
    let entry = draft.func.layout.entry_block();
    for block in draft.blocks() {
        let Some([(jump, call)]) = edges.get(&block).map(Vec::as_slice) else {
            continue;
        };
        let is_mergeable = draft.opcode(*jump) == Opcode::Jump && entry != Some(block);
        if !is_mergeable || !draft.pick() {
            continue;
        }
        let into = draft.func.layout.inst_block(*jump);
        let Some(into) = into.filter(|into| *into != block) else {
            continue;
        };
        draft.func.layout.remove_inst(*jump);
        for (param, arg) in detach_params(draft, block, call) {
            draft.func.dfg.change_to_alias(param, arg);
        }
        while let Some(inst) = draft.func.layout.first_inst(block) {
            draft.func.layout.remove_inst(inst);
            draft.func.layout.append_inst(inst, into);
        }
        draft.func.layout.remove_block(block);
    }
}

fn detach_params(draft: &mut Draft, block: Block, call: &BlockCall) -> Vec<(Value, Value)> {
    let dfg = &mut draft.func.dfg;
    let params = dfg.detach_block_params(block);
    let params = params.as_slice(&dfg.value_lists).iter().copied();
    let args = call.args(&dfg.value_lists).filter_map(|arg| arg.as_value());
    params.zip(args).collect()
}

/// Lets edges to a block that only jumps elsewhere go there.
pub(super) fn skip(draft: &mut Draft) {
    let edges = edges_by_target(draft);
    for block in draft.blocks() {
        let dfg = &draft.func.dfg;
        let first = draft.func.layout.first_inst(block);
        let Some(InstructionData::Jump { destination, .. }) = first.map(|inst| dfg.insts[inst])
        else {
            continue;
        };
        let target = destination.block(&dfg.value_lists);
        let is_skippable = dfg.num_block_params(block) == 0 && target != block;
        if !is_skippable || !draft.pick() {
            continue;
        }
        for (inst, _) in edges.get(&block).into_iter().flatten() {
            let dfg = &mut draft.func.stencil.dfg;
            let (tables, handlers) = (&mut dfg.jump_tables, &mut dfg.exception_tables);
            for call in dfg.insts[*inst].branch_destination_mut(tables, handlers) {
                if call.block(&dfg.value_lists) == block {
                    *call = destination.deep_clone(&mut dfg.value_lists);
                }
            }
        }
    }
    draft.remove_unreachable();
}

/// Removes parameters of blocks, with their arguments. If these are all the same, that value can
/// stand in, else a zero.
pub(super) fn params(draft: &mut Draft) {
    let edges = edges_by_target(draft);
    let mut zeros = Vec::new();
    for block in draft.blocks().into_iter().skip(1) {
        let edges = edges.get(&block).map_or(&[][..], Vec::as_slice);
        let mut removed = Vec::new();
        for (index, &param) in draft.func.dfg.block_params(block).iter().enumerate() {
            let args = args_of(&draft.func.dfg, edges, index);
            removed.push((index, param, args));
        }
        // From the last: the places of those before it stay what they are.
        for (index, param, args) in removed.into_iter().rev() {
            let is_forwarded = draft.pick();
            let is_zeroed = draft.pick();
            if !is_forwarded && !is_zeroed {
                continue;
            }
            draft.func.dfg.remove_block_param(param);
            remove_args(draft, block, edges, index);
            let resolved = |arg: BlockArg| arg.map_value(|v| draft.func.dfg.resolve_aliases(v));
            let mut args: Vec<BlockArg> = args.into_iter().map(resolved).collect();
            args.retain(|&arg| arg != param.into());
            args.dedup();
            match args[..] {
                [BlockArg::Value(value)] if is_forwarded => {
                    draft.func.dfg.change_to_alias(param, value);
                }
                _ => zeros.push((param, draft.place_in(block))),
            }
        }
    }
    draft.define_zeros(&zeros);
}

fn args_of(dfg: &DataFlowGraph, edges: &[(Inst, BlockCall)], index: usize) -> Vec<BlockArg> {
    let pool = &dfg.value_lists;
    let args = edges.iter().map(|(_, call)| call.args(pool).nth(index));
    args.flatten().collect()
}

fn remove_args(draft: &mut Draft, block: Block, calls: &[(Inst, BlockCall)], index: usize) {
    let insts: HashSet<Inst> = calls.iter().map(|(inst, _)| *inst).collect();
    for inst in insts {
        let dfg = &mut draft.func.stencil.dfg;
        let (tables, handlers) = (&mut dfg.jump_tables, &mut dfg.exception_tables);
        for call in dfg.insts[inst].branch_destination_mut(tables, handlers) {
            if call.block(&dfg.value_lists) == block {
                call.remove(index, &mut dfg.value_lists);
            }
        }
    }
}

/// All edges, by the block that they lead to.
fn edges_by_target(draft: &Draft) -> HashMap<Block, Vec<(Inst, BlockCall)>> {
    let mut edges: HashMap<_, Vec<_>> = HashMap::new();
    for inst in draft.insts() {
        for call in destinations(&draft.func, inst) {
            let target = call.block(&draft.func.dfg.value_lists);
            edges.entry(target).or_default().push((inst, call));
        }
    }
    edges
}
