//! Results of multi-out calls as operands in memory.
//!
//! By now each such result is a load from the out area, which is a stack slot, right before its first
//! use (see `crate::multi_out`). Backends that fold loads into instructions would do so with these,
//! but for two things, which are mended for these loads alone.
//!
//! A load is folded only if that leaves it where it is and executes it once. So a value that is used
//! several times stops all loads below it, as the instructions in between might be merged into each of
//! its users: of the sum of ten results that a loop both passes on and returns, none is folded. But
//! nothing but the next call writes to the out area. Until then a field may be read anywhere and
//! again: its load has no effect to keep in place. A field with several users of its own is loaded
//! once, into a register.
//!
//! The address of an out area, being in the frame, is an addressing mode and no register.

use super::{InputSourceInst, InstColor, Lower, VCodeInst};
use crate::FxHashMap;
use crate::entity::{EntitySet, SecondaryMap};
use crate::ir::{Block, Function, Inst, InstructionData, Value};
use crate::machinst::StackAMode;

/// The loads of fields that have one user at most, each with the colors between which the field is
/// intact: that of the load, and that in which the next call begins or the block ends.
pub(super) type Fields = FxHashMap<Inst, (InstColor, InstColor)>;

pub(super) fn find_fields(
    f: &Function,
    entry_colors: &SecondaryMap<Inst, InstColor>,
    block_end_colors: &SecondaryMap<Block, InstColor>,
) -> Fields {
    let mut fields = Fields::default();
    if f.out_area.is_none() {
        return fields;
    }
    let used_often = values_used_often(f);
    for block in f.layout.blocks() {
        let mut color = block_end_colors[block];
        let mut last = color;
        for inst in f.layout.block_insts(block).rev() {
            if is_field_load(f, inst) {
                if !used_often.contains(f.dfg.first_result(inst)) {
                    fields.insert(inst, (color, last));
                }
            } else if entry_colors[inst].get() != 0 {
                color = entry_colors[inst];
                if writes_area(f, inst) {
                    last = color;
                }
            }
        }
    }
    fields
}

fn writes_area(f: &Function, inst: Inst) -> bool {
    let sig = f.dfg.call_signature(inst);
    sig.is_some_and(|sig| f.dfg.signatures[sig].call_conv.is_multi_out())
}

/// The values that are an operand of more than one instruction, or more than once of one.
fn values_used_often(f: &Function) -> EntitySet<Value> {
    let (mut used, mut used_often) = (EntitySet::new(), EntitySet::new());
    for block in f.layout.blocks() {
        for inst in f.layout.block_insts(block) {
            for value in f.dfg.inst_values(inst) {
                if !used.insert(value) {
                    used_often.insert(value);
                }
            }
        }
    }
    used_often
}

/// Is this the load of a field of an out area? It is asked of every instruction.
#[inline]
pub(super) fn is_field_load(f: &Function, inst: Inst) -> bool {
    f.out_area.is_some() && offset_of_field(f, inst).is_some()
}

/// Where in the out area the field is that an instruction loads, if it does.
fn offset_of_field(f: &Function, inst: Inst) -> Option<i64> {
    let out_area = f.out_area?;
    let InstructionData::Load { arg, offset, .. } = f.dfg.insts[inst] else {
        return None;
    };
    match f.dfg.insts[f.dfg.value_def(arg).inst()?] {
        InstructionData::StackAddr {
            stack_slot,
            offset: start,
            ..
        } if stack_slot == out_area => Some(i64::from(start) + i64::from(offset)),
        _ => None,
    }
}

impl<I: VCodeInst> Lower<'_, I> {
    /// What the current instruction may know of a value that is loaded from a field: the load, if it
    /// can read the field instead.
    pub(super) fn field_as_source(&self, load: Inst) -> InputSourceInst {
        let is_intact = |&(from, to): &(InstColor, InstColor)| {
            let here = self.cur_scan_entry_color;
            here.is_some_and(|here| (from.get()..=to.get()).contains(&here.get()))
        };
        match self.fields.get(&load) {
            Some(range) if is_intact(range) => InputSourceInst::UniqueUse(load, 0),
            _ => InputSourceInst::None,
        }
    }

    /// Where a load reads from, if it is that of a field.
    pub fn field_amode(&self, load: Inst) -> Option<StackAMode> {
        let offset = offset_of_field(self.f, load)?;
        let start = self.abi().sized_stackslot_offset(self.f.out_area?);
        Some(StackAMode::Slot(i64::from(start) + offset))
    }
}
