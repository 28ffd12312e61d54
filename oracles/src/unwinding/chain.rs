//! Chains of compiled functions that an exception has to pass.
//!
//! Each link calls the next and makes unwinding hard in its own way. The last one calls a function of
//! another language, of the shape [`last`], which throws:
//!
//! ```text
//!   link 0   entry: callee-saved registers, for C, C++ or Rust to call
//!   link 1   arguments on the stack
//!   link 2   a frame larger than a page
//!   link 3   an out area of 100 results in the frame of link 2
//!   link 4   one result, no out area
//!   link 5   more live values than registers
//!   last     (i64) -> i32, f64
//! ```

use crate::calls::define::{Defined, define};
use crate::calls::shape::Shape;
use crate::calls::vmctx::{self, MAX_PARAMS};
use anyhow::Result;
use cranelift_codegen::ir::{
    InstBuilder, MemFlagsData, StackSlotData, StackSlotKind, Type, Value, types::*,
};
use cranelift_frontend::FunctionBuilder;
use cranelift_module::{FuncId, Module};

/// How many links a chain has.
pub const LINKS: usize = 6;

/// What a link has in its frame while it calls the next.
struct Link {
    shape: Shape,
    /// So many integers and as many floats are live across the call.
    live: usize,
    /// Size of a stack slot, in bytes; may be 0.
    slot: u32,
}

/// The results of link 0, which takes no parameters but `vmctx`.
pub const ENTRY_RESULTS: &[Type] = &[I64, I8, F64];

/// The shape of the function that the last link calls.
pub fn last() -> Shape {
    Shape::new(&[I64], &[I32, F64])
}

fn links() -> [Link; LINKS] {
    let link = |params: &[Type], results: &[Type], live, slot| Link {
        shape: Shape::new(params, results),
        live,
        slot,
    };
    let many: Vec<Type> = [I8, I64, F32, I16, F64]
        .into_iter()
        .cycle()
        .take(100)
        .collect();
    let on_the_stack: Vec<Type> = [I64, F64, I32, F32, I8, F64]
        .into_iter()
        .cycle()
        .take(30)
        .collect();
    [
        link(&[], ENTRY_RESULTS, 8, 0),
        link(&on_the_stack, &[I64, I64], 4, 0),
        link(&[I32], &[F64, I128], 6, 20_000),
        link(&[F64, I64], &many, 3, 0),
        link(&[I64], &[I32], 0, 0),
        link(&[], &[I32, F64, I8], 24, 48),
    ]
}

/// Define the functions `PREFIX_0` to `PREFIX_5`, the first of which is the entry.
///
/// On the normal path each link checks what it kept in its frame: it adds what differs to element
/// [`MAX_PARAMS`] - 1 of `VmContext::seen`, which stays zero if all is well. Its results are those of
/// the `vmctx`.
///
/// # Errors
///
/// Those of [`define`](define()).
pub fn define_chain<M: Module>(module: &mut M, prefix: &str, last: FuncId) -> Result<Vec<Defined>> {
    let mut next = (last, self::last());
    let mut defined = Vec::new();
    for (index, link) in links().into_iter().enumerate().rev() {
        let function = define_link(module, &format!("{prefix}_{index}"), &link, &next)?;
        next = (function.id, link.shape);
        defined.push(function);
    }
    defined.reverse();
    Ok(defined)
}

fn define_link<M: Module>(
    module: &mut M,
    name: &str,
    link: &Link,
    (next, next_shape): &(FuncId, Shape),
) -> Result<Defined> {
    let signature = link.shape.signature();
    define(module, name, signature, |module, builder, params| {
        let vmctx = params[0];
        let slot = builder.create_sized_stack_slot(StackSlotData::new(
            StackSlotKind::ExplicitSlot,
            link.slot,
            4,
        ));
        let before = load_live(builder, vmctx, link.live);
        let results = load_results(builder, vmctx, &link.shape);
        if link.slot > 0 {
            let word = before[0];
            builder.ins().stack_store(I64, word, slot, 0);
            builder
                .ins()
                .stack_store(I64, word, slot, link.slot as i32 - 8);
        }

        let mut args = vec![vmctx];
        for (index, &ty) in next_shape.params.iter().enumerate() {
            let offset = vmctx::arg_offset(index % MAX_PARAMS);
            args.push(builder.ins().load(ty, MemFlagsData::new(), vmctx, offset));
        }
        let next = module.declare_func_in_func(*next, builder.func);
        let call = builder.ins().call(next, &args);
        for (index, result) in builder.inst_results(call).to_vec().into_iter().enumerate() {
            let offset = vmctx::got_offset(index);
            builder
                .ins()
                .store(MemFlagsData::new(), result, vmctx, offset);
        }

        let mut after = load_live(builder, vmctx, link.live);
        let mut before = before;
        if link.slot > 0 {
            for offset in [0, link.slot as i32 - 8] {
                before.push(builder.ins().stack_load(I64, I64, slot, offset));
                after.push(after[0]);
            }
        }
        check_live(builder, vmctx, &before, &after);
        Ok(results)
    })
}

/// Values to keep in registers and spill slots, as many of each class, which cannot be had again
/// without a load.
pub fn load_live(builder: &mut FunctionBuilder<'_>, vmctx: Value, count: usize) -> Vec<Value> {
    let flags = MemFlagsData::new();
    let mut values = Vec::new();
    for index in 0..count {
        for ty in [I64, F64] {
            let offset = vmctx::arg_offset(index);
            values.push(builder.ins().load(ty, flags, vmctx, offset));
        }
    }
    values
}

fn load_results(builder: &mut FunctionBuilder<'_>, vmctx: Value, shape: &Shape) -> Vec<Value> {
    let flags = MemFlagsData::new();
    let results = shape.results.iter().enumerate().map(|(index, &ty)| {
        let offset = vmctx::result_offset(index);
        builder.ins().load(ty, flags, vmctx, offset)
    });
    results.collect()
}

/// Add what differs between two lists of values to element [`MAX_PARAMS`] - 1 of `VmContext::seen`.
pub fn check_live(
    builder: &mut FunctionBuilder<'_>,
    vmctx: Value,
    before: &[Value],
    after: &[Value],
) {
    let flags = MemFlagsData::new();
    let offset = vmctx::seen_offset(MAX_PARAMS - 1);
    let mut difference = builder.ins().load(I64, flags, vmctx, offset);
    for (&before, &after) in before.iter().zip(after) {
        let [before, after] = [before, after].map(|value| {
            if builder.func.dfg.value_type(value) == F64 {
                builder.ins().bitcast(I64, MemFlagsData::new(), value)
            } else {
                value
            }
        });
        let changed = builder.ins().bxor(before, after);
        difference = builder.ins().bor(difference, changed);
    }
    builder.ins().store(flags, difference, vmctx, offset);
}
