//! `%__cranelift_throw`, the host function by which compiled code throws.
//!
//! ```text
//! %__cranelift_throw(entry_fp, exit_fp, exit_pc, tag: i32, payload1, payload2)   never returns
//! ```
//!
//! It walks the frames from `exit_fp`/`exit_pc` up to that of `entry_fp`, and resumes at the
//! first handler for the tag. Functions reach it by `func_addr` only: the address is put in the
//! instruction's place before compilation.
//!
//! On x86-64 this restores the registers that the frames in between have saved, so functions of
//! conventions with such registers may catch. On other hosts only functions may catch whose
//! `try_call`s preserve no register, such as those of `tail` functions.

use super::handlers::throw_address;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::instructions::CallInfo;
use cranelift_codegen::ir::{
    ExternalName, FuncRef, Function, Inst, InstBuilder, InstructionData, LibCall, Opcode, Type,
};

const NAME: &[u8] = b"__cranelift_throw";

/// Whether a function refers to the throwing function.
pub fn can_throw(func: &Function) -> bool {
    throw_address().is_some() && throw_references(func).next().is_some()
}

/// Replaces each `func_addr` of the throwing function by its address.
///
/// A reference that is used in another way too keeps its name, which then does not link.
pub fn replace_throw(func: &mut Function, pointer: Type) {
    let Some(address) = throw_address() else {
        return;
    };
    let references: Vec<FuncRef> = throw_references(func).collect();
    if references.is_empty() {
        return;
    }
    let mut cursor = FuncCursor::new(func);
    let mut called = Vec::new();
    while cursor.next_block().is_some() {
        while let Some(inst) = cursor.next_inst() {
            match func_addr_of(cursor.func, inst) {
                Some(reference) if references.contains(&reference) => {
                    cursor.func.replace(inst).iconst(pointer, address as i64);
                }
                Some(_) => {}
                None => called.extend(callee_of(cursor.func, inst)),
            }
        }
    }
    for reference in references {
        if !called.contains(&reference) {
            // Any name that links will do: nothing refers to it any more.
            func.dfg.ext_funcs[reference].name = ExternalName::LibCall(LibCall::TruncF64);
        }
    }
}

fn throw_references(func: &Function) -> impl Iterator<Item = FuncRef> {
    func.dfg
        .ext_funcs
        .iter()
        .filter(
            |(_, data)| matches!(&data.name, ExternalName::TestCase(name) if name.raw() == NAME),
        )
        .map(|(reference, _)| reference)
}

fn func_addr_of(func: &Function, inst: Inst) -> Option<FuncRef> {
    match func.dfg.insts[inst] {
        InstructionData::FuncAddr {
            opcode: Opcode::FuncAddr,
            func_ref,
        } => Some(func_ref),
        _ => None,
    }
}

fn callee_of(func: &Function, inst: Inst) -> Option<FuncRef> {
    let dfg = &func.dfg;
    match dfg.insts[inst].analyze_call(&dfg.value_lists, &dfg.exception_tables) {
        CallInfo::Direct(callee, _) | CallInfo::DirectWithSig(callee, ..) => Some(callee),
        CallInfo::Indirect(..) | CallInfo::NotACall => None,
    }
}
