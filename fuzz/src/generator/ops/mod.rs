//! Operations on the values at hand: what the interpreter and the machine's backend have.
//!
//! - [`operation`] knows instructions and their types from Cranelift,
//! - [`table`] which of them a machine has, from a list that [`crate::operations`] makes by trying;
//! - [`build`] writes them.

pub mod build;
pub mod operation;
pub mod table;

use self::operation::Operation;
use self::table::Table;
use super::pool::{Pool, Scratch};
use cranelift_codegen::ir::{InstBuilder, InstructionData, Opcode, Type, Value, types};
use cranelift_frontend::FunctionBuilder;

/// Makes values, the first of type `ty`, out of others. The choices are what is done, for which other types,
/// with which values, and with which lanes.
pub fn arithmetic(
    ty: Type,
    [op, variant, left, right, last]: [u8; 5],
    pool: &Pool,
    builder: &mut FunctionBuilder<'_>,
    scratch: &Scratch,
) -> Vec<Value> {
    let is_there = |operation: &&Operation| {
        let mut types = operation.operands.iter().chain(&operation.results);
        types.all(|ty| scratch.machine.has(*ty))
    };
    let table = Table::of(scratch.machine);
    let Some(operation) = table.pick(ty, [op, variant]).filter(is_there) else {
        let condition = pool.pick(types::I8, op, builder, scratch);
        let a = pool.pick(ty, left, builder, scratch);
        let b = pool.pick(ty, right, builder, scratch);
        return vec![select(condition, a, b, builder, scratch)];
    };
    let mut operands = Vec::new();
    for (ty, choice) in operation.operands.iter().zip([left, right, last]) {
        operands.push(pool.pick(*ty, choice, builder, scratch));
    }
    if let (Opcode::Select | Opcode::Bitselect, [condition, a, b]) =
        (operation.opcode, &operands[..])
        && is_hidden_minimum(*condition, [*a, *b], builder, scratch)
    {
        return vec![*a];
    }
    operation.build(&operands, last, builder)
}

/// One of two values. aarch64 panics on a `select` of vectors of 16 or 32 bits, so these are the first.
pub fn select(
    condition: Value,
    a: Value,
    b: Value,
    builder: &mut FunctionBuilder<'_>,
    scratch: &Scratch,
) -> Value {
    let ty = builder.func.dfg.value_type(a);
    let is_small = ty.is_vector() && ty.bits() < 64;
    if is_small || is_hidden_minimum(condition, [a, b], builder, scratch) {
        return a;
    }
    builder.ins().select(condition, a, b)
}

/// Whether the optimizer makes a minimum or maximum of a selection, and the backend has none of that type, which
/// is a panic.
fn is_hidden_minimum(
    condition: Value,
    [a, b]: [Value; 2],
    builder: &FunctionBuilder<'_>,
    scratch: &Scratch,
) -> bool {
    let dfg = &builder.func.dfg;
    let compared = dfg.value_def(condition).inst().map(|inst| &dfg.insts[inst]);
    let Some(InstructionData::IntCompare { args, .. }) = compared else {
        return false;
    };
    (*args == [a, b] || *args == [b, a])
        && !Table::of(scratch.machine).has(Opcode::Umin, dfg.value_type(a))
}

/// An integer of at most 64 bits as one of 64.
pub fn extend(value: Value, builder: &mut FunctionBuilder<'_>) -> Value {
    match builder.func.dfg.value_type(value) {
        types::I64 => value,
        _ => builder.ins().uextend(types::I64, value),
    }
}

/// Makes a value of another type out of one.
pub fn convert(
    value: Value,
    to: Type,
    choice: u8,
    builder: &mut FunctionBuilder<'_>,
    scratch: &Scratch,
) -> Value {
    let from = builder.func.dfg.value_type(value);
    if from == to {
        return value;
    }
    let table = Table::of(scratch.machine);
    let Some(operation) = table.pick_conversion(from, to, choice) else {
        let offset = i32::from(choice % 16);
        return scratch.reinterpret(value, to, offset, builder);
    };
    let results = operation.build(&[value], choice / 16, builder);
    results[usize::from(choice) % results.len()]
}
