//! `.eh_frame` sections: for functions of a JIT, which the system's unwinder then knows, and for
//! reading them back.

use crate::calls::define::{Defined, Handler};
use crate::calls::jit::Jit;
use crate::unwinding::unwinder::{
    _Unwind_GetIPInfo, _Unwind_GetLanguageSpecificData, _Unwind_SetGR, _Unwind_SetIP,
    CONTINUE_UNWIND, Context, Exception, HANDLER_FOUND, INSTALL_CONTEXT, ReasonCode, SEARCH_PHASE,
};
use anyhow::{Context as _, Result};
use cranelift_codegen::isa::TargetIsa;
use gimli::RunTimeEndian;
use gimli::constants::DW_EH_PE_absptr;
use gimli::write::{Address, EhFrame, EndianVec, FrameTable};
use multi_out::Frames;
use std::ffi::c_int;
use std::ptr::slice_from_raw_parts;
use target_lexicon::Endianness;

/// The tag of a handler that runs while the stack is unwound, and then goes on with that.
///
/// A handler of any other tag, or of none, ends the unwinding.
pub const CLEANUP_TAG: u32 = 0;

/// The section for a single function, as if it lay at address 0.
///
/// # Errors
///
/// If the target has no System V unwind information.
pub fn section(function: &Defined, isa: &dyn TargetIsa) -> Result<Vec<u8>> {
    let endian = match isa.triple().endianness() {
        Ok(Endianness::Big) => RunTimeEndian::Big,
        _ => RunTimeEndian::Little,
    };
    let mut table = FrameTable::default();
    let cie = isa.create_systemv_cie().context("no unwind information")?;
    let cie = table.add_cie(cie);
    table.add_fde(cie, function.unwind_info.to_fde(Address::Constant(0)));
    let mut section = EhFrame(EndianVec::new(endian));
    table.write_eh_frame(&mut section)?;
    Ok(section.0.into_vec())
}

/// Unwind information that the system's unwinder knows, as long as this lives.
///
/// `try_call`s are handled as [`CLEANUP_TAG`] says.
pub struct Registered {
    _frames: Frames,
    // The frames point to these.
    _landing_pads: Vec<LandingPads>,
}

/// What the personality routine has to know of a function.
struct LandingPads {
    start: usize,
    /// By return address.
    calls: Vec<(usize, Vec<Handler>)>,
}

impl LandingPads {
    fn new(start: usize, function: &Defined) -> Self {
        let calls = function.call_sites.iter();
        Self {
            start,
            calls: calls
                .map(|site| (start + site.return_offset as usize, site.handlers.clone()))
                .collect(),
        }
    }
}

impl Registered {
    /// Register functions of a finalized JIT module.
    ///
    /// # Safety
    ///
    /// The module must live at least as long as what this returns.
    ///
    /// # Errors
    ///
    /// If this machine has no System V unwind information.
    pub unsafe fn new(jit: &Jit, functions: &[&Defined]) -> Result<Self> {
        let functions: Vec<_> = functions.iter().map(|&f| (f, jit.code(f))).collect();
        // SAFETY: the caller vouches for the module.
        unsafe { Self::at(jit.isa(), &functions) }
    }

    /// Register functions at these addresses.
    ///
    /// # Safety
    ///
    /// The code must live at least as long as what this returns.
    ///
    /// # Errors
    ///
    /// As of [`Registered::new`].
    pub unsafe fn at(isa: &dyn TargetIsa, functions: &[(&Defined, *const u8)]) -> Result<Self> {
        let mut cie = isa.create_systemv_cie().context("no unwind information")?;
        let routine = personality as *const () as u64;
        cie.personality = Some((DW_EH_PE_absptr, Address::Constant(routine)));
        cie.lsda_encoding = Some(DW_EH_PE_absptr);
        let landing_pads: Vec<LandingPads> = functions
            .iter()
            .map(|(function, code)| LandingPads::new(*code as usize, function))
            .collect();
        let entries =
            functions
                .iter()
                .zip(&landing_pads)
                .map(|((function, code), landing_pads)| {
                    let start = Address::Constant(landing_pads.start as u64);
                    let mut fde = function.unwind_info.to_fde(start);
                    fde.lsda = Some(Address::Constant(&raw const *landing_pads as u64));
                    (slice_from_raw_parts(*code, function.size), fde)
                });
        // SAFETY: the caller vouches for the code, and modules have pages of their own.
        let frames = unsafe { Frames::register(cie, entries) }?;
        Ok(Self {
            _frames: frames,
            _landing_pads: landing_pads,
        })
    }
}

/// The payloads of a handler are the exception's address and its class: C++'s registers for the
/// same purpose, which are Cranelift's too.
extern "C" fn personality(
    _version: c_int,
    actions: c_int,
    class: u64,
    exception: *mut Exception,
    context: *mut Context,
) -> ReasonCode {
    let mut before_instruction = 0;
    // SAFETY: the context is the unwinder's, for the duration of this call, and the data is what
    // the frame description entry points to.
    let (ip, landing_pads) = unsafe {
        let data = _Unwind_GetLanguageSpecificData(context).cast::<LandingPads>();
        (_Unwind_GetIPInfo(context, &mut before_instruction), &*data)
    };
    let call = landing_pads
        .calls
        .iter()
        .find(|(address, _)| *address == ip);
    let Some(handler) = call.and_then(|(_, handlers)| handlers.first()) else {
        return CONTINUE_UNWIND;
    };
    if actions & SEARCH_PHASE != 0 {
        return match handler.tag {
            Some(CLEANUP_TAG) => CONTINUE_UNWIND,
            _ => HANDLER_FOUND,
        };
    }
    // SAFETY: as above; the handler is code of the same function, which expects its payloads in
    // these registers.
    unsafe {
        _Unwind_SetGR(context, 0, exception as usize);
        _Unwind_SetGR(context, 1, class as usize);
        _Unwind_SetIP(context, landing_pads.start + handler.offset as usize);
    }
    INSTALL_CONTEXT
}
