//! How a call ends without results: a panic without a word, from Rust, through compiled frames, to the nearest
//! call from Rust.
//!
//! Compiled frames have nothing to clean up, and their unwind information is what the compiler makes for the
//! convention anyway. There is no signal handler: whatever may trap is compared before, and none of the traps that
//! Cranelift adds to instructions is reached. Wherever Rust calls an export, the call catches, so that no panic of
//! this file meets a host function.

use crate::error::{Error, Trap};
use cranelift_codegen::CompiledCode;
use cranelift_codegen::gimli::write::Address;
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::unwind::UnwindInfo;
use cranelift_codegen::isa::unwind::systemv;
use multi_out::Frames;
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

/// What the unwinder has to know of a function, wherever that is.
pub(crate) struct Frame {
    size: usize,
    info: systemv::UnwindInfo,
}

impl Frame {
    /// Of what was just compiled.
    pub(crate) fn new(code: &CompiledCode, isa: &dyn TargetIsa) -> Result<Self, Error> {
        let size = code.code_info().total_size as usize;
        match code.create_unwind_info(isa) {
            Ok(Some(UnwindInfo::SystemV(info))) => Ok(Self { size, info }),
            _ => Err(unsupported()),
        }
    }
}

fn unsupported() -> Error {
    Error::Unsupported("no unwind information for this target".to_owned())
}

/// Tells the unwinder of functions of a module at these addresses.
///
/// # Safety
///
/// They are there for longer than what this returns.
pub(crate) unsafe fn register<'a>(
    isa: &dyn TargetIsa,
    functions: impl IntoIterator<Item = (&'a *const u8, Frame)>,
) -> Result<Frames, Error> {
    let functions = functions
        .into_iter()
        .map(|(&address, Frame { size, info })| {
            let entry = info.to_fde(Address::Constant(address as u64));
            (std::ptr::slice_from_raw_parts(address, size), entry)
        });
    let common = isa.create_systemv_cie().ok_or_else(unsupported)?;
    // SAFETY: the caller vouches for the code, and modules have pages of their own.
    Ok(unsafe { Frames::register(common, functions) }?)
}
