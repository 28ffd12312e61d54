//! CLIF text made into machine code: for this machine to run it, for any target to look at it.

use anyhow::{Context as _, Result, anyhow, ensure};
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::{self, OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{CompiledCode, Context};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Linkage, Module, default_libcall_names};
use oracles::toolchain::CTarget;

/// Settings as a runtime has them: optimized, and with frame pointers in all functions that call, which C compilers are told to
/// keep there too.
///
/// # Errors
///
/// If Cranelift was built without the target.
pub fn isa(target: CTarget) -> Result<OwnedTargetIsa> {
    let mut flags = settings::builder();
    flags.set("opt_level", "speed")?;
    flags.set("use_colocated_libcalls", "false")?;
    flags.set("is_pic", "false")?;
    flags.set("enable_verifier", "false")?;
    // Stock needs it for more results than it has registers. The convention ignores it.
    flags.set("enable_multi_ret_implicit_sret", "true")?;
    let mut builder = isa::lookup(target.triple())?;
    if target == CTarget::Riscv64 {
        // C compilers use compressed instructions.
        builder.enable("has_c")?;
    }
    Ok(builder.finish(settings::Flags::new(flags))?)
}

/// The target that is this machine.
///
/// # Errors
///
/// If there is none.
pub fn host_target() -> Result<CTarget> {
    CTarget::from_triple(&target_lexicon::Triple::host())
        .context("times are measured on x86-64, aarch64, riscv64 and s390x Linux")
}

/// Parses one function.
///
/// # Errors
///
/// If the text is none.
pub fn parse(clif: &str) -> Result<Function> {
    let functions =
        cranelift_reader::parse_functions(clif).map_err(|error| anyhow!("{error}\n{clif}"))?;
    functions
        .into_iter()
        .next()
        .context("no function in the text")
}

/// Compiles one function.
///
/// # Errors
///
/// If Cranelift refuses it.
pub fn compile(isa: &dyn TargetIsa, function: Function) -> Result<CompiledCode> {
    let mut context = Context::for_function(function);
    let code = context
        .compile(isa, &mut ControlPlane::default())
        .map_err(|error| anyhow!("{:?}", error.inner))?;
    Ok(code.clone())
}

/// Functions in executable memory, which stay valid as long as this lives.
pub struct Jit {
    module: Option<JITModule>,
    functions: usize,
}

impl Jit {
    /// No functions yet.
    ///
    /// # Errors
    ///
    /// If this machine is no target of the benchmarks.
    pub fn new() -> Result<Jit> {
        let builder = JITBuilder::with_isa(isa(host_target()?)?, default_libcall_names());
        Ok(Jit {
            module: Some(JITModule::new(builder)),
            functions: 0,
        })
    }

    /// Compiles a function and returns its address, which is `offset` bytes behind the beginning of a page.
    ///
    /// # Errors
    ///
    /// If the text is no function, Cranelift refuses it, or its code refers to something else.
    pub fn add(&mut self, clif: &str, offset: usize) -> Result<*const u8> {
        let module = self.module.as_mut().context("the module is gone")?;
        let function = parse(clif)?;
        let name = format!("f{}", self.functions);
        self.functions += 1;
        let id = module.declare_function(&name, Linkage::Local, &function.signature)?;
        let code = compile(module.isa(), function)?;
        ensure!(
            code.buffer.relocs().is_empty(),
            "{name} refers to something else"
        );
        let bytes = [&vec![0; offset], code.code_buffer()].concat();
        module.define_function_bytes(id, 16, &bytes, &[])?;
        // What is defined next begins a page.
        module.finalize_definitions()?;
        let address = module.get_finalized_function(id);
        ensure!(!address.is_null(), "{name} has no address");
        Ok(address.wrapping_add(offset))
    }
}

impl Drop for Jit {
    fn drop(&mut self) {
        if let Some(module) = self.module.take() {
            // SAFETY: whoever has an address keeps the module alive as long as it is called.
            unsafe { module.free_memory() };
        }
    }
}
