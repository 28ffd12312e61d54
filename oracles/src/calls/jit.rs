//! A JIT module that shows its code.

use crate::calls::config::Config;
use crate::calls::define::Defined;
use crate::toolchain::CTarget;
use anyhow::{Context, Result, ensure};
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::isa::TargetIsa;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Module, default_libcall_names};
use std::mem::ManuallyDrop;
use std::slice;

/// A call's target, as the code has it after relocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallTarget {
    /// Where in the code the address lies, in bytes.
    pub offset: usize,
    /// The address.
    pub address: *const u8,
}

/// A JIT module for this machine. Its code is valid as long as it lives.
pub struct Jit {
    module: ManuallyDrop<JITModule>,
}

impl Jit {
    /// An empty module, with names for functions of this program.
    ///
    /// # Errors
    ///
    /// If this machine is not one of [`CTarget::ALL`], or the settings are not for a JIT.
    pub fn new(config: Config, symbols: &[(&str, *const u8)]) -> Result<Self> {
        ensure!(!config.is_pic, "a JIT module is not position-independent");
        let host = CTarget::host().context("no target is this machine")?;
        let mut builder = JITBuilder::with_isa(config.isa(host)?, default_libcall_names());
        builder.symbols(symbols.iter().copied());
        Ok(Self {
            module: ManuallyDrop::new(JITModule::new(builder)),
        })
    }

    /// The module, to define functions in.
    pub fn module(&mut self) -> &mut JITModule {
        &mut self.module
    }

    /// The instruction set of this machine, with the module's settings.
    pub fn isa(&self) -> &dyn TargetIsa {
        self.module.isa()
    }

    /// Make all functions callable.
    ///
    /// # Errors
    ///
    /// Those of the module.
    pub fn finalize(&mut self) -> Result<()> {
        Ok(self.module.finalize_definitions()?)
    }

    /// The address of a finalized function.
    pub fn code(&self, function: &Defined) -> *const u8 {
        self.module.get_finalized_function(function.id)
    }

    /// The addresses that a finalized function holds as 64-bit constants, read back from its code.
    pub fn call_targets(&self, function: &Defined) -> Result<Vec<CallTarget>> {
        let code = self.bytes(function);
        function
            .relocs
            .iter()
            .filter(|reloc| reloc.kind == Reloc::Abs8)
            .map(|reloc| {
                let offset = reloc.offset as usize;
                let bytes = code
                    .get(offset..offset + 8)
                    .context("a relocation lies outside of its function")?;
                let address = u64::from_ne_bytes(bytes.try_into()?);
                Ok(CallTarget {
                    offset,
                    address: address as usize as *const u8,
                })
            })
            .collect()
    }

    fn bytes(&self, function: &Defined) -> &[u8] {
        let start = self.code(function);
        // SAFETY: the module keeps the code of a finalized function, of that size, as it is.
        unsafe { slice::from_raw_parts(start, function.size) }
    }
}

impl Drop for Jit {
    fn drop(&mut self) {
        // SAFETY: the module is not used after this.
        let module = unsafe { ManuallyDrop::take(&mut self.module) };
        // SAFETY: nobody calls the code any more, which lives as long as this.
        unsafe { module.free_memory() };
    }
}
