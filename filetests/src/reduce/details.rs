//! Details: source locations, flags, numbers, stack slots and other declarations.

use super::draft::Draft;
use cranelift_codegen::ir::entities::AnyEntity;
use cranelift_codegen::ir::{DebugTag, GlobalValueData, InstructionData, MemFlagsData, TrapCode};

/// Removes source locations, debug tags, stack maps, and that blocks are cold.
pub(super) fn locations(draft: &mut Draft) {
    for inst in draft.insts() {
        if !draft.func.srcloc(inst).is_default() && draft.pick() {
            draft.func.srclocs[inst] = Default::default();
        }
        if draft.func.debug_tags.has(inst) && draft.pick() {
            let none: [DebugTag; 0] = [];
            draft.func.debug_tags.set(inst, none);
        }
        if draft.func.dfg.user_stack_map_entries(inst).is_some() && draft.pick() {
            draft.stripped.insert(inst.into());
        }
    }
    for block in draft.blocks() {
        if draft.func.layout.is_cold(block) && draft.pick() {
            draft.stripped.insert(block.into());
        }
    }
}

/// Removes stack slots with the instructions that take their addresses, and what is said of them.
pub(super) fn stack_slots(draft: &mut Draft) {
    let mut removed = Vec::new();
    for slot in draft.func.sized_stack_slots.keys().collect::<Vec<_>>() {
        if draft.pick() {
            let mut uses = draft.insts();
            uses.retain(|&inst| draft.func.dfg.insts[inst].stack_slot() == Some(slot));
            removed.extend(uses.into_iter().map(|inst| (inst, None)));
        }
        if draft.func.sized_stack_slots[slot].align_shift != 0 && draft.pick() {
            draft.func.sized_stack_slots[slot].align_shift = 0;
        }
        if draft.func.sized_stack_slots[slot].key.is_some() && draft.pick() {
            draft.func.sized_stack_slots[slot].key = None;
        }
    }
    draft.remove_insts(&removed);
}

/// Removes flags of loads and stores, all or one.
pub(super) fn memory_flags(draft: &mut Draft) {
    for inst in draft.insts() {
        let dfg = &draft.func.dfg;
        let Some(old) = dfg.insts[inst].memflags_data(dfg) else {
            continue;
        };
        let mut simpler = vec![MemFlagsData::new()];
        simpler.extend((0..6).map(|flag| without(old, flag)));
        simpler.retain(|new| *new != old);
        let mut picked = simpler.into_iter().filter(|_| draft.pick());
        let first = picked.next();
        picked.for_each(drop);
        let number = first.map(|flags| draft.func.dfg.mem_flags.insert(flags));
        let flags = draft.func.dfg.insts[inst].memflags_mut();
        if let (Some(Ok(number)), Some(flags)) = (number, flags) {
            *flags = number;
        }
    }
}

/// Memory flags without one of the six.
fn without(old: MemFlagsData, flag: usize) -> MemFlagsData {
    let mut new = MemFlagsData::new();
    if flag != 0 {
        new = new.with_trap_code(old.trap_code());
    }
    if flag != 1 && old.aligned() {
        new.set_aligned();
    }
    if flag != 2 && old.readonly() {
        new.set_readonly();
    }
    if flag != 3 && old.can_move() {
        new.set_can_move();
    }
    if let Some(endianness) = old.explicit_endianness().filter(|_| flag != 4) {
        new.set_endianness(endianness);
    }
    new.with_alias_region(old.alias_region().filter(|_| flag != 5))
}

/// Makes numbers in instructions zero, or as small as they can be.
pub(super) fn numbers(draft: &mut Draft) {
    for inst in draft.insts() {
        if !draft.pick() {
            continue;
        }
        let dfg = &mut draft.func.stencil.dfg;
        match &mut dfg.insts[inst] {
            InstructionData::Load { offset, .. }
            | InstructionData::Store { offset, .. }
            | InstructionData::StackAddr { offset, .. } => *offset = 0.into(),
            InstructionData::BinaryImm8 { imm, .. } | InstructionData::TernaryImm8 { imm, .. } => {
                *imm = 0;
            }
            InstructionData::ExceptionHandlerAddress { imm, .. } => *imm = 0.into(),
            // What can be zero is already.
            InstructionData::UnaryImm { imm, .. } => *imm = 1.into(),
            InstructionData::Shuffle { imm, .. } => {
                let zeros = vec![0; dfg.immediates[*imm].len()];
                *imm = dfg.immediates.push(zeros.into());
            }
            data => {
                if let Some(code) = data.trap_code_mut() {
                    *code = TrapCode::unwrap_user(1);
                }
            }
        }
    }
}

/// Removes declarations that nothing refers to, and simplifies the others.
pub(super) fn declarations(draft: &mut Draft) {
    for &unused in draft.unused {
        if draft.pick() {
            draft.stripped.insert(unused);
        }
    }
    if draft.func.stack_limit.is_some() && draft.pick() {
        draft.stripped.insert(AnyEntity::StackLimit);
    }
    for func in draft.func.dfg.ext_funcs.keys().collect::<Vec<_>>() {
        if draft.func.dfg.ext_funcs[func].colocated && draft.pick() {
            draft.func.dfg.ext_funcs[func].colocated = false;
        }
        if draft.func.dfg.ext_funcs[func].patchable && draft.pick() {
            draft.func.dfg.ext_funcs[func].patchable = false;
        }
    }
    // A global value that is made of another becomes that one.
    for global in draft.func.global_values.keys().collect::<Vec<_>>() {
        if let GlobalValueData::Load { base, .. } | GlobalValueData::IAddImm { base, .. } =
            draft.func.global_values[global]
            && draft.pick()
        {
            draft.func.global_values[global] = draft.func.global_values[base].clone();
        }
    }
}
