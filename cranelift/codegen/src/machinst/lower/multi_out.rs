//! `SystemVMultiOut` in lowering: when fields move between registers and out areas.
//!
//! Were the results of a call defined by the call instruction itself, register allocation would have
//! to keep each in a callee-saved register or a spill slot, as a call clobbers all others, whether
//! it is used or not. Were all fields of a function's own area stored by its return, all of them
//! would have to be in registers at once. The memory is there, and by the convention nobody else
//! has business with it, so each field moves where it costs no register:
//!
//! ```text
//!   v1, v2, v3 = call fn0()     ;; v3 is not used
//!   v4 = iadd v5, v1            ;; load v1, or add it from memory
//!   v6 = call fn1(v4)           ;; no stack arguments: the area is intact
//!                               ;; store v6
//!   v7 = iadd v2, v2            ;; load v2 before this, store v7 behind it
//!   return v6, v7, v8           ;; store v8, which is from another block
//! ```
//!
//! - A result of a plain call is loaded before its first use in the block of the call, or at the
//!   latest before the area is overwritten and before the block ends. Dead results are not loaded.
//!   A backend may use a result that has one use from memory; see [`Lower::intact_field`].
//! - A result of the function is stored behind its definition if that is in the block that returns.
//!   Nothing can observe it: until the return the area belongs to the callee, and if it traps or
//!   unwinds, the contents are unspecified. A constant is stored by the return.
//! - A `try_call` ends its block, so there its results are defined by the call, which loads them
//!   (see `CallInfo::emit_field_load`), but only those that its normal edge passes on.
//!
//! Lowering goes backward, so what is to happen is planned when a block is begun, at its end.

mod plan;

pub(super) use plan::OutAreas;

use super::*;
use crate::machinst::{RetLocation, SmallInstVec, StackAMode};
use plan::FieldMove;

impl<I: VCodeInst> Lower<'_, I> {
    /// Does a call with this signature return its results in an out area?
    pub(super) fn uses_out_area(&self, sig: Sig) -> bool {
        self.sigs()[sig].uses_out_area()
    }

    /// Emit the moves that the plan puts right behind an instruction, all of whose later
    /// instructions have been lowered.
    pub(super) fn gen_field_moves_behind(&mut self, inst: Inst) {
        let Some(moves) = self.out_areas.take_moves_behind(inst) else {
            return;
        };
        for field_move in moves {
            match field_move {
                FieldMove::Load { sig, idx, value } => self.gen_field_load(sig, idx, value),
                FieldMove::Store { idx, value } => {
                    let regs = self.value_regs[value];
                    let stores = self.vcode.abi().gen_field_stores(
                        self.vcode.sigs(),
                        idx,
                        regs,
                        &mut self.vregs,
                    );
                    for store in stores.into_iter().flatten() {
                        self.emit(store);
                    }
                }
            }
        }
        let loc = self.srcloc(inst);
        self.finish_ir_inst(loc);
    }

    /// Load a result into its registers if instructions that are lowered by now want it there.
    fn gen_field_load(&mut self, sig: Sig, idx: usize, value: Value) {
        if self.value_lowered_uses[value] == 0 {
            return;
        }
        let regs = self.value_regs[value];
        let loads =
            self.vcode
                .abi()
                .gen_field_loads(self.vcode.sigs(), sig, idx, regs, &mut self.vregs);
        for load in loads {
            self.emit(load);
        }
    }

    /// Does a result of this function need no store from a register by the return that is being
    /// lowered? If it is a constant that the backend can store as such, that is done.
    pub(super) fn is_field_stored_apart(&mut self, idx: usize) -> bool {
        if self.out_areas.is_stored_early(idx) {
            return true;
        }
        if !self.vcode.abi().returns_in_out_area(self.vcode.sigs()) {
            return false;
        }
        let value = self
            .cur_inst
            .and_then(|inst| self.f.dfg.inst_args(inst).get(idx).copied());
        let Some((value, stores)) =
            value.and_then(|v| Some((v, self.constant_field_store(v, idx)?)))
        else {
            return false;
        };
        // It was counted when the operands of the return were put in registers.
        self.value_lowered_uses[value] -= 1;
        for store in stores {
            self.emit(store);
        }
        true
    }

    /// The store of a value as result `idx` if it is a constant that needs no register.
    fn constant_field_store(&self, value: Value, idx: usize) -> Option<SmallInstVec<I>> {
        let inst = self.f.dfg.value_def(value).inst()?;
        let bits = self.get_constant(inst)?;
        self.vcode
            .abi()
            .gen_constant_field_store(self.vcode.sigs(), idx, bits)
    }

    /// Where the current instruction may use a value from memory instead of a register, for a value
    /// that is an operand of one instruction: the call, which result it is, and its place in the out area
    /// if that still has it when the current instruction is executed.
    ///
    /// As with a load that is sunk, whoever uses the place does not ask for the register, and reads it
    /// where the current instruction is. Unlike a load it may be read twice, if its user becomes part of
    /// two instructions: whether it is intact is asked for each. The memory is as wide as the type of the
    /// value and aligned for it.
    pub(crate) fn intact_field(&self, value: Value) -> Option<(Inst, usize, StackAMode)> {
        if !self.out_areas.has_one_use_at_most(value) {
            return None;
        }
        let ValueDef::Result(call, idx) = self.f.dfg.value_def(value) else {
            return None;
        };
        let sig = self.out_area_sig(call)?;
        let layout = &self.f.layout;
        let user = self.cur_inst?;
        if layout.inst_block(user) != layout.inst_block(call)
            || !self.out_areas.is_intact_at(self.f, call, user)
        {
            return None;
        }
        let amode = self.vcode.abi().field_amode(self.vcode.sigs(), sig, idx)?;
        Some((call, idx, amode))
    }

    /// The instruction that is being lowered.
    pub(crate) fn current_inst(&self) -> Option<Inst> {
        self.cur_inst
    }

    /// The signature of a plain call with an out area.
    fn out_area_sig(&self, inst: Inst) -> Option<Sig> {
        let opcode = self.f.dfg.insts[inst].opcode();
        if !opcode.is_call() || opcode.is_terminator() {
            return None;
        }
        let sig_ref = self.f.dfg.call_signature(inst)?;
        let sig = self.sigs().abi_sig_for_sig_ref(sig_ref);
        self.uses_out_area(sig).then_some(sig)
    }

    /// If the current instruction is a `try_call` with an out area, what it defines: the results
    /// that its normal edge passes on, and the exception payloads.
    pub(super) fn gen_try_call_fields(&mut self, sig: Sig) -> Option<CallRetList> {
        if !self.uses_out_area(sig) {
            return None;
        }
        let inst = self.cur_inst?;
        let results = &self.try_call_rets[&inst];
        let outputs: SmallVec<[ValueRegs<Reg>; 2]> = results
            .iter()
            .map(|regs| regs.map(|reg| reg.to_reg()))
            .collect();
        let payloads = &self.try_call_payloads[&inst];
        let mut defs = self.vcode.abi().gen_call_rets(
            self.vcode.sigs(),
            sig,
            &outputs,
            Some(&payloads[..]),
            &mut self.vregs,
        );
        let used = self.used_try_call_results(inst);
        let used_regs: FxHashSet<Reg> = used
            .iter()
            .flat_map(|&idx| outputs[idx].regs())
            .copied()
            .collect();
        defs.retain(|def| match def.location {
            RetLocation::Reg(..) => true,
            RetLocation::Stack(..) => used_regs.contains(&def.vreg.to_reg()),
        });
        Some(defs)
    }

    /// The results, by index, that the normal edge of a `try_call` passes on.
    fn used_try_call_results(&self, inst: Inst) -> SmallVec<[usize; 8]> {
        let Some(table) = self.f.dfg.insts[inst].exception_table() else {
            return SmallVec::new();
        };
        let normal = self.f.dfg.exception_tables[table].normal_return();
        normal
            .args(&self.f.dfg.value_lists)
            .filter_map(|arg| match arg {
                BlockArg::TryCallRet(idx) => usize::try_from(idx).ok(),
                _ => None,
            })
            .collect()
    }
}
