//! Results of a `SystemVMultiOut` call: loads from the out area, behind the call.
//!
//! Were the results defined by the call instruction itself, register allocation would have to keep
//! each in a callee-saved register or a spill slot, as a call clobbers all others, whether it is
//! used or not. As ordinary instructions the loads need neither, and a dead result needs no load.
//!
//! A `try_call` ends its block, so there its results are defined by the call, which loads them (see
//! `CallInfo::emit_field_load`), but only those that its normal edge passes on.

use super::*;
use crate::machinst::RetLocation;

impl<I: VCodeInst> Lower<'_, I> {
    /// Does a call with this signature return its results in an out area?
    pub(super) fn uses_out_area(&self, sig: Sig) -> bool {
        self.sigs()[sig].uses_out_area()
    }

    /// If `inst` is a plain call with an out area, load the results that later code uses into
    /// `outputs`.
    ///
    /// Lowering goes backward, so all uses have been seen by now.
    pub(super) fn gen_out_area_loads(&mut self, inst: Inst, outputs: &[ValueRegs<Reg>]) {
        let opcode = self.f.dfg.insts[inst].opcode();
        if !opcode.is_call() || opcode.is_branch() {
            return;
        }
        let Some(sig_ref) = self.f.dfg.call_signature(inst) else {
            return;
        };
        let sig = self.sigs().abi_sig_for_sig_ref(sig_ref);
        if !self.uses_out_area(sig) {
            return;
        }
        for (idx, &result) in self.f.dfg.inst_results(inst).iter().enumerate() {
            if self.value_lowered_uses[result] == 0 {
                continue;
            }
            let loads = self.vcode.abi().gen_field_loads(
                self.vcode.sigs(),
                sig,
                idx,
                outputs[idx],
                &mut self.vregs,
            );
            for load in loads {
                self.emit(load);
            }
        }
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
