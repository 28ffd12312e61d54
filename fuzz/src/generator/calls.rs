//! Calls in every form, and returns.
//!
//! ```text
//!   MultiOut     v1, v2 = call f(v0)
//!   OutPointer   call f(stack_addr ss0, v0);  v1 = load ss0;  v2 = load ss0+16
//! ```
//!
//! The offsets of [`Form::OutPointer`] are simpler than C's on purpose: an oracle computes no layout.

use super::exceptions::{Catch, THROWN, dispatch};
use super::pool::{load, store};
use super::signature::Shape;
use super::{Form, Machine};
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, ExceptionTableData, ExtFuncData, ExternalName, FuncRef,
    InstBuilder, StackSlotData, StackSlotKind, Value,
};
use cranelift_frontend::FunctionBuilder;

/// Bytes between two results behind an out pointer.
pub const STRIDE: i32 = 16;

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By its name.
    Direct,
    /// By its address.
    Indirect,
    /// By its name, with handlers for all that it throws.
    Try,
    /// By its address, with such handlers.
    TryIndirect,
}

/// Who calls whom.
#[derive(Clone, Copy)]
pub struct Callee<'a> {
    /// The function's number, which is its name.
    pub index: usize,
    /// What it takes and returns.
    pub shape: &'a Shape,
    /// How functions are written.
    pub form: Form,
    /// What for.
    pub machine: Machine,
    /// The one of four results that the caller does not get, if any.
    pub unused: Option<usize>,
    /// What becomes of what it throws. For a way with handlers, if it throws something.
    pub catches: &'a [Catch],
    /// Where the caller returns what it does not catch, in [`Form::Interpreted`].
    pub unwind: Option<Block>,
}

impl Callee<'_> {
    /// Declares the function to the one that is being made.
    pub fn import(self, builder: &mut FunctionBuilder<'_>) -> FuncRef {
        let signature = self.shape.signature(self.form, self.machine);
        let signature = builder.import_signature(signature);
        builder.import_function(ExtFuncData {
            name: ExternalName::testcase(format!("f{}", self.index)),
            signature,
            colocated: true,
            patchable: false,
        })
    }

    /// Calls the function. What follows is where it has returned. The values are the results without
    /// the unused ones.
    pub fn call(
        self,
        way: Way,
        func: FuncRef,
        args: &[Value],
        builder: &mut FunctionBuilder<'_>,
    ) -> Vec<Value> {
        let mut args = args.to_vec();
        let out = self.shape.takes_out_pointer(self.form).then(|| {
            let size = STRIDE as u32 * self.shape.results.len() as u32;
            let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size, 4);
            let slot = builder.create_sized_stack_slot(data);
            builder.ins().stack_addr(self.machine.pointer, slot, 0)
        });
        if let Some(out) = out {
            args.insert(0, out);
        }
        let values = self.call_raw(self.allowed(way), func, &args, builder);
        let Some(out) = out else {
            return values;
        };
        let results = self.shape.results.iter().enumerate();
        let used = results.filter(|(index, _)| self.is_used(*index));
        used.map(|(index, result)| load(result.value_type, out, index as i32 * STRIDE, builder))
            .collect()
    }

    /// Returns what the function returns, by a tail call. Not for [`Form::Interpreted`], in which a function may return more than
    /// what it calls.
    pub fn return_call(self, is_indirect: bool, args: &[Value], builder: &mut FunctionBuilder<'_>) {
        let func = self.import(builder);
        if is_indirect {
            let signature = builder.func.dfg.ext_funcs[func].signature;
            let address = builder.ins().func_addr(self.machine.pointer, func);
            (builder.ins()).return_call_indirect(signature, address, args);
        } else {
            builder.ins().return_call(func, args);
        }
    }

    /// Whether the caller gets the result with this number.
    pub fn is_used(self, index: usize) -> bool {
        self.unused != Some(index % 4)
    }

    fn allowed(self, way: Way) -> Way {
        let call_conv = self.shape.signature(self.form, self.machine).call_conv;
        let has_handlers = call_conv.supports_exceptions() && self.form != Form::Interpreted;
        match way {
            Way::Try if !has_handlers => Way::Direct,
            Way::TryIndirect if !has_handlers => Way::Indirect,
            _ => way,
        }
    }

    fn call_raw(
        self,
        way: Way,
        func: FuncRef,
        args: &[Value],
        builder: &mut FunctionBuilder<'_>,
    ) -> Vec<Value> {
        let pointer = self.machine.pointer;
        let signature = builder.func.dfg.ext_funcs[func].signature;
        let inst = match way {
            Way::Direct => builder.ins().call(func, args),
            Way::Indirect => {
                let address = builder.ins().func_addr(pointer, func);
                builder.ins().call_indirect(signature, address, args)
            }
            Way::Try | Way::TryIndirect => {
                let returned = builder.create_block();
                // Nothing arrives there.
                let trap = self.catches.is_empty().then(|| builder.create_block());
                let catches = trap.map(Catch::all_by).into_iter().flatten();
                let catches = catches.chain(self.catches.iter().cloned());
                let items: Vec<_> = catches.map(|catch| catch.item(builder)).collect();
                let returns = builder.func.dfg.signatures[signature].returns.iter();
                let used: Vec<_> = returns
                    .map(|result| result.value_type)
                    .enumerate()
                    .filter(|(index, _)| self.is_used(*index))
                    .collect();
                let results: Vec<Value> = used
                    .iter()
                    .map(|(_, ty)| builder.append_block_param(returned, *ty))
                    .collect();
                let mut normal: Vec<BlockArg> = used
                    .iter()
                    .map(|(index, _)| BlockArg::TryCallRet(*index as u32))
                    .collect();
                // The edge also passes on what is no result.
                if let Some(arg) = args.last() {
                    let ty = builder.func.dfg.value_type(*arg);
                    builder.append_block_param(returned, ty);
                    normal.push(BlockArg::Value(*arg));
                }
                let lists = &mut builder.func.dfg.value_lists;
                let normal = BlockCall::new(returned, normal, lists);
                let table = ExceptionTableData::new(signature, normal, items);
                let table = builder.func.dfg.exception_tables.push(table);
                if way == Way::Try {
                    builder.ins().try_call(func, args, table);
                } else {
                    let address = builder.ins().func_addr(pointer, func);
                    builder.ins().try_call_indirect(address, args, table);
                }
                if let Some(trap) = trap {
                    builder.switch_to_block(trap);
                    builder.ins().trap(THROWN);
                }
                builder.switch_to_block(returned);
                return results;
            }
        };
        let mut results = builder.inst_results(inst).to_vec();
        if self.form == Form::Interpreted && self.shape.throws {
            let thrown = results.split_off(self.shape.results.len());
            let thrown = [thrown[0], thrown[1], thrown[2]];
            dispatch(thrown, self.catches, self.unwind, builder);
        }
        let results = results.into_iter().enumerate();
        let used = results.filter(|(index, _)| self.is_used(*index));
        used.map(|(_, result)| result).collect()
    }
}

/// Returns the results, through `out` if that is where they go.
pub fn return_(results: &[Value], out: Option<Value>, builder: &mut FunctionBuilder<'_>) {
    let Some(out) = out else {
        builder.ins().return_(results);
        return;
    };
    for (index, result) in (0..).zip(results) {
        store(*result, out, index * STRIDE, builder);
    }
    builder.ins().return_(&[]);
}
