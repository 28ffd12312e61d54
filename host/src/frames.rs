//! Frames of compiled functions for the system's unwinder.

use crate::error::Error;
use cranelift_codegen::gimli::NativeEndian;
use cranelift_codegen::gimli::write::{
    CommonInformationEntry, EhFrame, EndianVec, FrameDescriptionEntry, FrameTable,
};

/// Regions of code in memory begin and end at a page, which is no smaller than this anywhere.
const PAGE: usize = 4096;

/// Compiled functions that the system's unwinder knows as long as this lives: panics, exceptions and backtraces go
/// through their frames.
///
/// It is for libgcc's unwinder, with which Rust's panics work on Linux with glibc, and is there only: LLVM's, on other systems,
/// takes a single entry where libgcc takes a section. Drop it before the code.
///
/// ```
/// # #[cfg(feature = "jit")] {
/// use cranelift_codegen::gimli::write::Address;
/// use cranelift_codegen::{Context, isa::unwind::UnwindInfo};
/// # use cranelift_jit::{JITBuilder, JITModule};
/// # use cranelift_module::{Module as _, default_libcall_names};
/// use multi_out::{Code, Frames, Function, Imports};
/// use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
///
/// extern "C-unwind" fn fail() {
///     resume_unwind(Box::new("no"));
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut imports = Imports::new();
/// let fail = imports.safe_unwind_function::<fn()>("fail", fail);
/// # let mut builder = JITBuilder::new(default_libcall_names())?;
/// # imports.add_to(&mut builder)?;
/// # let mut module = JITModule::new(builder);
/// let caller = Function::<fn()>::export(&mut module, "caller")?;
/// let mut context = Context::new();
/// caller.define_in(&mut context, &mut module, |body, []| body.call(&fail, []))?;
/// let compiled = context.compiled_code().ok_or("it is compiled")?;
/// let size = compiled.code_info().total_size as usize;
/// let Some(UnwindInfo::SystemV(info)) = compiled.create_unwind_info(module.isa())? else {
///     return Err("another system".into());
/// };
///
/// let code = Code::finalize(module)?;
/// // SAFETY: it does nothing but call `fail`.
/// let caller = unsafe { code.get(&caller) }?;
/// let entry = info.to_fde(Address::Constant(caller.address() as u64));
/// let function = (std::ptr::slice_from_raw_parts(caller.address(), size), entry);
/// let common = code.isa().create_systemv_cie().ok_or("another system")?;
/// // SAFETY: the code is dropped after the frames.
/// let frames = unsafe { Frames::register(common, [function]) }?;
/// let panic = catch_unwind(AssertUnwindSafe(|| caller.call())).unwrap_err();
/// assert_eq!(panic.downcast_ref(), Some(&"no"));
/// # Ok(())
/// # }
/// # main().unwrap();
/// # }
/// ```
#[derive(Debug)]
pub struct Frames {
    sections: Vec<Vec<u8>>,
}

impl Frames {
    /// Registers functions: their code in memory, and what they have of their own, with what they have in common.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] if the entries cannot be written.
    ///
    /// # Safety
    ///
    /// The code is there for longer than this lives, and its entries are right. Code that is registered otherwise, such as
    /// by another call of this, is on other pages.
    pub unsafe fn register(
        common: CommonInformationEntry,
        functions: impl IntoIterator<Item = (*const [u8], FrameDescriptionEntry)>,
    ) -> Result<Self, Error> {
        let mut functions: Vec<_> = functions.into_iter().collect();
        functions.sort_by_key(|(code, _)| code.addr());
        let mut sections = Vec::new();
        // libgcc takes all code between the first and the last function of a section to be that section's. Where a
        // page or more lies in between, that may be another module's.
        for group in functions
            .chunk_by(|(code, _), (next, _)| next.addr() - (code.addr() + code.len()) < PAGE)
        {
            let mut table = FrameTable::default();
            let common = table.add_cie(common.clone());
            for (_, entry) in group {
                table.add_fde(common, entry.clone());
            }
            let mut section = EhFrame(EndianVec::new(NativeEndian));
            let written = table.write_eh_frame(&mut section);
            written.map_err(|error| Error::Unsupported {
                reason: format!("these functions have frames that cannot be described: {error}"),
            })?;
            let mut section = section.0.into_vec();
            // libgcc reads entries up to one of length zero.
            section.extend([0; 4]);
            sections.push(section);
        }
        for section in &sections {
            // SAFETY: a section that stays where it is until `drop` takes it back.
            unsafe { __register_frame(section.as_ptr()) };
        }
        Ok(Self { sections })
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

// SAFETY: they are so in the library that Rust's panics use.
unsafe extern "C" {
    fn __register_frame(section: *const u8);
    fn __deregister_frame(section: *const u8);
}
