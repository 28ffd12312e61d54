//! The values at hand in a body, and new ones from nothing.

use super::Machine;
use cranelift_codegen::ir::immediates::Ieee16;
use cranelift_codegen::ir::{
    ConstantData, Endianness, InstBuilder, MemFlagsData, StackSlot, Type, Value, types,
};
use cranelift_frontend::FunctionBuilder;

/// The values that dominate the place where the body is being made, the newest last.
#[derive(Default)]
pub struct Pool(Vec<Value>);

impl Pool {
    /// Adds a value.
    pub fn add(&mut self, value: Value) {
        self.0.push(value);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets all but the oldest `len`.
    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// The newest values, at most `count`.
    pub fn newest(&self, count: usize) -> &[Value] {
        &self.0[self.0.len().saturating_sub(count)..]
    }

    /// The newest value of a type, if there is one.
    pub fn newest_of(&self, ty: Type, builder: &FunctionBuilder<'_>) -> Option<Value> {
        self.of_type(ty, builder).next()
    }

    /// A value of the type, the newest for 0; a constant if there is none.
    pub fn pick(
        &self,
        ty: Type,
        choice: u8,
        builder: &mut FunctionBuilder<'_>,
        scratch: &Scratch,
    ) -> Value {
        let count = self.of_type(ty, builder).count();
        if count == 0 {
            return constant(ty, choice, builder, scratch);
        }
        let place = usize::from(choice) % count;
        let picked = self.of_type(ty, builder).nth(place);
        picked.unwrap_or_else(|| constant(ty, choice, builder, scratch))
    }

    fn of_type(&self, ty: Type, builder: &FunctionBuilder<'_>) -> impl Iterator<Item = Value> {
        let has_type = move |value: &&Value| builder.func.dfg.value_type(**value) == ty;
        self.0.iter().rev().filter(has_type).copied()
    }
}

/// A stack slot to store anything in, zero at first.
pub struct Scratch {
    /// The slot.
    pub slot: StackSlot,
    /// What the program is made for.
    pub machine: Machine,
}

/// The size of the slot.
pub const SCRATCH_SIZE: u8 = 64;

impl Scratch {
    /// The slot's address.
    pub fn address(&self, builder: &mut FunctionBuilder<'_>) -> Value {
        let pointer = self.machine.pointer;
        builder.ins().stack_addr(pointer, self.slot, 0)
    }

    /// Stores a value, and loads what then is there as another type.
    pub fn reinterpret(
        &self,
        value: Value,
        ty: Type,
        offset: i32,
        builder: &mut FunctionBuilder<'_>,
    ) -> Value {
        let address = self.address(builder);
        store(value, address, offset, builder);
        load(ty, address, offset, builder)
    }
}

/// Stores a value of any type.
pub fn store(value: Value, address: Value, offset: i32, builder: &mut FunctionBuilder<'_>) {
    let flags = memory_flags(builder.func.dfg.value_type(value));
    builder.ins().store(flags, value, address, offset);
}

/// Loads a value of any type.
pub fn load(ty: Type, address: Value, offset: i32, builder: &mut FunctionBuilder<'_>) -> Value {
    let flags = memory_flags(ty);
    builder.ins().load(ty, flags, address, offset)
}

/// Vectors are little-endian in memory on every target, scalars as the target has them: on a big-endian
/// one the order of lanes depends on the function's convention, and the interpreter turns all 16 bytes.
fn memory_flags(ty: Type) -> MemFlagsData {
    let flags = MemFlagsData::new();
    match ty.is_vector() {
        true => flags.with_endianness(Endianness::Little),
        false => flags,
    }
}

/// Where an immediate of some width begins or ends to hold a number; the last is a zero with a sign for
/// floats.
const BOUNDARIES: [i64; 8] = [
    -0x80,
    0x7fff,
    0x8000,
    -0x8000,
    0x7fff_ffff,
    0x8000_0000,
    -0x8000_0000,
    i64::MIN,
];

/// A constant whose bytes all differ, or one of those that arithmetic or an immediate stumbles over.
pub fn constant(
    ty: Type,
    choice: u8,
    builder: &mut FunctionBuilder<'_>,
    scratch: &Scratch,
) -> Value {
    let mut bytes = std::array::from_fn::<u8, 16, _>(|at| choice.wrapping_add(17 * at as u8));
    match choice % 8 {
        0 => bytes = [0; 16],
        1 => bytes = [0xff; 16],
        2 => bytes = 1_u128.to_le_bytes(),
        3 => {
            let boundary = BOUNDARIES[usize::from(choice / 8) % BOUNDARIES.len()];
            bytes = i128::from(boundary).to_le_bytes();
        }
        _ => {}
    }
    let word = i64::from_le_bytes(bytes[..8].try_into().expect("8 bytes"));
    // A number, so that no instruction may change its bits.
    let number = match word {
        i64::MIN => -0.0,
        _ => word as f64,
    };
    let ins = builder.ins();
    match ty {
        types::I8 => ins.iconst(ty, word & 0xff),
        types::I16 => ins.iconst(ty, word & 0xffff),
        types::I32 => ins.iconst(ty, word & 0xffff_ffff),
        types::I64 => ins.iconst(ty, word),
        types::F16 => ins.f16const(Ieee16::with_bits(word as u16)),
        types::F32 => ins.f32const(number as f32),
        types::F64 => ins.f64const(number),
        _ if ty.is_vector() && ty.bits() == 128 && ty.lane_type().is_int() => {
            let data = ConstantData::from(&bytes[..]);
            let constant = builder.func.dfg.constants.insert(data);
            builder.ins().vconst(ty, constant)
        }
        _ => {
            let low = ins.iconst(types::I64, word);
            if ty.bytes() <= 8 {
                return scratch.reinterpret(low, ty, 0, builder);
            }
            let address = scratch.address(builder);
            store(low, address, 0, builder);
            store(low, address, 8, builder);
            load(ty, address, 0, builder)
        }
    }
}
