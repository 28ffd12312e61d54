//! Struct arguments: words in memory, of which a callee has a copy that it may change.

use super::Form;
use super::pool::{Pool, Scratch, load, store};
use super::signature::STRUCT_WORD;
use cranelift_codegen::ir::{InstBuilder, StackSlotData, StackSlotKind, Value, types};
use cranelift_frontend::FunctionBuilder;

/// The address of a struct whose words are a value, and it plus one each; and the address to pass. The
/// interpreter passes that to the callee, where the compiler passes a copy's.
pub fn make(
    first: Value,
    size: u32,
    form: Form,
    builder: &mut FunctionBuilder<'_>,
    scratch: &Scratch,
) -> [Value; 2] {
    let own = address(size, builder, scratch);
    let passed = match form {
        Form::Interpreted => address(size, builder, scratch),
        _ => own,
    };
    let mut word = first;
    for offset in offsets(size) {
        store(word, own, offset, builder);
        if passed != own {
            store(word, passed, offset, builder);
        }
        word = builder.ins().iadd_imm_s(word, 1);
    }
    [own, passed]
}

fn address(size: u32, builder: &mut FunctionBuilder<'_>, scratch: &Scratch) -> Value {
    let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size, 3);
    let slot = builder.create_sized_stack_slot(data);
    builder.ins().stack_addr(scratch.machine.pointer, slot, 0)
}

/// Adds the words of a struct, whose address is the machine's choice, and changes them in memory.
pub fn take(address: Value, size: u32, pool: &mut Pool, builder: &mut FunctionBuilder<'_>) {
    for offset in offsets(size) {
        let word = load(types::I64, address, offset, builder);
        pool.add(word);
        let other = builder.ins().bnot(word);
        store(other, address, offset, builder);
    }
}

/// Adds the words of a struct after a call.
pub fn check(address: Value, size: u32, pool: &mut Pool, builder: &mut FunctionBuilder<'_>) {
    for offset in offsets(size) {
        pool.add(load(types::I64, address, offset, builder));
    }
}

fn offsets(size: u32) -> impl Iterator<Item = i32> {
    (0..size)
        .step_by(STRUCT_WORD as usize)
        .map(|offset| offset as i32)
}
