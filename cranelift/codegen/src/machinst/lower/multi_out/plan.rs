//! The plan for one block: which field moves behind which instruction.

use super::*;
use crate::entity::EntitySet;
use crate::ir::Opcode;
use crate::isa::CallConv;
use core::cmp::Ordering;

/// A move between registers and an out area.
#[derive(Clone, Copy)]
pub(super) enum FieldMove {
    /// Load a result of a call with this signature, if it is wanted in registers.
    Load { sig: Sig, idx: usize, value: Value },
    /// Store a value as a result of the function.
    Store { idx: usize, value: Value },
}

/// Moves in the order of execution.
type FieldMoves = SmallVec<[FieldMove; 2]>;

/// What happens to out areas in the block that is being lowered, apart from calls and returns.
#[derive(Default)]
pub(in crate::machinst::lower) struct OutAreas {
    /// Does the function have a signature of the convention, its own or that of a call?
    any: bool,
    /// The values that are an operand of more than one instruction, or more than once of one.
    used_often: EntitySet<Value>,
    /// The moves right behind an instruction.
    behind: FxHashMap<Inst, FieldMoves>,
    /// The first instruction after a call that may overwrite the call's area, if there is one.
    overwritten_by: FxHashMap<Inst, Inst>,
    /// The results of the function, by index, that are stored before the return.
    stored_early: FxHashSet<usize>,
}

impl OutAreas {
    pub(in crate::machinst::lower) fn new(f: &Function) -> Self {
        let is_multi_out = |sig: &Signature| sig.call_conv == CallConv::SystemVMultiOut;
        let any = is_multi_out(&f.signature) || f.dfg.signatures.values().any(is_multi_out);
        Self {
            any,
            used_often: if any {
                values_used_often(f)
            } else {
                EntitySet::new()
            },
            ..Self::default()
        }
    }

    /// Is a value an operand of one instruction at most?
    pub(super) fn has_one_use_at_most(&self, value: Value) -> bool {
        self.any && !self.used_often.contains(value)
    }

    pub(super) fn take_moves_behind(&mut self, inst: Inst) -> Option<FieldMoves> {
        if self.behind.is_empty() {
            return None;
        }
        self.behind.remove(&inst)
    }

    pub(super) fn is_stored_early(&self, idx: usize) -> bool {
        self.stored_early.contains(&idx)
    }

    /// Is the area of a call as the call left it when `user`, of the same block, begins?
    pub(super) fn is_intact_at(&self, f: &Function, call: Inst, user: Inst) -> bool {
        match self.overwritten_by.get(&call) {
            Some(&by) => f.layout.pp_cmp(user, by) == Ordering::Less,
            None => true,
        }
    }

    fn clear(&mut self) {
        debug_assert!(self.behind.is_empty(), "moves behind no instruction");
        self.behind.clear();
        self.overwritten_by.clear();
        self.stored_early.clear();
    }
}

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

/// A call whose area still has its results, at some point of the block.
struct OpenArea<'f> {
    call: Inst,
    sig: Sig,
    results: &'f [Value],
    /// For each result, has its load been planned?
    is_planned: SmallVec<[bool; 8]>,
}

/// For each value that is stored behind its definition, as which results of the function.
type EarlyStores = FxHashMap<Value, SmallVec<[usize; 1]>>;

/// Puts moves behind instructions.
struct Planner<'p> {
    plan: &'p mut OutAreas,
    stores: EarlyStores,
}

impl Planner<'_> {
    fn push(&mut self, behind: Inst, field_move: FieldMove) {
        self.plan.behind.entry(behind).or_default().push(field_move);
    }

    /// Store a value behind an instruction, as each result that it is.
    fn store(&mut self, behind: Inst, value: Value) {
        for idx in self.stores.get(&value).cloned().unwrap_or_default() {
            self.push(behind, FieldMove::Store { idx, value });
        }
    }

    /// Load a result behind an instruction, if that has not been done further up.
    fn load(&mut self, behind: Inst, area: &mut OpenArea, idx: usize) {
        if core::mem::replace(&mut area.is_planned[idx], true) {
            return;
        }
        let (sig, value) = (area.sig, area.results[idx]);
        self.push(behind, FieldMove::Load { sig, idx, value });
        self.store(behind, value);
    }
}

impl<I: VCodeInst> Lower<'_, I> {
    /// Plan the moves of fields for a block whose end is lowered next.
    pub(in crate::machinst::lower) fn plan_field_moves(&mut self, block: LoweredBlock) {
        if !self.out_areas.any {
            return;
        }
        let mut plan = core::mem::take(&mut self.out_areas);
        plan.clear();
        if let Some(block) = block.orig_block() {
            self.plan_block(block, &mut plan);
        }
        self.out_areas = plan;
    }

    fn plan_block(&self, block: Block, plan: &mut OutAreas) {
        let stores = self.early_stores(block);
        plan.stored_early.extend(stores.values().flatten());
        let mut planner = Planner { plan, stores };

        let mut open: Option<OpenArea> = None;
        let mut previous = None;
        for inst in self.f.layout.block_insts(block) {
            let own_area = self.out_area_sig(inst);
            if let (Some(area), Some(behind)) = (&mut open, previous) {
                for arg in self.f.dfg.inst_values(inst) {
                    match self.f.dfg.value_def(arg) {
                        ValueDef::Result(def, idx) if def == area.call => {
                            planner.load(behind, area, idx);
                        }
                        _ => {}
                    }
                }
                // One area is open at a time, even where a second one fits below the first.
                let overwrites = own_area.is_some() || self.overwrites_area(inst, area.sig);
                if overwrites {
                    planner.plan.overwritten_by.insert(area.call, inst);
                }
                if overwrites || self.f.dfg.insts[inst].opcode().is_terminator() {
                    for idx in 0..area.results.len() {
                        planner.load(behind, area, idx);
                    }
                    open = None;
                }
            }
            let results = self.f.dfg.inst_results(inst);
            if let Some(sig) = own_area {
                open = Some(OpenArea {
                    call: inst,
                    sig,
                    results,
                    is_planned: smallvec![false; results.len()],
                });
            } else {
                for &result in results {
                    planner.store(inst, result);
                }
            }
            previous = Some(inst);
        }
    }

    /// The results of the function that can be stored behind their definitions in this block, which
    /// returns.
    fn early_stores(&self, block: Block) -> EarlyStores {
        let mut stores = EarlyStores::default();
        let layout = &self.f.layout;
        let Some(ret) = layout.last_inst(block) else {
            return stores;
        };
        let returns_fields = self.f.dfg.insts[ret].opcode() == Opcode::Return
            && self.abi().returns_in_out_area(self.sigs());
        if !returns_fields {
            return stores;
        }
        for (idx, &value) in self.f.dfg.inst_args(ret).iter().enumerate() {
            let def = self.f.dfg.value_def(value).inst();
            let is_here = def.is_some_and(|def| layout.inst_block(def) == Some(block));
            if is_here && self.constant_field_store(value, idx).is_none() {
                stores.entry(value).or_default().push(idx);
            }
        }
        stores
    }

    /// May this instruction write to the out area of a call with the signature `area_sig`? Only calls
    /// do, with their stack arguments and results.
    fn overwrites_area(&self, inst: Inst, area_sig: Sig) -> bool {
        // Any instruction may be lowered to a call of a library function.
        if self.abi().libcalls_own_stack() {
            return true;
        }
        let opcode = self.f.dfg.insts[inst].opcode();
        if !opcode.is_call() {
            return false;
        }
        // A tail call gives up the frame.
        let sig_ref = self.f.dfg.call_signature(inst);
        let Some(sig_ref) = sig_ref.filter(|_| !opcode.is_return()) else {
            return true;
        };
        let sig = &self.sigs()[self.sigs().abi_sig_for_sig_ref(sig_ref)];
        // The area lies above the stack arguments of its own call.
        let start = self.sigs()[area_sig].sized_stack_arg_space();
        sig.sized_stack_arg_space()
            .saturating_add(sig.sized_stack_ret_space())
            > start
    }
}
