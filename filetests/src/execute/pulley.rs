//! The Pulley machine: runs the code of Pulley targets on any host.

use super::Slot;
use pulley_interpreter::interp::{DoneReason, TrapKind, Val, Vm, XRegVal};
use std::ptr::NonNull;

/// Enough for the largest frames that run tests have; a smaller stack traps.
const STACK_SIZE: usize = 8 << 20;

/// A machine that calls trampolines.
pub struct Pulley(Vm);

impl Pulley {
    /// A machine with a fresh stack.
    pub fn new() -> Result<Self, String> {
        Vm::with_stack(STACK_SIZE)
            .map(Pulley)
            .map_err(|_| "there is no memory for the stack of the Pulley machine".to_owned())
    }

    /// Calls a trampoline compiled for Pulley; a trap is an error.
    pub fn call(
        &mut self,
        trampoline: *const u8,
        function: *const u8,
        slots: *mut Slot,
    ) -> Result<(), String> {
        let entry = NonNull::new(trampoline.cast_mut()).ok_or("the trampoline has no address")?;
        let arguments = [
            Val::XReg(XRegVal::new_ptr(function.cast_mut())),
            Val::XReg(XRegVal::new_ptr(slots)),
        ];
        // SAFETY: the trampoline is Pulley code with two pointer parameters and no results.
        let ending = match unsafe { self.0.call(entry, &arguments, []) } {
            DoneReason::ReturnToHost(_) => return Ok(()),
            DoneReason::Trap { kind, .. } => {
                format!("it trapped{}", kind.map_or("", |kind| describe(&kind)))
            }
            DoneReason::CallIndirectHost { id, .. } => {
                format!("it called host function {id}, but run tests have none")
            }
        };
        // The registers are those of the trapping function: start over with a new machine.
        *self = Pulley::new()?;
        Err(ending)
    }
}

fn describe(kind: &TrapKind) -> &'static str {
    match kind {
        TrapKind::DivideByZero => ": division by zero",
        TrapKind::IntegerOverflow => ": integer overflow",
        TrapKind::BadConversionToInteger => ": bad conversion to an integer",
        TrapKind::MemoryOutOfBounds => ": memory access out of bounds",
        TrapKind::DisabledOpcode => ": disabled opcode",
        TrapKind::StackOverflow => ": stack overflow",
    }
}
