//! Functions into a JIT or object module.

use anyhow::{Context, Result, bail};
use cranelift_codegen::FinalizedMachExceptionHandler;
use cranelift_codegen::ir::{
    AbiParam, ArgumentPurpose, Function, InstBuilder, Signature, Type, UserFuncName, Value, types,
};
use cranelift_codegen::isa::unwind::{UnwindInfo, systemv};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_module::{FuncId, Linkage, Module, ModuleReloc};

/// A function that a module has compiled.
pub struct Defined {
    /// Its identity in the module.
    pub id: FuncId,
    /// The size of its code in bytes.
    pub size: usize,
    /// Where its code mentions symbols.
    pub relocs: Vec<ModuleReloc>,
    /// Where it calls, in order.
    pub call_sites: Vec<CallSite>,
    /// How to unwind its frame.
    pub unwind_info: systemv::UnwindInfo,
    /// Its code before relocation.
    pub code: Vec<u8>,
}

/// A call in a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSite {
    /// Where the call returns to, in bytes from the function's start.
    pub return_offset: u32,
    /// How far the stack pointer is below the frame pointer, if the backend says so.
    pub frame_offset: Option<u32>,
    /// The handlers of a `try_call`, in the order in which they are to be asked.
    pub handlers: Vec<Handler>,
}

/// A handler of a `try_call`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handler {
    /// The tag that it is for, or any.
    pub tag: Option<u32>,
    /// Where it begins, in bytes from the function's start.
    pub offset: u32,
}

/// The signature of a C function `(void *vmctx, params…)` with these results.
///
/// The C types are signed, and C wants small integers extended to registers: sign-extended, here.
pub fn signature(call_conv: CallConv, params: &[Type], results: &[Type]) -> Signature {
    let extended = |&ty: &Type| match ty {
        types::I8 | types::I16 | types::I32 => AbiParam::new(ty).sext(),
        _ => AbiParam::new(ty),
    };
    let mut signature = Signature::new(call_conv);
    let vmctx = AbiParam::special(types::I64, ArgumentPurpose::VMContext);
    signature.params.push(vmctx);
    signature.params.extend(params.iter().map(extended));
    signature.returns.extend(results.iter().map(extended));
    signature
}

/// Compile a function and export it from the module.
///
/// `body` appends its instructions to the only block, given the function's parameters, and answers
/// with the results.
///
/// # Errors
///
/// Those of the module, of code generation, and of `body`.
pub fn define<M: Module>(
    module: &mut M,
    name: &str,
    signature: Signature,
    body: impl FnOnce(&mut M, &mut FunctionBuilder<'_>, &[Value]) -> Result<Vec<Value>>,
) -> Result<Defined> {
    define_blocks(module, name, signature, |module, builder, params| {
        let results = body(module, builder, params)?;
        builder.ins().return_(&results);
        Ok(())
    })
}

/// Compile a function of several blocks and export it from the module.
///
/// `body` is as for [`define`](define()), but ends the first block and all others itself.
///
/// # Errors
///
/// As for [`define`](define()), or if the target has no System V unwind information.
pub fn define_blocks<M: Module>(
    module: &mut M,
    name: &str,
    signature: Signature,
    body: impl FnOnce(&mut M, &mut FunctionBuilder<'_>, &[Value]) -> Result<()>,
) -> Result<Defined> {
    let id = module.declare_function(name, Linkage::Export, &signature)?;
    let mut context = module.make_context();
    context.func = Function::with_name_signature(UserFuncName::user(0, id.as_u32()), signature);

    let mut builder_context = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut context.func, &mut builder_context);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    let params = builder.block_params(block).to_vec();
    body(module, &mut builder, &params)?;
    builder.seal_all_blocks();
    builder.finalize(module.isa().frontend_config());

    module
        .define_function(id, &mut context)
        .with_context(|| format!("compiling {name}"))?;
    Defined::of(id, &context, module.isa())
}

impl Defined {
    /// What a context says of the function that has just been defined in it.
    ///
    /// # Errors
    ///
    /// If the target has no System V unwind information.
    pub fn of(
        id: FuncId,
        context: &cranelift_codegen::Context,
        isa: &dyn TargetIsa,
    ) -> Result<Self> {
        let code = context.compiled_code().context("no code")?;
        let relocs = code
            .buffer
            .relocs()
            .iter()
            .map(|reloc| ModuleReloc::from_mach_reloc(reloc, &context.func, id))
            .collect();
        let call_sites = code.buffer.call_sites().map(|site| CallSite {
            return_offset: site.ret_addr,
            frame_offset: site.frame_offset,
            handlers: site.exception_handlers.iter().filter_map(handler).collect(),
        });
        let Some(UnwindInfo::SystemV(unwind_info)) = code.create_unwind_info(isa)? else {
            bail!("{} has no System V unwind information", context.func.name);
        };
        Ok(Defined {
            id,
            size: code.code_buffer().len(),
            relocs,
            call_sites: call_sites.collect(),
            unwind_info,
            code: code.code_buffer().to_vec(),
        })
    }
}

fn handler(handler: &FinalizedMachExceptionHandler) -> Option<Handler> {
    match *handler {
        FinalizedMachExceptionHandler::Tag(tag, offset) => Some(Handler {
            tag: Some(tag.as_u32()),
            offset,
        }),
        FinalizedMachExceptionHandler::Default(offset) => Some(Handler { tag: None, offset }),
        FinalizedMachExceptionHandler::Context(_) => None,
    }
}
