//! Compiled functions of any shape: a callee, a caller, and both in one.
//!
//! They move values between memory and the convention under test by ordinary loads and stores, so
//! that what C or Rust finds in memory shows what the convention did.

use crate::calls::define::{Defined, define, signature};
use crate::calls::shape::Shape;
use crate::calls::vmctx;
use anyhow::Result;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;
use cranelift_module::{FuncId, Linkage, Module};

/// Whom a compiled caller calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// A function of the module, or one it imports, by `call`.
    Symbol(FuncId),
    /// The same, by `call_indirect` to its address.
    Address(FuncId),
    /// The function that `VmContext::callee` points to, by `call_indirect`.
    Pointer,
}

/// Declare a function of another language.
///
/// # Errors
///
/// If the module knows the name with another signature.
pub fn import<M: Module>(module: &mut M, name: &str, shape: &Shape) -> Result<FuncId> {
    let signature = shape.signature();
    Ok(module.declare_function(name, Linkage::Import, &signature)?)
}

/// A callee: counts the call, leaves its arguments in `seen` and returns `results`.
///
/// # Errors
///
/// Those of [`define`](define()).
pub fn produce<M: Module>(module: &mut M, name: &str, shape: &Shape) -> Result<Defined> {
    define(module, name, shape.signature(), |_, builder, params| {
        let (vmctx, args) = (params[0], &params[1..]);
        let flags = MemFlagsData::new();
        let calls = builder.ins().load(types::I64, flags, vmctx, vmctx::CALLS);
        let calls = builder.ins().iadd_imm_s(calls, 1);
        builder.ins().store(flags, calls, vmctx, vmctx::CALLS);
        for (index, &arg) in args.iter().enumerate() {
            let offset = vmctx::seen_offset(index);
            builder.ins().store(flags, arg, vmctx, offset);
        }
        let results = shape.results.iter().enumerate().map(|(index, &ty)| {
            let offset = vmctx::result_offset(index);
            builder.ins().load(ty, flags, vmctx, offset)
        });
        Ok(results.collect())
    })
}

/// Both: passes its arguments on, and returns what comes back.
///
/// # Errors
///
/// Those of [`define`](define()).
pub fn relay<M: Module>(
    module: &mut M,
    name: &str,
    shape: &Shape,
    callee: Callee,
) -> Result<Defined> {
    define(
        module,
        name,
        shape.signature(),
        |module, builder, params| Ok(call(module, builder, shape, callee, params)),
    )
}

/// A caller, `void name(struct vmctx *)` in C: passes `args` and leaves the results in `got`.
///
/// # Errors
///
/// Those of [`define`](define()).
pub fn consume<M: Module>(
    module: &mut M,
    name: &str,
    shape: &Shape,
    callee: Callee,
) -> Result<Defined> {
    let own_signature = signature(CallConv::SystemV, &[], &[]);
    define(module, name, own_signature, |module, builder, params| {
        let vmctx = params[0];
        let flags = MemFlagsData::new();
        let mut args = vec![vmctx];
        for (index, &ty) in shape.params.iter().enumerate() {
            let offset = vmctx::arg_offset(index);
            args.push(builder.ins().load(ty, flags, vmctx, offset));
        }
        let results = call(module, builder, shape, callee, &args);
        for (index, result) in results.into_iter().enumerate() {
            let offset = vmctx::got_offset(index);
            builder.ins().store(flags, result, vmctx, offset);
        }
        Ok(vec![])
    })
}

fn call<M: Module>(
    module: &mut M,
    builder: &mut FunctionBuilder<'_>,
    shape: &Shape,
    callee: Callee,
    args: &[Value],
) -> Vec<Value> {
    let inst = match callee {
        Callee::Symbol(id) => {
            let func = module.declare_func_in_func(id, builder.func);
            builder.ins().call(func, args)
        }
        Callee::Address(_) | Callee::Pointer => {
            let pointer = if let Callee::Address(id) = callee {
                let func = module.declare_func_in_func(id, builder.func);
                builder.ins().func_addr(types::I64, func)
            } else {
                let flags = MemFlagsData::new();
                builder
                    .ins()
                    .load(types::I64, flags, args[0], vmctx::CALLEE)
            };
            let sig = builder.import_signature(shape.signature());
            builder.ins().call_indirect(sig, pointer, args)
        }
    };
    builder.inst_results(inst).to_vec()
}
