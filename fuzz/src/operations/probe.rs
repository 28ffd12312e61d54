//! Functions with one operation, and what to call them with.

use crate::generator::Machine;
use crate::generator::ops::operation::Operation;
use crate::generator::pool::{load, store};
use cranelift_codegen::ir::{
    AbiParam, ExtFuncData, ExternalName, Function, InstBuilder, Signature, StackSlotData,
    StackSlotKind, Type, UserFuncName, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use oracles::signatures::{Choices, Seed};

/// Bytes of an operand or result in memory.
const STRIDE: i32 = 16;

/// Words of the operands, of which there are at most three.
pub const WORDS: usize = 6;

/// The function `%probe{index}`, which takes a pointer to operands, and stores the results behind them.
pub fn probe(index: usize, operation: &Operation, machine: Machine) -> Function {
    let mut func = function(format!("probe{index}"), &[machine.pointer], 0);
    let mut context = FunctionBuilderContext::new();
    let mut builder = begin(&mut func, &mut context);
    let block = builder.current_block().expect("the entry");
    let memory = builder.block_params(block)[0];
    let mut offset = 0;
    let mut operands = Vec::new();
    for ty in &operation.operands {
        operands.push(load(*ty, memory, offset, &mut builder));
        offset += STRIDE;
    }
    offset = 8 * WORDS as i32;
    for immediate in operation.immediates() {
        for result in operation.build(&operands, immediate, &mut builder) {
            store(result, memory, offset, &mut builder);
            offset += STRIDE;
        }
    }
    builder.ins().return_(&[]);
    builder.seal_all_blocks();
    builder.finalize(machine.frontend_config());
    func
}

/// Words of all results of a probe.
pub fn result_words(operation: &Operation) -> usize {
    2 * operation.results.len() * operation.immediates().count()
}

/// The function `%call`, which takes operands as words, calls `%probe{index}`, and returns so many words of its
/// results.
pub fn caller(index: usize, results: usize, machine: Machine) -> Function {
    let mut func = function("call".into(), &[types::I64; WORDS], results);
    let mut context = FunctionBuilderContext::new();
    let mut builder = begin(&mut func, &mut context);
    let size = 8 * (WORDS + results) as u32;
    let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size, 4);
    let slot = builder.create_sized_stack_slot(data);
    let memory = builder.ins().stack_addr(machine.pointer, slot, 0);
    let block = builder.current_block().expect("the entry");
    let offsets = (0_i32..).step_by(8);
    for (offset, word) in offsets.clone().zip(builder.block_params(block).to_vec()) {
        store(word, memory, offset, &mut builder);
    }
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.push(AbiParam::new(machine.pointer));
    let signature = builder.import_signature(signature);
    let probe = builder.import_function(ExtFuncData {
        name: ExternalName::testcase(format!("probe{index}")),
        signature,
        colocated: true,
        patchable: false,
    });
    builder.ins().call(probe, &[memory]);
    let offsets = offsets.skip(WORDS).take(results);
    let words: Vec<_> = offsets
        .map(|offset| load(types::I64, memory, offset, &mut builder))
        .collect();
    builder.ins().return_(&words);
    builder.seal_all_blocks();
    builder.finalize(machine.frontend_config());
    func
}

fn function(name: String, params: &[Type], results: usize) -> Function {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params = params.iter().copied().map(AbiParam::new).collect();
    signature.returns = vec![AbiParam::new(types::I64); results];
    Function::with_name_signature(UserFuncName::testcase(name), signature)
}

fn begin<'a>(
    func: &'a mut Function,
    context: &'a mut FunctionBuilderContext,
) -> FunctionBuilder<'a> {
    let mut builder = FunctionBuilder::new(func, context);
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    builder
}

/// How often a function is called.
const CALLS: u64 = 16;

/// Where integers and floats of any width are at an end, or no numbers.
const WORDS_OF_INTEREST: [u64; 24] = [
    0,
    1,
    u64::MAX,
    i64::MIN as u64,
    i64::MAX as u64,
    0x7f80_ff7f_8000_7fff,
    0x8000_0000_7fff_ffff,
    0x0000_0001_ffff_fffe,
    // f64: 1.5, 2.5, -0.5, 2⁵², ±2⁶³, infinity, a quiet and a signalling NaN, the smallest.
    0x3ff8_0000_0000_0000,
    0x4004_0000_0000_0000,
    0xbfe0_0000_0000_0000,
    0x4330_0000_0000_0000,
    0x43e0_0000_0000_0000,
    0xc3e0_0000_0000_0000,
    0x7ff0_0000_0000_0000,
    0xfff8_0000_0000_0001,
    0x7ff0_0000_0000_0001,
    0x8000_0000_0000_0001,
    // f32, two at a time.
    0x3fc0_0000_bf00_0000,
    0x7f80_0000_7f80_0001,
    0x4f00_0000_cf00_0000,
    0xffc0_0001_8000_0001,
    // f16, four at a time.
    0x3e00_bc00_7c00_7c01,
    0x7e01_fc00_0001_4100,
];

/// The operands of all calls.
pub fn calls() -> impl Iterator<Item = [u64; WORDS]> {
    (0..CALLS).map(|number| {
        let mut seed = Seed::new(1, number);
        std::array::from_fn(|_| {
            let any = (0..4).fold(0, |word, _| word << 16 | seed.below(1 << 16) as u64);
            let word = WORDS_OF_INTEREST.get(seed.below(32));
            word.copied().unwrap_or(any)
        })
    })
}
