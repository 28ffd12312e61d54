//! Parameters and results of signatures, with the arguments and uses that belong to them.

use super::draft::Draft;
use cranelift_codegen::cursor::CursorPosition;
use cranelift_codegen::ir::{
    AbiParam, ArgumentExtension, ArgumentPurpose, BlockArg, Function, Inst, InstructionData,
    SigRef, types,
};
use std::collections::HashSet;

/// Removes parameters and results of the function itself.
pub(super) fn own(draft: &mut Draft) {
    let Some(entry) = draft.func.layout.entry_block() else {
        return;
    };
    let params = draft.func.dfg.block_params(entry).to_vec();
    let mut zeros = Vec::new();
    // From the last: the places of those before it stay what they are.
    for (index, param) in params.into_iter().enumerate().rev() {
        if draft.pick() {
            draft.func.signature.params.remove(index);
            draft.func.dfg.remove_block_param(param);
            zeros.push((param, draft.place_in(entry)));
        }
    }
    draft.define_zeros(&zeros);
    for index in (0..draft.func.signature.returns.len()).rev() {
        if !draft.pick() {
            continue;
        }
        draft.func.signature.returns.remove(index);
        let mut callees = HashSet::new();
        for inst in draft.insts() {
            let opcode = draft.opcode(inst);
            if !opcode.is_return() {
                continue;
            }
            match draft.func.dfg.call_signature(inst) {
                Some(callee) => callees.extend(linked(&draft.func, callee)),
                None => remove_arg(&mut draft.func, inst, index),
            }
        }
        for callee in callees {
            remove_result(draft, callee, index);
        }
    }
}

/// Removes parameters and results of the functions that are called.
pub(super) fn callees(draft: &mut Draft) {
    for sig in draft.func.dfg.signatures.keys().collect::<Vec<_>>() {
        for index in (0..draft.func.dfg.signatures[sig].params.len()).rev() {
            if draft.pick() {
                for sig in linked(&draft.func, sig) {
                    remove_param(draft, sig, index);
                }
            }
        }
        for index in (0..draft.func.dfg.signatures[sig].returns.len()).rev() {
            if draft.pick() {
                for sig in linked(&draft.func, sig) {
                    remove_result(draft, sig, index);
                }
            }
        }
    }
}

/// Makes parameters and results plain values: no extension, no special purpose.
pub(super) fn attributes(draft: &mut Draft) {
    let mut own = draft.func.signature.clone();
    let mut others: Vec<_> = draft.func.dfg.signatures.values().cloned().collect();
    for sig in std::iter::once(&mut own).chain(&mut others) {
        for param in sig.params.iter_mut().chain(&mut sig.returns) {
            simplify(draft, param);
        }
    }
    draft.func.signature = own;
    for (old, new) in draft.func.dfg.signatures.values_mut().zip(others) {
        *old = new;
    }
}

fn simplify(draft: &mut Draft, param: &mut AbiParam) {
    if param.extension != ArgumentExtension::None && draft.pick() {
        param.extension = ArgumentExtension::None;
    }
    if param.purpose != ArgumentPurpose::Normal && draft.pick() {
        param.purpose = ArgumentPurpose::Normal;
    }
}

/// A signature with those that must be the same: a `try_call` names one beside its callee's.
fn linked(func: &Function, sig: SigRef) -> Vec<SigRef> {
    let mut found = vec![sig];
    let mut next = 0;
    while let Some(&sig) = found.get(next) {
        next += 1;
        for inst in func
            .layout
            .blocks()
            .filter_map(|block| func.layout.last_inst(block))
        {
            if let InstructionData::TryCall {
                func_ref,
                exception,
                ..
            } = func.dfg.insts[inst]
            {
                let named = func.dfg.exception_tables[exception].signature();
                let pair = [named, func.dfg.ext_funcs[func_ref].signature];
                for other in pair {
                    if pair.contains(&sig) && !found.contains(&other) {
                        found.push(other);
                    }
                }
            }
        }
    }
    found
}

fn calls(draft: &Draft, sig: SigRef) -> Vec<Inst> {
    let mut insts = draft.insts();
    insts.retain(|&inst| draft.func.dfg.call_signature(inst) == Some(sig));
    insts
}

fn remove_param(draft: &mut Draft, sig: SigRef, index: usize) {
    if index >= draft.func.dfg.signatures[sig].params.len() {
        return;
    }
    draft.func.dfg.signatures[sig].params.remove(index);
    for inst in calls(draft, sig) {
        remove_arg(&mut draft.func, inst, index);
    }
}

/// Removes an argument of a call or a return; an indirect callee does not count.
fn remove_arg(func: &mut Function, inst: Inst, index: usize) {
    let dfg = &mut func.stencil.dfg;
    let fixed = dfg.insts[inst].opcode().constraints();
    let index = index + fixed.num_fixed_value_arguments();
    match &mut dfg.insts[inst] {
        InstructionData::Call { args, .. }
        | InstructionData::CallIndirect { args, .. }
        | InstructionData::TryCall { args, .. }
        | InstructionData::TryCallIndirect { args, .. }
        | InstructionData::MultiAry { args, .. } => args.remove(index, &mut dfg.value_lists),
        _ => {}
    }
}

fn remove_result(draft: &mut Draft, sig: SigRef, index: usize) {
    if index >= draft.func.dfg.signatures[sig].returns.len() {
        return;
    }
    let removed = draft.func.dfg.signatures[sig].returns.remove(index);
    let mut zeros = Vec::new();
    for inst in calls(draft, sig) {
        let dfg = &mut draft.func.stencil.dfg;
        let Some(table) = dfg.insts[inst].exception_table() else {
            let mut results = dfg.inst_results(inst).to_vec();
            if !results.is_empty() {
                let result = results.remove(index);
                let others = results.into_iter().map(Some);
                dfg.make_inst_results_reusing(inst, types::INVALID, others);
                let place = draft.place_after(inst);
                zeros.extend(place.map(|place| (result, place)));
            }
            continue;
        };
        let zero = draft.zero(removed.value_type, CursorPosition::At(inst));
        let dfg = &mut draft.func.stencil.dfg;
        let normal = dfg.exception_tables[table].normal_return_mut();
        normal.update_args(&mut dfg.value_lists, |arg| match arg {
            BlockArg::TryCallRet(ret) if ret as usize == index => zero.into(),
            BlockArg::TryCallRet(ret) if ret as usize > index => BlockArg::TryCallRet(ret - 1),
            _ => arg,
        });
    }
    draft.define_zeros(&zeros);
}
