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

use super::saves::Saves;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::instructions::CallInfo;
use cranelift_codegen::ir::{
    ExternalName, FuncRef, Function, Inst, InstBuilder, InstructionData, LibCall, Opcode, Type,
};
use cranelift_jit::JITModule;
use std::cell::Cell;

const NAME: &[u8] = b"__cranelift_throw";

/// What must be known of running code to throw through it.
pub struct Code<'a> {
    /// The module, which has the exception tables.
    pub module: &'a JITModule,
    /// The registers that its functions save.
    pub saves: &'a Saves,
}

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

/// Runs `action`, during which this code may throw.
pub fn with_code<T>(code: &Code<'_>, action: impl FnOnce() -> T) -> T {
    let outer = CODE.replace(std::ptr::from_ref(code).cast());
    let result = action();
    CODE.set(outer);
    result
}

thread_local! {
    /// The code that runs on this thread, for the duration of a call into it.
    static CODE: Cell<*const Code<'static>> = const { Cell::new(std::ptr::null()) };
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

cfg_select! {
    any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64",
        target_arch = "s390x",
    ) => {
        use super::registers::Registers;
        use wasmtime_internal_unwinder::{Frame, Handler, Unwind, UnwindHost};

        fn throw_address() -> Option<usize> {
            Some(super::registers::entry as *const () as usize)
        }

        /// Finds the handler and resumes there; `registers` are as the thrower left them, if this
        /// host can tell.
        pub extern "C" fn throw(
            entry_fp: usize,
            exit_fp: usize,
            exit_pc: usize,
            tag: u32,
            payload1: usize,
            payload2: usize,
            registers: *mut Registers,
        ) -> ! {
            // SAFETY: the pointer is null, or that of the code that called this function.
            let code = unsafe { CODE.get().as_ref() };
            let find = |frame: &Frame| handler_in(code?.module, frame, tag);
            // SAFETY: the test passes frame pointers of its own live frames.
            let handler =
                unsafe { Handler::find(&UnwindHost, find, exit_pc, exit_fp, entry_fp) };
            if let (Some(handler), Some(code)) = (handler, code) {
                // SAFETY: the handler comes from the exception table of a live frame, the frames
                // up to it are live, and no value with a destructor is alive in this function.
                unsafe {
                    match registers.as_mut() {
                        Some(registers) => {
                            restore_saves(registers, code.saves, &handler);
                            registers.resume(&handler, payload1, payload2)
                        }
                        None => handler.resume_tailcc(payload1, payload2),
                    }
                }
            }
            // Nothing can unwind the frames of compiled code; the runner reports the abort with
            // the last note.
            let last = crate::activity::current().latest().unwrap_or_default();
            crate::activity::note(
                last.line,
                format_args!("{} and finding no handler of exception tag {tag}", last.doing),
            );
            std::process::abort()
        }

        /// Puts into `registers` what the frames below that of the handler have saved.
        ///
        /// # Safety
        ///
        /// The frames from the one that threw up to that of the handler must be live, and have
        /// frame pointers.
        unsafe fn restore_saves(registers: &mut Registers, saves: &Saves, handler: &Handler) {
            let (mut pc, mut fp) = (registers.pc, registers.fp);
            while fp != handler.fp && fp != 0 {
                for save in saves.at(pc).unwrap_or_default() {
                    if let Some(register) = registers.get_mut(save.register) {
                        let place = fp.wrapping_add_signed(save.offset) as *const usize;
                        // SAFETY: the function of this live frame has saved the register there.
                        *register = unsafe { place.read() };
                    }
                }
                // SAFETY: `fp` is the frame pointer of a live frame.
                unsafe {
                    pc = UnwindHost.get_next_older_pc_from_fp(fp);
                    fp = ((fp + UnwindHost.next_older_fp_from_fp_offset()) as *const usize).read();
                }
            }
        }

        /// The program counter and stack pointer of the handler for `tag` in this frame.
        fn handler_in(module: &JITModule, frame: &Frame, tag: u32) -> Option<(usize, usize)> {
            // Any number may come in as the first program counter.
            let (base, table) = module.lookup_wasmtime_exception_data(frame.pc())?;
            let offset = u32::try_from(frame.pc().checked_sub(base)?).ok()?;
            let (frame_offset, mut handlers) = table.lookup_pc(offset);
            let handler =
                handlers.find(|handler| handler.tag.is_none() || handler.tag == Some(tag))?;
            let pc = base.checked_add(handler.handler_offset as usize)?;
            let sp = frame.fp().checked_sub(frame_offset.unwrap_or(0) as usize)?;
            Some((pc, sp))
        }
    }
    _ => {
        fn throw_address() -> Option<usize> {
            None
        }
    }
}
