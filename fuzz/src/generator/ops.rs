//! Arithmetic and conversions: what the interpreter and every backend have.
//!
//! A NaN made by arithmetic is replaced by one fixed NaN at once, as its sign and payload are the
//! machine's choice. Divisors are odd and positive, so only explicit traps trap.
//!
//! `f16`, `f128` and vectors of less than 128 bits are moved, stored and selected, not calculated with:
//! backends lack such instructions, and the interpreter makes 128 bits of every vector.

use super::pool::{Pool, Scratch};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use cranelift_frontend::FunctionBuilder;

/// Makes a value of type `ty` from others of that type, or a constant.
pub fn arithmetic(
    ty: Type,
    [op, left, right]: [u8; 3],
    pool: &Pool,
    builder: &mut FunctionBuilder<'_>,
    scratch: &Scratch,
) -> Value {
    let a = pool.pick(ty, left, builder, scratch);
    let b = pool.pick(ty, right, builder, scratch);
    match ty {
        types::I8 | types::I16 | types::I32 | types::I64 => integer(ty, op, a, b, builder),
        types::I128 => wide_integer(op, a, b, builder),
        types::F32 | types::F64 => float(ty, op, a, b, builder),
        _ if ty.is_vector() && ty.bits() == 128 && ty.lane_type().is_int() => {
            vector(ty, op, a, b, builder)
        }
        types::F32X4 | types::F64X2 => float_vector(ty, op, a, b, builder),
        _ => {
            let condition = pool.pick(types::I8, op, builder, scratch);
            select(condition, a, b, builder)
        }
    }
}

/// One of two values. aarch64 panics on a `select` of vectors of 16 or 32 bits, so these are the first.
pub fn select(condition: Value, a: Value, b: Value, builder: &mut FunctionBuilder<'_>) -> Value {
    let ty = builder.func.dfg.value_type(a);
    if ty.is_vector() && ty.bits() < 64 {
        return a;
    }
    builder.ins().select(condition, a, b)
}

fn integer(ty: Type, op: u8, a: Value, b: Value, builder: &mut FunctionBuilder<'_>) -> Value {
    let ins = builder.ins();
    match op % 20 {
        0 | 1 => ins.iadd(a, b),
        2 => ins.isub(a, b),
        3 => ins.imul(a, b),
        4 => ins.band(a, b),
        5 => ins.bor(a, b),
        6 => ins.bxor(a, b),
        7 => ins.bnot(a),
        8 => ins.ineg(a),
        9 => ins.ishl(a, b),
        10 => ins.ushr(a, b),
        11 => ins.sshr(a, b),
        // Pulley rotates words alone.
        12 | 13 if ty.bits() < 32 => ins.iadd(a, b),
        12 => ins.rotl(a, b),
        13 => ins.rotr(a, b),
        14 => {
            let is_less = ins.icmp(IntCC::SignedLessThan, a, b);
            builder.ins().select(is_less, a, b)
        }
        15 => {
            let is_less = ins.icmp(IntCC::UnsignedLessThan, a, b);
            match ty {
                types::I8 => is_less,
                _ => builder.ins().uextend(ty, is_less),
            }
        }
        16 => ins.clz(a),
        op => {
            let small = ins.band_imm_u(b, 0x7e);
            let divisor = builder.ins().bor_imm_u(small, 1);
            match op {
                17 => builder.ins().udiv(a, divisor),
                18 => builder.ins().srem(a, divisor),
                _ => builder.ins().sdiv(a, divisor),
            }
        }
    }
}

fn wide_integer(op: u8, a: Value, b: Value, builder: &mut FunctionBuilder<'_>) -> Value {
    let ins = builder.ins();
    match op % 9 {
        0 => ins.iadd(a, b),
        1 => ins.isub(a, b),
        2 => ins.imul(a, b),
        3 => ins.band(a, b),
        4 => ins.bxor(a, b),
        5 => ins.bnot(a),
        6 => {
            let (low, high) = ins.isplit(a);
            builder.ins().iconcat(high, low)
        }
        7 => {
            // Not to choose between `a` and `b`: the optimizer makes `umin.i128` of that, which no
            // backend has.
            let is_less = ins.icmp(IntCC::UnsignedLessThan, a, b);
            builder.ins().uextend(types::I128, is_less)
        }
        _ => {
            let (low, _) = ins.isplit(b);
            builder.ins().ishl(a, low)
        }
    }
}

fn float(ty: Type, op: u8, a: Value, b: Value, builder: &mut FunctionBuilder<'_>) -> Value {
    let ins = builder.ins();
    let result = match op % 10 {
        0 => ins.fadd(a, b),
        1 => ins.fsub(a, b),
        2 => ins.fmul(a, b),
        3 => ins.fdiv(a, b),
        4 => ins.sqrt(a),
        5 => ins.fmin(a, b),
        6 => ins.fmax(a, b),
        7 => return ins.fneg(a),
        8 => return ins.fcopysign(a, b),
        _ => {
            let is_less = ins.fcmp(FloatCC::LessThan, a, b);
            return builder.ins().select(is_less, a, b);
        }
    };
    canonical(ty, result, builder)
}

/// The number, or the one NaN.
fn canonical(ty: Type, value: Value, builder: &mut FunctionBuilder<'_>) -> Value {
    let is_nan = builder.ins().fcmp(FloatCC::Unordered, value, value);
    let nan = match ty {
        types::F32 => builder.ins().f32const(f32::NAN),
        _ => builder.ins().f64const(f64::NAN),
    };
    builder.ins().select(is_nan, nan, value)
}

fn vector(ty: Type, op: u8, a: Value, b: Value, builder: &mut FunctionBuilder<'_>) -> Value {
    let ins = builder.ins();
    match op % 8 {
        0 => ins.iadd(a, b),
        1 => ins.isub(a, b),
        2 => ins.band(a, b),
        3 => ins.bor(a, b),
        4 => ins.bxor(a, b),
        5 => ins.icmp(IntCC::Equal, a, b),
        6 => {
            let lane = ins.extractlane(a, 0);
            builder.ins().splat(ty, lane)
        }
        _ => {
            let lane = ins.extractlane(a, 0);
            let last = (ty.lane_count() - 1) as u8;
            builder.ins().insertlane(b, lane, last)
        }
    }
}

/// NaNs are replaced as integers, all lanes at once.
fn float_vector(ty: Type, op: u8, a: Value, b: Value, builder: &mut FunctionBuilder<'_>) -> Value {
    let ins = builder.ins();
    let result = match op % 5 {
        0 => ins.fadd(a, b),
        1 => ins.fsub(a, b),
        2 => ins.fmul(a, b),
        3 => ins.fdiv(a, b),
        _ => return ins.fneg(a),
    };
    let is_nan = builder.ins().fcmp(FloatCC::Unordered, result, result);
    let nan = match ty {
        types::F32X4 => builder.ins().f32const(f32::NAN),
        _ => builder.ins().f64const(f64::NAN),
    };
    let nan = builder.ins().splat(ty, nan);
    let lanes = lanes_flags();
    let nan = builder.ins().bitcast(ty.as_int(), lanes, nan);
    let result = builder.ins().bitcast(ty.as_int(), lanes, result);
    let canonical = builder.ins().bitselect(is_nan, nan, result);
    builder.ins().bitcast(ty, lanes, canonical)
}

/// Casts of vectors say in which order their lanes are.
fn lanes_flags() -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little)
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
    let is_small = |ty: Type| ty.is_int() && ty.bits() <= 64;
    let ins = builder.ins();
    match (from, to) {
        _ if from == to => value,
        (types::I128, types::I64) => {
            let (low, high) = ins.isplit(value);
            [low, high][usize::from(choice % 2)]
        }
        (types::I64, types::I128) => ins.iconcat(value, value),
        _ if is_small(from) && is_small(to) => match (from.bits() < to.bits(), choice % 2) {
            (true, 0) => ins.uextend(to, value),
            (true, _) => ins.sextend(to, value),
            (false, _) => ins.ireduce(to, value),
        },
        (types::I32 | types::I64, types::F32 | types::F64) => match choice % 2 {
            0 => ins.fcvt_from_sint(to, value),
            _ => ins.fcvt_from_uint(to, value),
        },
        (types::F32 | types::F64, types::I32 | types::I64) => ins.fcvt_to_sint_sat(to, value),
        (types::F32, types::F64) => {
            let wide = ins.fpromote(to, value);
            canonical(to, wide, builder)
        }
        (types::F64, types::F32) => {
            let narrow = ins.fdemote(to, value);
            canonical(to, narrow, builder)
        }
        _ => {
            let offset = i32::from(choice % 16);
            scratch.reinterpret(value, to, offset, builder)
        }
    }
}
