//! The system's unwinder, libgcc's or libunwind's, as far as the Itanium C++ ABI describes it.
//!
//! <https://itanium-cxx-abi.github.io/cxx-abi/abi-eh.html>

use std::ffi::{c_int, c_void};

/// `_Unwind_Reason_Code`.
pub type ReasonCode = c_int;

/// `_URC_NO_REASON`: go on.
pub const NO_REASON: ReasonCode = 0;

/// `_URC_HANDLER_FOUND`.
pub const HANDLER_FOUND: ReasonCode = 6;

/// `_URC_INSTALL_CONTEXT`.
pub const INSTALL_CONTEXT: ReasonCode = 7;

/// `_URC_CONTINUE_UNWIND`.
pub const CONTINUE_UNWIND: ReasonCode = 8;

/// `_UA_SEARCH_PHASE`.
pub const SEARCH_PHASE: c_int = 1;

/// `struct _Unwind_Context`.
#[repr(C)]
pub struct Context {
    _opaque: [u8; 0],
}

/// `struct _Unwind_Exception`.
#[repr(C, align(16))]
pub struct Exception {
    /// Whose exception it is.
    pub class: u64,
    /// How to free it.
    pub cleanup: Option<unsafe extern "C" fn(ReasonCode, *mut Exception)>,
    /// The unwinder's own.
    pub private: [usize; 2],
}

impl Exception {
    /// An exception of this class that nobody frees.
    pub const fn new(class: u64) -> Self {
        Self {
            class,
            cleanup: None,
            private: [0; 2],
        }
    }
}

// SAFETY: these are the declarations of the ABI above.
#[link(name = "gcc_s")]
#[allow(missing_docs, reason = "the ABI has the documentation")]
unsafe extern "C-unwind" {
    pub fn _Unwind_RaiseException(exception: *mut Exception) -> ReasonCode;
    pub fn _Unwind_Resume(exception: *mut Exception) -> !;
    pub fn _Unwind_Backtrace(
        trace: extern "C" fn(*mut Context, *mut c_void) -> ReasonCode,
        argument: *mut c_void,
    ) -> ReasonCode;
    pub fn _Unwind_GetIPInfo(context: *mut Context, before_instruction: *mut c_int) -> usize;
    pub fn _Unwind_GetGR(context: *mut Context, register: c_int) -> usize;
    pub fn _Unwind_SetGR(context: *mut Context, register: c_int, value: usize);
    pub fn _Unwind_SetIP(context: *mut Context, address: usize);
    pub fn _Unwind_GetLanguageSpecificData(context: *mut Context) -> *const c_void;
}

/// A frame of a backtrace.
#[derive(Clone, Debug)]
pub struct Frame {
    /// An address in the instruction that is being executed: for a call, its last byte.
    pub address: usize,
    /// The values of the registers that were asked for, as the frame left them.
    pub registers: Vec<usize>,
}

/// The frames of this thread, innermost first, with these registers by their DWARF number.
pub fn backtrace(registers: &[c_int]) -> Vec<Frame> {
    struct Trace<'a> {
        registers: &'a [c_int],
        frames: Vec<Frame>,
    }
    extern "C" fn trace(context: *mut Context, argument: *mut c_void) -> ReasonCode {
        // SAFETY: the argument given below, which lives as long as the call of the unwinder.
        let trace = unsafe { &mut *argument.cast::<Trace<'_>>() };
        let mut before_instruction = 0;
        // SAFETY: the context is the unwinder's, for the duration of this call.
        let ip = unsafe { _Unwind_GetIPInfo(context, &mut before_instruction) };
        // The last frame may have no address at all.
        let address = ip.saturating_sub(usize::from(before_instruction == 0));
        let values = trace.registers.iter();
        trace.frames.push(Frame {
            address,
            registers: values
                // SAFETY: as above, and the numbers are registers of this machine.
                .map(|&register| unsafe { _Unwind_GetGR(context, register) })
                .collect(),
        });
        NO_REASON
    }
    let mut state = Trace {
        registers,
        frames: Vec::new(),
    };
    // SAFETY: `trace` gets what it expects.
    unsafe { _Unwind_Backtrace(trace, (&raw mut state).cast()) };
    state.frames
}
