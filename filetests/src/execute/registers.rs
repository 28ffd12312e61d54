//! Registers that functions must preserve, as a throwing function leaves them.

cfg_select! {
    target_arch = "x86_64" => {
        use std::arch::asm;
        use wasmtime_internal_unwinder::Handler;

        /// The registers that System V functions preserve, and where the thrower was.
        #[repr(C)]
        pub struct Registers {
            preserved: [usize; 5],
            /// The frame pointer of the function that throws.
            pub fp: usize,
            /// An address in the code of the function that throws.
            pub pc: usize,
        }

        /// The DWARF numbers of `preserved`: rbx, r12, r13, r14, r15.
        const DWARF_NUMBERS: [u16; 5] = [3, 12, 13, 14, 15];

        impl Registers {
            /// The register with this DWARF number, if it is one of those preserved.
            pub fn get_mut(&mut self, number: u16) -> Option<&mut usize> {
                let index = DWARF_NUMBERS.iter().position(|other| *other == number)?;
                self.preserved.get_mut(index)
            }

            /// Continues at a handler with these registers.
            ///
            /// # Safety
            ///
            /// As for [`Handler::resume_tailcc`]; the registers must have the values that the
            /// handler's function had in them at its call.
            pub unsafe fn resume(&self, handler: &Handler, payload1: usize, payload2: usize) -> ! {
                // SAFETY: the caller promises that the handler's frame is live. Everything is read
                // before the stack pointer moves.
                unsafe {
                    asm!(
                        "mov rbx, [r8]",
                        "mov r12, [r8 + 8]",
                        "mov r13, [r8 + 16]",
                        "mov r14, [r8 + 24]",
                        "mov r15, [r8 + 32]",
                        "mov rsp, rcx",
                        "mov rbp, rsi",
                        "jmp rdi",
                        in("r8") self.preserved.as_ptr(),
                        in("rcx") handler.sp,
                        in("rsi") handler.fp,
                        in("rdi") handler.pc,
                        in("rax") payload1,
                        in("rdx") payload2,
                        options(noreturn),
                    )
                }
            }
        }
    }
    any(target_arch = "aarch64", target_arch = "riscv64", target_arch = "s390x") => {
        use wasmtime_internal_unwinder::Handler;

        /// Stands for registers that are not stored on this host.
        pub struct Registers {
            /// The frame pointer of the function that throws.
            pub fp: usize,
            /// An address in the code of the function that throws.
            pub pc: usize,
        }

        impl Registers {
            /// None.
            pub fn get_mut(&mut self, _number: u16) -> Option<&mut usize> {
                None
            }

            /// Continues at a handler.
            ///
            /// # Safety
            ///
            /// As for [`Handler::resume_tailcc`].
            pub unsafe fn resume(&self, handler: &Handler, payload1: usize, payload2: usize) -> ! {
                // SAFETY: passed on to the caller.
                unsafe { handler.resume_tailcc(payload1, payload2) }
            }
        }
    }
    _ => {}
}
