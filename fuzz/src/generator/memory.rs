//! Memory at addresses that are computed from values, in a slot that is larger than the displacements that
//! instructions have.

use super::pool::{Pool, Scratch, load, store};
use cranelift_codegen::ir::{
    InstBuilder, MemFlagsData, StackSlot, StackSlotData, StackSlotKind, Type, Value, types,
};
use cranelift_frontend::FunctionBuilder;

/// The ends of displacements: those of 8 and 9 bits with a sign, 12 bits with and without, 12 bits scaled by 4, 8
/// and 16, 16 bits.
const ENDS: [u32; 8] = [128, 256, 2048, 4096, 16384, 32760, 32768, 65520];

/// What is accessed at once, an index before it, and as much as an access may be off an end.
const MARGIN: u32 = 64;

/// The slot of a function, if it has one.
#[derive(Default)]
pub struct Memory(Option<(StackSlot, u32)>);

impl Memory {
    /// Stores a value at a computed address, and loads what then is there as another type, or a part of it.
    pub fn access(
        &mut self,
        [value, word]: [Value; 2],
        to: Type,
        [c, d, e, f]: [u8; 4],
        pool: &Pool,
        builder: &mut FunctionBuilder<'_>,
        scratch: &Scratch,
    ) -> Value {
        let (slot, size) = *self.0.get_or_insert_with(|| {
            let size = ENDS[usize::from(f) % ENDS.len()] + 2 * MARGIN;
            let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size, 4);
            (builder.create_sized_stack_slot(data), size)
        });
        let end = ENDS[usize::from(c) % ENDS.len()].min(size - 2 * MARGIN);
        let place = (end + u32::from(d % 32)) as i32 - 16;
        let base = [0, place, end as i32 + 64][usize::from(e) % 3];
        let pointer = scratch.machine.pointer;
        let base_address = builder.ins().stack_addr(pointer, slot, base);
        let index = index(f, pool, builder, scratch);
        let mut address = builder.ins().iadd(base_address, index);
        let mut offset = place - base;
        if offset < 0 {
            // The interpreter takes an offset for a number without a sign.
            address = builder.ins().iadd_imm_s(address, i64::from(offset));
            offset = 0;
        }
        store(word, address, offset, builder);
        store(word, address, offset + 8, builder);
        store(value, address, offset, builder);
        load_part(to, address, offset, e / 8, builder)
    }
}

/// A multiple of a small number, made of an integer of any width.
fn index(choice: u8, pool: &Pool, builder: &mut FunctionBuilder<'_>, scratch: &Scratch) -> Value {
    let ty = [types::I8, types::I16, types::I32, types::I64][usize::from(choice / 8 % 4)];
    let value = pool.pick(ty, choice / 32, builder, scratch);
    let small = builder.ins().band_imm_u(value, 3);
    let pointer = scratch.machine.pointer;
    let ins = builder.ins();
    let wide = match (ty.bits().cmp(&pointer.bits()), choice % 2) {
        (std::cmp::Ordering::Less, 0) => ins.uextend(pointer, small),
        (std::cmp::Ordering::Less, _) => ins.sextend(pointer, small),
        (std::cmp::Ordering::Equal, _) => small,
        (std::cmp::Ordering::Greater, _) => ins.ireduce(pointer, small),
    };
    let shift = builder.ins().iconst(types::I8, i64::from(choice / 2 % 4));
    builder.ins().ishl(wide, shift)
}

fn load_part(
    ty: Type,
    address: Value,
    offset: i32,
    choice: u8,
    builder: &mut FunctionBuilder<'_>,
) -> Value {
    let flags = MemFlagsData::new();
    let ins = builder.ins();
    match choice % 8 {
        0 if ty == types::I64 => ins.uload8(ty, flags, address, offset),
        1 if ty == types::I64 => ins.sload8(ty, flags, address, offset),
        2 if ty == types::I64 => ins.uload16(ty, flags, address, offset),
        3 if ty == types::I64 => ins.sload16(ty, flags, address, offset),
        4 if ty == types::I64 => ins.uload32(flags, address, offset),
        5 if ty == types::I64 => ins.sload32(flags, address, offset),
        _ => load(ty, address, offset, builder),
    }
}
