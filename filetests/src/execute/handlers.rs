//! The host function that throws: from the frame that calls it to a handler further out, with the registers that this had.
//! What it takes and may do is in `throw`.

use super::saves::Saves;
use cranelift_jit::JITModule;
use std::cell::Cell;

/// What must be known of running code to throw through it.
pub struct Code<'a> {
    /// The module, which has the exception tables.
    pub module: &'a JITModule,
    /// The registers that its functions save.
    pub saves: &'a Saves,
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

cfg_select! {
    any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64",
        target_arch = "s390x",
    ) => {
        use super::registers::Registers;
        use wasmtime_internal_unwinder::{Frame, Handler, Unwind, UnwindHost};

        /// What compiled code calls, if there is a way to throw on this host.
        pub fn throw_address() -> Option<usize> {
            Some(entry as *const () as usize)
        }

        /// Finds the handler and resumes there; `registers` are as the thrower left them, if this
        /// host can tell.
        extern "C" fn throw(
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
        /// None: there is no way to throw on this host.
        pub fn throw_address() -> Option<usize> {
            None
        }
    }
}

cfg_select! {
    target_arch = "x86_64" => {
        use std::arch::naked_asm;
        use std::mem::offset_of;

        /// What compiled code calls with the first six arguments of [`throw`]: stores the registers,
        /// and passes their address on as the seventh, which is on the stack.
        #[unsafe(naked)]
        extern "C" fn entry() -> ! {
            naked_asm!(
                "sub rsp, {frame}",
                "mov [rsp + 8], rbx",
                "mov [rsp + 16], r12",
                "mov [rsp + 24], r13",
                "mov [rsp + 32], r14",
                "mov [rsp + 40], r15",
                "mov [rsp + 8 + {fp}], rbp",
                "mov rax, [rsp + {frame}]",
                "mov [rsp + 8 + {pc}], rax",
                "lea rax, [rsp + 8]",
                "mov [rsp], rax",
                "call {throw}",
                "ud2",
                // The argument and the registers; with the return address a multiple of 16.
                frame = const 8 + size_of::<Registers>() + 8,
                fp = const offset_of!(Registers, fp),
                pc = const offset_of!(Registers, pc),
                throw = sym throw,
            )
        }

        const _: () = assert!((8 + size_of::<Registers>() + 8) % 16 == 8);
    }
    any(target_arch = "aarch64", target_arch = "riscv64", target_arch = "s390x") => {
        /// What compiled code calls: [`throw`] without registers.
        extern "C" fn entry(
            entry_fp: usize,
            exit_fp: usize,
            exit_pc: usize,
            tag: u32,
            payload1: usize,
            payload2: usize,
        ) -> ! {
            let none = std::ptr::null_mut();
            throw(entry_fp, exit_fp, exit_pc, tag, payload1, payload2, none)
        }
    }
    _ => {}
}
