//! What ends blocks, and the edges that leave them.

use super::draft::Draft;
use cranelift_codegen::cursor::{Cursor, CursorPosition, FuncCursor};
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, ExceptionTableData, ExceptionTableItem, Function, Inst,
    InstBuilder, InstructionData, JumpTableData, TrapCode, Value,
};
use std::collections::HashSet;

/// What an edge of a block could become.
enum Ending {
    Trap,
    Return,
    Jump(BlockCall),
    /// All edges are this one.
    Same(BlockCall),
    CallAndJump,
}

/// Simplifies what ends blocks: traps and returns, jumps instead of branches, and calls that let
/// exceptions pass.
pub(super) fn terminators(draft: &mut Draft) {
    for block in draft.blocks() {
        let Some(inst) = draft.terminator(block) else {
            continue;
        };
        let mut endings = vec![Ending::Trap, Ending::Return];
        let edges = destinations(&draft.func, inst);
        endings.extend(edges.iter().copied().map(Ending::Jump));
        endings.extend(edges.into_iter().map(Ending::Same));
        if draft.func.dfg.insts[inst].exception_table().is_some() {
            endings.push(Ending::CallAndJump);
        }
        let mut picked = endings.into_iter().filter(|_| draft.pick());
        let first = picked.next();
        picked.for_each(drop);
        match first {
            None => {}
            Some(Ending::Trap) => trap(draft, inst),
            Some(Ending::Return) => return_(draft, inst),
            Some(Ending::Jump(call)) => jump(draft, inst, &call, &[]),
            Some(Ending::Same(call)) => {
                let dfg = &mut draft.func.stencil.dfg;
                let (tables, handlers) = (&mut dfg.jump_tables, &mut dfg.exception_tables);
                for edge in dfg.insts[inst].branch_destination_mut(tables, handlers) {
                    *edge = call.deep_clone(&mut dfg.value_lists);
                }
            }
            Some(Ending::CallAndJump) => call_and_jump(draft, inst),
        }
    }
    draft.remove_unreachable();
}

/// Removes entries of jump tables and exception tables.
pub(super) fn table_entries(draft: &mut Draft) {
    for inst in draft.insts() {
        match draft.func.dfg.insts[inst] {
            InstructionData::BranchTable { table, .. } => {
                let old = draft.func.dfg.jump_tables[table].clone();
                let mut entries = old.as_slice().to_vec();
                entries.retain(|_| !draft.pick());
                draft.func.dfg.jump_tables[table] =
                    JumpTableData::new(old.default_block(), &entries);
            }
            InstructionData::TryCall { exception, .. }
            | InstructionData::TryCallIndirect { exception, .. } => {
                let old = draft.func.dfg.exception_tables[exception].clone();
                let items: Vec<_> = old.items().filter(|_| !draft.pick()).collect();
                draft.func.dfg.exception_tables[exception] =
                    ExceptionTableData::new(old.signature(), *old.normal_return(), items);
            }
            _ => {}
        }
    }
    draft.remove_unreachable();
}

/// Removes the edges from a block to others; without any that is left, it traps.
pub(super) fn remove_to(draft: &mut Draft, block: Block, removed: &HashSet<Block>) {
    let Some(inst) = draft.terminator(block) else {
        return;
    };
    let func = &mut draft.func;
    let is_kept = |func: &Function, call: &BlockCall| {
        let target = call.block(&func.dfg.value_lists);
        !removed.contains(&target)
    };
    let mut kept = destinations(func, inst);
    let count = kept.len();
    kept.retain(|call| is_kept(func, call));
    if kept.len() == count {
        return;
    }
    let Some(&first) = kept.first() else {
        return trap(draft, inst);
    };
    match func.dfg.insts[inst] {
        InstructionData::BranchTable { table, .. } => {
            func.dfg.jump_tables[table] = JumpTableData::new(first, &kept[1..]);
        }
        InstructionData::TryCall { exception, .. }
        | InstructionData::TryCallIndirect { exception, .. } => {
            let old = func.dfg.exception_tables[exception].clone();
            if !is_kept(func, old.normal_return()) {
                return trap(draft, inst);
            }
            let items = old.items().filter(|item| match item {
                ExceptionTableItem::Tag(_, call) | ExceptionTableItem::Default(call) => {
                    is_kept(func, call)
                }
                ExceptionTableItem::Context(_) => true,
            });
            let new = ExceptionTableData::new(old.signature(), *old.normal_return(), items);
            func.dfg.exception_tables[exception] = new;
        }
        _ => jump(draft, inst, &first, &[]),
    }
}

/// The edges that leave a block by its last instruction.
pub(super) fn destinations(func: &Function, inst: Inst) -> Vec<BlockCall> {
    let dfg = &func.dfg;
    let data = &dfg.insts[inst];
    data.branch_destination(&dfg.jump_tables, &dfg.exception_tables)
        .to_vec()
}

fn trap(draft: &mut Draft, inst: Inst) {
    draft.func.replace(inst).trap(TrapCode::unwrap_user(1));
}

fn return_(draft: &mut Draft, inst: Inst) {
    let returns = draft.func.signature.returns.clone();
    let zeros: Vec<Value> = returns
        .iter()
        .map(|param| draft.zero(param.value_type, CursorPosition::At(inst)))
        .collect();
    draft.func.replace(inst).return_(&zeros);
}

/// Jumps where an edge leads, with these results of the call whose edge it is; zeros stand in for
/// those that are missing, and for exceptions.
fn jump(draft: &mut Draft, inst: Inst, edge: &BlockCall, results: &[Value]) {
    let dfg = &draft.func.dfg;
    let target = edge.block(&dfg.value_lists);
    let args: Vec<BlockArg> = edge.args(&dfg.value_lists).collect();
    let types: Vec<_> = dfg.block_param_types(target).collect();
    let args: Vec<BlockArg> = args
        .into_iter()
        .zip(types)
        .map(|(arg, ty)| match arg {
            BlockArg::Value(_) => arg,
            BlockArg::TryCallRet(index) if (index as usize) < results.len() => {
                results[index as usize].into()
            }
            _ => draft.zero(ty, CursorPosition::At(inst)).into(),
        })
        .collect();
    draft.func.replace(inst).jump(target, &args);
}

fn call_and_jump(draft: &mut Draft, inst: Inst) {
    let data = draft.func.dfg.insts[inst];
    let args = draft.func.dfg.inst_args(inst).to_vec();
    let mut cursor = FuncCursor::new(&mut draft.func).at_inst(inst);
    let (exception, call) = match data {
        InstructionData::TryCall {
            func_ref,
            exception,
            ..
        } => (exception, cursor.ins().call(func_ref, &args)),
        InstructionData::TryCallIndirect { exception, .. } => {
            let sig = cursor.func.dfg.exception_tables[exception].signature();
            let call = cursor.ins().call_indirect(sig, args[0], &args[1..]);
            (exception, call)
        }
        _ => return,
    };
    let results = draft.func.dfg.inst_results(call).to_vec();
    let normal = *draft.func.dfg.exception_tables[exception].normal_return();
    jump(draft, inst, &normal, &results);
}
