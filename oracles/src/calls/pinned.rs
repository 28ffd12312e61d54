//! Calls with known values in all callee-saved registers.

use crate::calls::vmctx::VmContext;
use std::arch::naked_asm;
use std::ffi::{c_int, c_void};

/// A register that callees preserve: its DWARF number, and the value that it has during a call.
pub type Pinned = (c_int, usize);

/// rbx, rbp, and r12 to r15.
pub const PINNED: [Pinned; 6] = [
    (3, 0x1b1b_1b1b_1b1b_1b1b),
    (6, 0x2b2b_2b2b_2b2b_2b2b),
    (12, 0x3b3b_3b3b_3b3b_3b3b),
    (13, 0x4b4b_4b4b_4b4b_4b4b),
    (14, 0x5b5b_5b5b_5b5b_5b5b),
    (15, 0x6b6b_6b6b_6b6b_6b6b),
];

/// Call `entry(out, vmctx)` with [`PINNED`] in the registers, and store what they are after a normal
/// return.
///
/// # Safety
///
/// `entry` must be such a function, and its arguments what it expects.
#[unsafe(naked)]
pub unsafe extern "C-unwind" fn call_pinned(
    entry: *const u8,
    out: *mut c_void,
    vmctx: *mut VmContext,
    after: *mut [usize; PINNED.len()],
) {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push rcx",
        // The return address is at the CFA minus 8, the others follow in that order.
        ".cfi_def_cfa_offset 64",
        ".cfi_offset rbp, -16",
        ".cfi_offset rbx, -24",
        ".cfi_offset r12, -32",
        ".cfi_offset r13, -40",
        ".cfi_offset r14, -48",
        ".cfi_offset r15, -56",
        "mov rax, rdi",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "movabs rbx, {rbx}",
        "movabs rbp, {rbp}",
        "movabs r12, {r12}",
        "movabs r13, {r13}",
        "movabs r14, {r14}",
        "movabs r15, {r15}",
        "call rax",
        "mov rax, [rsp]",
        "mov [rax], rbx",
        "mov [rax + 8], rbp",
        "mov [rax + 16], r12",
        "mov [rax + 24], r13",
        "mov [rax + 32], r14",
        "mov [rax + 40], r15",
        "add rsp, 8",
        ".cfi_def_cfa_offset 56",
        "pop r15",
        ".cfi_def_cfa_offset 48",
        "pop r14",
        ".cfi_def_cfa_offset 40",
        "pop r13",
        ".cfi_def_cfa_offset 32",
        "pop r12",
        ".cfi_def_cfa_offset 24",
        "pop rbx",
        ".cfi_def_cfa_offset 16",
        "pop rbp",
        ".cfi_def_cfa_offset 8",
        "ret",
        ".cfi_endproc",
        rbx = const PINNED[0].1,
        rbp = const PINNED[1].1,
        r12 = const PINNED[2].1,
        r13 = const PINNED[3].1,
        r14 = const PINNED[4].1,
        r15 = const PINNED[5].1,
    )
}

/// Call `function(argument)` on another stack, which begins below `top`.
///
/// # Safety
///
/// `function` must take such an argument, and `top` must be the end of enough unused memory, aligned
/// to 16 bytes.
#[unsafe(naked)]
pub unsafe extern "C-unwind" fn call_on_stack(
    top: *mut u8,
    function: unsafe extern "C-unwind" fn(*mut c_void),
    argument: *mut c_void,
) {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "mov rsp, rdi",
        "mov rdi, rdx",
        "call rsi",
        "mov rsp, rbp",
        ".cfi_def_cfa_register rsp",
        "pop rbp",
        ".cfi_def_cfa_offset 8",
        "ret",
        ".cfi_endproc",
    )
}
