//! How a call ends without results: a panic without a word, from Rust, through compiled frames, to the nearest
//! call from Rust.
//!
//! Compiled frames have nothing to clean up, and their unwind information is what the compiler makes for the
//! convention anyway. There is no signal handler: whatever may trap is compared before, and none of the traps that
//! Cranelift adds to instructions is reached. Wherever Rust calls an export, the call catches, so that no panic of
//! this file meets a host function.

use crate::error::{Error, Trap};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::unwind::UnwindInfo;
use gimli::NativeEndian;
use gimli::write::{Address, EhFrame, EndianVec, FrameTable};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Ends the call of an export that called this host function, with [`Error::Host`].
///
/// For functions that are `extern "C-unwind"`. In others it ends the process, as a panic does there, and with
/// `panic = "abort"` in all.
pub fn fail(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ! {
    resume_unwind(Box::new(HostError(error.into())))
}

struct HostError(Box<dyn std::error::Error + Send + Sync>);

pub(crate) fn throw(trap: Trap) -> ! {
    resume_unwind(Box::new(trap))
}

/// Panics of host functions go on.
pub(crate) fn catch<T>(call: impl FnOnce() -> T) -> Result<T, Error> {
    // What a trap leaves is as usable as the specification says it is.
    let payload = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => return Ok(result),
        Err(payload) => payload,
    };
    let payload = match payload.downcast::<Trap>() {
        Ok(trap) => return Err(Error::Trap(*trap)),
        Err(payload) => payload,
    };
    match payload.downcast::<HostError>() {
        Ok(error) => Err(Error::Host(error.0)),
        Err(payload) => resume_unwind(payload),
    }
}

/// The frames of compiled functions, which the system's unwinder knows as long as this lives.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    sections: Vec<Vec<u8>>,
}

impl Frames {
    /// # Safety
    ///
    /// The functions are at these addresses for longer than this lives.
    pub(crate) unsafe fn register(
        isa: &dyn TargetIsa,
        functions: impl IntoIterator<Item = (*const u8, UnwindInfo)>,
    ) -> Result<Self, Error> {
        let unsupported = || Error::Unsupported("no unwind information for this target".to_owned());
        let cie = isa.create_systemv_cie().ok_or_else(unsupported)?;
        let mut frames = Self::default();
        // A section each: libgcc takes all between the first and the last function of one to be its own.
        for (code, info) in functions {
            let UnwindInfo::SystemV(info) = info else {
                return Err(unsupported());
            };
            let mut table = FrameTable::default();
            let cie = table.add_cie(cie.clone());
            table.add_fde(cie, info.to_fde(Address::Constant(code as u64)));
            let mut section = EhFrame(EndianVec::new(NativeEndian));
            table
                .write_eh_frame(&mut section)
                .map_err(|_| unsupported())?;
            let mut section = section.0.into_vec();
            // The end of all entries.
            section.extend([0; 4]);
            frames.sections.push(section);
        }
        for section in &frames.sections {
            // SAFETY: it stays where it is until `drop`.
            unsafe { __register_frame(section.as_ptr()) };
        }
        Ok(frames)
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        for section in &self.sections {
            // SAFETY: registered at this address.
            unsafe { __deregister_frame(section.as_ptr()) };
        }
    }
}

// SAFETY: they are so in the library that Rust's own panics use.
unsafe extern "C" {
    fn __register_frame(section: *const u8);
    fn __deregister_frame(section: *const u8);
}
