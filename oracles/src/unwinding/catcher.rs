//! Compiled functions that catch: `try_call` in the convention.
//!
//! A catcher keeps values across the call and checks them on both paths, in the element of
//! `VmContext::seen` that [`chain`](crate::unwinding::chain) uses, too.

use crate::calls::define::{Defined, define_blocks, signature};
use crate::calls::shape::Shape;
use crate::calls::vmctx;
use crate::unwinding::chain::{check_live, load_live};
use crate::unwinding::eh_frame::CLEANUP_TAG;
use anyhow::Result;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{
    AbiParam, BlockArg, BlockCall, ExceptionTableData, ExceptionTableItem, ExceptionTag,
    InstBuilder, MemFlagsData, Signature, TrapCode,
};
use cranelift_codegen::isa::CallConv;
use cranelift_module::{FuncId, Linkage, Module};

/// How a catcher calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryCall {
    /// `try_call`.
    Direct,
    /// `try_call_indirect`.
    Indirect,
}

/// What a handler does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Catch {
    /// Returns the payloads.
    All,
    /// Calls the import `cleanup(vmctx)`, then goes on unwinding.
    Cleanup,
}

/// Values that are live across the call, of each class.
const LIVE: usize = 10;

/// Define a catcher: `(vmctx) -> i64, i64` in the convention.
///
/// Returns 0 and an exclusive-or of all `i64` results, having stored all results to
/// `VmContext::got` as far as there is room; or what the handler returns.
///
/// # Errors
///
/// Those of [`define_blocks`].
pub fn define_catcher<M: Module>(
    module: &mut M,
    name: &str,
    callee: FuncId,
    shape: &Shape,
    try_call: TryCall,
    catch: Catch,
) -> Result<Defined> {
    let own_signature = signature(CallConv::SystemVMultiOut, &[], &[I64, I64]);
    define_blocks(module, name, own_signature, |module, builder, params| {
        let vmctx = params[0];
        let before = load_live(builder, vmctx, LIVE);
        let normal = builder.create_block();
        let handler = builder.create_block();

        let callee = module.declare_func_in_func(callee, builder.func);
        let sig = builder.import_signature(shape.signature());
        let pool = &mut builder.func.dfg.value_lists;
        let indices = 0..shape.results.len() as u32;
        let normal_call = BlockCall::new(normal, indices.map(BlockArg::TryCallRet), pool);
        let handler_call = BlockCall::new(handler, [0, 1].map(BlockArg::TryCallExn), pool);
        let item = match catch {
            Catch::All => ExceptionTableItem::Default(handler_call),
            Catch::Cleanup => {
                ExceptionTableItem::Tag(ExceptionTag::from_u32(CLEANUP_TAG), handler_call)
            }
        };
        let table = ExceptionTableData::new(sig, normal_call, [item]);
        let table = builder.func.dfg.exception_tables.push(table);
        match try_call {
            TryCall::Direct => {
                builder.ins().try_call(callee, &[vmctx], table);
            }
            TryCall::Indirect => {
                let address = builder.ins().func_addr(I64, callee);
                builder.ins().try_call_indirect(address, &[vmctx], table);
            }
        }

        let mut rets = Vec::new();
        for &ty in &shape.results {
            rets.push(builder.append_block_param(normal, ty));
        }
        let payloads = [0, 1].map(|_| builder.append_block_param(handler, I64));

        builder.switch_to_block(normal);
        let mut all = builder.ins().iconst(I64, 0);
        for (index, (&result, &ty)) in rets.iter().zip(&shape.results).enumerate() {
            if index < vmctx::MAX_RESULTS {
                let offset = vmctx::got_offset(index);
                let flags = MemFlagsData::new();
                builder.ins().store(flags, result, vmctx, offset);
            }
            if ty == I64 {
                all = builder.ins().bxor(all, result);
            }
        }
        let after = load_live(builder, vmctx, LIVE);
        check_live(builder, vmctx, &before, &after);
        let zero = builder.ins().iconst(I64, 0);
        builder.ins().return_(&[zero, all]);

        builder.switch_to_block(handler);
        let after = load_live(builder, vmctx, LIVE);
        check_live(builder, vmctx, &before, &after);
        match catch {
            Catch::All => {
                builder.ins().return_(&payloads);
            }
            Catch::Cleanup => {
                for (name, arg) in [("cleanup", vmctx), ("_Unwind_Resume", payloads[0])] {
                    let mut signature = Signature::new(CallConv::SystemV);
                    signature.params.push(AbiParam::new(I64));
                    let import = module.declare_function(name, Linkage::Import, &signature)?;
                    let import = module.declare_func_in_func(import, builder.func);
                    builder.ins().call(import, &[arg]);
                }
                builder.ins().trap(TrapCode::unwrap_user(1));
            }
        }
        Ok(())
    })
}
