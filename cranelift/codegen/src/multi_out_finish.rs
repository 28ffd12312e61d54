//! Finish with the results of a multi-out call before the next one.
//!
//! The out area is there once, so the next call overwrites it, and what is still to be used by then
//! has to be saved. The mid-end places pure instructions as late as it can: a sum of ten results that
//! is wanted at the end of a block costs ten spill slots, while an eleventh value is all there is to
//! keep. This pass, the last of the mid-end, moves such an instruction in front of the next call:
//!
//! ```text
//!   v1, v2 = call fn0()             v1, v2 = call fn0()
//!                                   v5 = iadd v1, v2
//!   v3, v4 = call fn0()       =>    v3, v4 = call fn0()
//!   v5 = iadd v1, v2
//! ```
//!
//! It moves only what needs no more registers or spill slots across the call than before: an
//! instruction whose operands are there by then, and that is the only use of one that comes from the
//! call and is of the same kind and at least as wide. Comparisons stay where they are, next to the
//! branch or the `select` that they become one instruction with.

use crate::entity::SecondaryMap;
use crate::inst_predicates::is_pure_for_egraph;
use crate::ir::{Block, Function, Inst, Opcode, Signature, Type, Value, ValueDef};
use alloc::vec::Vec;
use smallvec::SmallVec;

/// Run the pass. It needs no analysis and keeps all of them: no block and no edge changes.
pub(crate) fn finish_with_results(func: &mut Function) {
    let has_area = |sig: &Signature| sig.call_conv.is_multi_out() && sig.returns.len() > 1;
    if !func.dfg.signatures.values().any(has_area) {
        return;
    }
    let uses = count_uses(func);
    let mut parts = SecondaryMap::new();
    let blocks: Vec<Block> = func.layout.blocks().collect();
    for block in blocks {
        finish_in_block(func, block, &uses, &mut parts, has_area);
    }
}

/// How often each value is used, as an operand or as an argument of a block.
fn count_uses(func: &Function) -> SecondaryMap<Value, u32> {
    let mut uses = SecondaryMap::new();
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            for value in func.dfg.inst_values(inst) {
                uses[value] += 1;
            }
        }
    }
    uses
}

/// A call with an out area divides a block; its results belong to the part behind it. Everything
/// from outside the block belongs to part 0.
///
/// `parts` says which part an instruction of the block is in.
fn finish_in_block(
    func: &mut Function,
    block: Block,
    uses: &SecondaryMap<Value, u32>,
    parts: &mut SecondaryMap<Inst, usize>,
    has_area: impl Fn(&Signature) -> bool,
) {
    let insts: Vec<Inst> = func.layout.block_insts(block).collect();
    // The call at the end of each part, as far as known.
    let mut ends: Vec<Inst> = Vec::new();
    for inst in insts {
        let sig = func.dfg.call_signature(inst);
        if sig.is_some_and(|sig| has_area(&func.dfg.signatures[sig])) {
            ends.push(inst);
        } else if let Some((part, constants)) =
            earlier_part(func, block, inst, ends.len(), parts, uses)
        {
            for moved in constants.into_iter().chain([inst]) {
                func.layout.remove_inst(moved);
                func.layout.insert_inst(moved, ends[part]);
                parts[moved] = part;
            }
            continue;
        }
        parts[inst] = ends.len();
    }
}

/// The part before `current` that an instruction can move to, and the constants that have to go with
/// it: its other operands are there, and one of them, of a call, gives way to its result.
fn earlier_part(
    func: &Function,
    block: Block,
    inst: Inst,
    current: usize,
    parts: &SecondaryMap<Inst, usize>,
    uses: &SecondaryMap<Value, u32>,
) -> Option<(usize, SmallVec<[Inst; 2]>)> {
    let opcode = func.dfg.insts[inst].opcode();
    let is_comparison = matches!(
        opcode,
        Opcode::Icmp | Opcode::Fcmp | Opcode::VanyTrue | Opcode::VallTrue
    );
    if current == 0 || is_comparison || opcode.can_load() || !is_pure_for_egraph(func, inst) {
        return None;
    }
    let ty = func.dfg.value_type(func.dfg.first_result(inst));
    let mut part = 0;
    let mut is_last_use = false;
    let mut constants = SmallVec::<[Inst; 2]>::new();
    for value in func.dfg.inst_values(inst) {
        let ValueDef::Result(def, _) = func.dfg.value_def(value) else {
            continue;
        };
        if func.layout.inst_block(def) != Some(block) {
            continue;
        }
        let is_constant = matches!(
            func.dfg.insts[def].opcode(),
            Opcode::Iconst | Opcode::F32const | Opcode::F64const
        );
        if is_constant && uses[value] == 1 {
            constants.push(def);
        } else {
            part = part.max(parts[def]);
            is_last_use |= uses[value] == 1
                && parts[def] > 0
                && can_take_place_of(func.dfg.value_type(value), ty);
        }
    }
    constants.retain(|def| parts[*def] > part);
    // Part 0 has no results to finish with.
    (is_last_use && part < current).then_some((part, constants))
}

/// May a value of the second type be where one of the first was, which is alive no longer?
fn can_take_place_of(old: Type, new: Type) -> bool {
    new.bits() <= old.bits() && new.is_int() == old.is_int() && new.is_vector() == old.is_vector()
}
