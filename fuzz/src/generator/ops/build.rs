//! Operations as instructions.
//!
//! A NaN made by arithmetic is replaced by one fixed NaN at once, as its sign and payload are the
//! machine's choice. Divisors are positive, so only explicit traps trap.

use super::operation::{Operation, is_division};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::immediates::Ieee16;
use cranelift_codegen::ir::instructions::InstructionFormat;
use cranelift_codegen::ir::{
    ConstantData, Endianness, InstBuilder, InstBuilderBase, InstructionData, MemFlagsData, Opcode,
    Type, Value, types,
};
use cranelift_frontend::FunctionBuilder;

impl Operation {
    /// The results. The immediate says which lanes, if any.
    pub fn build(
        &self,
        operands: &[Value],
        immediate: u8,
        builder: &mut FunctionBuilder<'_>,
    ) -> Vec<Value> {
        let opcode = self.opcode;
        let mut args: Vec<Value> = operands.to_vec();
        if is_division(opcode) {
            args[1] = divisor(args[1], builder);
        }
        if opcode == Opcode::Bitcast {
            return vec![builder.ins().bitcast(self.ty, lanes_flags(), args[0])];
        }
        let data = match (opcode.format(), &args[..]) {
            (InstructionFormat::Unary, &[arg]) => InstructionData::Unary { opcode, arg },
            (InstructionFormat::Binary, &[a, b]) => {
                let args = [a, b];
                InstructionData::Binary { opcode, args }
            }
            (InstructionFormat::Ternary, &[a, b, c]) => {
                let args = [a, b, c];
                InstructionData::Ternary { opcode, args }
            }
            (InstructionFormat::IntCompare, &[a, b]) => InstructionData::IntCompare {
                opcode,
                args: [a, b],
                cond: IntCC::all()[self.condition],
            },
            (InstructionFormat::FloatCompare, &[a, b]) => InstructionData::FloatCompare {
                opcode,
                args: [a, b],
                cond: FloatCC::all()[self.condition],
            },
            (InstructionFormat::BinaryImm8, &[arg]) => InstructionData::BinaryImm8 {
                opcode,
                arg,
                imm: lane(self.ty, immediate),
            },
            (InstructionFormat::TernaryImm8, &[a, b]) => InstructionData::TernaryImm8 {
                opcode,
                args: [a, b],
                imm: lane(self.ty, immediate),
            },
            (InstructionFormat::Shuffle, &[a, b]) => {
                let mask = ConstantData::from(&mask(immediate)[..]);
                let imm = builder.func.dfg.immediates.push(mask);
                let args = [a, b];
                InstructionData::Shuffle { opcode, args, imm }
            }
            (format, args) => unreachable!("{opcode} has {format:?} and {} operands", args.len()),
        };
        let variable = match opcode.constraints().is_polymorphic() {
            true => self.ty,
            false => types::INVALID,
        };
        let (inst, dfg) = builder.ins().build(data, variable);
        let mut results = dfg.inst_results(inst).to_vec();
        if !keeps_bits(opcode) {
            for (result, ty) in results.iter_mut().zip(&self.results) {
                *result = canonical(*ty, *result, builder);
            }
        }
        results
    }

    /// Enough immediates to see that every lane can be meant, and every kind of `mask`.
    pub fn immediates(&self) -> impl Iterator<Item = u8> {
        let (last, step) = match self.opcode.format() {
            InstructionFormat::BinaryImm8 | InstructionFormat::TernaryImm8 => {
                (self.ty.lane_count() as u8 - 1, 1)
            }
            InstructionFormat::Shuffle => (u8::MAX, 15),
            _ => (0, 1),
        };
        (0..=last).step_by(step)
    }
}

/// A positive number.
fn divisor(value: Value, builder: &mut FunctionBuilder<'_>) -> Value {
    let one = builder.ins().iconst(types::I8, 1);
    let half = builder.ins().ushr(value, one);
    builder.ins().bor_imm_u(half, 1)
}

fn lane(ty: Type, immediate: u8) -> u8 {
    (u32::from(immediate) % ty.lane_count()) as u8
}

/// Bytes of two vectors, in kinds that backends have instructions for, and at random.
fn mask(choice: u8) -> [u8; 16] {
    let (kind, number) = (choice / 32, choice % 32);
    let width = 1 << (number % 4);
    std::array::from_fn(|at| {
        let at = at as u8;
        let (lane, byte) = (at / width, at % width);
        let place = match kind {
            // From some byte on.
            0 => at + number,
            // One byte everywhere.
            1 => number,
            // Lanes of both by turns.
            2 => (lane / 2 + number / 16 * (8 / width)) * width + byte + lane % 2 * 16,
            // Every second lane.
            3 => (2 * lane + number / 16) * width + byte,
            // Lanes in another order.
            4 => at ^ number,
            // In their places, from one or the other.
            5 => at + (number >> (lane % 5) & 1) * 16,
            _ => at.wrapping_mul(2 * number + 1) ^ (number + kind),
        };
        place % 32
    })
}

/// Whether floats in the results are operands, or differ from them in the sign alone.
fn keeps_bits(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::Fneg
            | Opcode::Fabs
            | Opcode::Fcopysign
            | Opcode::Select
            | Opcode::SelectSpectreGuard
            | Opcode::Bitselect
            | Opcode::Splat
            | Opcode::Insertlane
            | Opcode::Extractlane
            | Opcode::ScalarToVector
    )
}

/// The number, or the one NaN; anything else as it is.
fn canonical(ty: Type, value: Value, builder: &mut FunctionBuilder<'_>) -> Value {
    match ty.lane_type() {
        types::F16 | types::F128 if !ty.is_vector() => canonical_as_integer(ty, value, builder),
        lane if !lane.is_float() => value,
        _ if ty.is_vector() => canonical_lanes(ty, value, builder),
        _ => {
            let is_nan = builder.ins().fcmp(FloatCC::Unordered, value, value);
            let nan = nan(ty, builder);
            builder.ins().select(is_nan, nan, value)
        }
    }
}

fn nan(ty: Type, builder: &mut FunctionBuilder<'_>) -> Value {
    let ins = builder.ins();
    match ty {
        types::F16 => ins.f16const(Ieee16::NAN),
        types::F32 => ins.f32const(f32::NAN),
        _ => ins.f64const(f64::NAN),
    }
}

/// All lanes at once.
fn canonical_lanes(ty: Type, value: Value, builder: &mut FunctionBuilder<'_>) -> Value {
    let is_nan = builder.ins().fcmp(FloatCC::Unordered, value, value);
    let nan = nan(ty.lane_type(), builder);
    let nan = builder.ins().splat(ty, nan);
    let lanes = lanes_flags();
    let nan = builder.ins().bitcast(ty.as_int(), lanes, nan);
    let value = builder.ins().bitcast(ty.as_int(), lanes, value);
    let canonical = builder.ins().bitselect(is_nan, nan, value);
    builder.ins().bitcast(ty, lanes, canonical)
}

/// Without instructions for floats, which few backends have for these types: without its sign, a NaN is larger
/// than infinity.
fn canonical_as_integer(ty: Type, value: Value, builder: &mut FunctionBuilder<'_>) -> Value {
    let flags = MemFlagsData::new();
    let (infinity, nan) = match ty {
        types::F16 => {
            let infinity = builder.ins().iconst(types::I16, 0x7c00 << 1);
            (infinity, nan(ty, builder))
        }
        _ => {
            let zero = builder.ins().iconst(types::I64, 0);
            let mut with_high = |high: u64| {
                let high = builder.ins().iconst(types::I64, high as i64);
                builder.ins().iconcat(zero, high)
            };
            let (infinity, nan) = (with_high(0x7fff << 49), with_high(0xffff << 47));
            (infinity, builder.ins().bitcast(ty, flags, nan))
        }
    };
    let bits = builder.ins().bitcast(ty.as_int(), flags, value);
    let one = builder.ins().iconst(types::I8, 1);
    let magnitude = builder.ins().ishl(bits, one);
    let is_nan = builder
        .ins()
        .icmp(IntCC::UnsignedGreaterThan, magnitude, infinity);
    builder.ins().select(is_nan, nan, value)
}

/// Casts of vectors say in which order their lanes are.
fn lanes_flags() -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little)
}
