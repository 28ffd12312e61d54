//! Functions with one operation, and what to call them with.

use crate::generator::Machine;
use crate::generator::ops::operation::Operation;
use crate::generator::pool::{load, store};
use cranelift_codegen::ir::{
    AbiParam, BlockArg, ExtFuncData, ExternalName, Function, InstBuilder, MemFlagsData, Signature,
    StackSlotData, StackSlotKind, Type, UserFuncName, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use oracles::seed::Seed;

/// Words before the results: two for each of three operands, and one that is not zero at `IS_TRUE`.
pub const WORDS: usize = 8;

const IS_TRUE: usize = 6;

/// The function `%probe`, which takes a pointer to operands, and stores the results behind them.
///
/// Some backends have an operation with its operand or its result in memory alone, so both are in registers: loads
/// are in a block before, and results are arguments of a block behind, which has others from elsewhere. A load of a
/// vector that does not fill a register puts zeros behind it; `beyond` can put ones there.
pub fn probe(operation: &Operation, machine: Machine, beyond: Beyond) -> Function {
    let mut func = function("probe", &[machine.pointer], 0);
    let mut context = FunctionBuilderContext::new();
    let mut builder = begin(&mut func, &mut context);
    let (middle, end) = (builder.create_block(), builder.create_block());
    let block = builder.current_block().expect("the entry");
    let memory = builder.block_params(block)[0];
    let operands = operation.operands.iter().zip((0..).step_by(16));
    let operands: Vec<Value> = operands
        .map(|(ty, offset)| match beyond {
            Beyond::Ones if is_short_vector(ty) => {
                // The complement is stored over the operand and loaded; complemented again in a register, it is the operand, and
                // the zeros that the load put behind it are ones.
                let word = load(types::I64, memory, offset, &mut builder);
                let word = builder.ins().bnot(word);
                store(word, memory, offset, &mut builder);
                let value = load(*ty, memory, offset, &mut builder);
                complement(value, &mut builder)
            }
            _ => load(*ty, memory, offset, &mut builder),
        })
        .collect();
    let others = operation.results.iter();
    let others: Vec<Value> = others
        .map(|ty| load(*ty, memory, 0, &mut builder))
        .collect();
    let is_true = load(types::I64, memory, 8 * IS_TRUE as i32, &mut builder);
    builder.ins().jump(middle, []);
    builder.switch_to_block(middle);
    let (mut results, mut elsewhere) = (Vec::new(), Vec::new());
    for (operands, immediate) in uses(operation, &operands) {
        results.extend(operation.build(&operands, immediate, &mut builder));
        elsewhere.extend(others.iter().copied().map(BlockArg::Value));
    }
    let args: Vec<BlockArg> = results.iter().copied().map(BlockArg::Value).collect();
    builder.ins().brif(is_true, end, &args, end, &elsewhere);
    for result in results {
        let ty = builder.func.dfg.value_type(result);
        builder.append_block_param(end, ty);
    }
    builder.switch_to_block(end);
    let offsets = (8 * WORDS as i32..).step_by(16);
    for (result, offset) in builder.block_params(end).to_vec().into_iter().zip(offsets) {
        store(result, memory, offset, &mut builder);
    }
    builder.ins().return_(&[]);
    builder.seal_all_blocks();
    builder.finalize(machine.frontend_config());
    func
}

/// What registers have behind vectors that do not fill them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Beyond {
    Zeros,
    Ones,
}

/// Does it leave a part of its register?
pub fn is_short_vector(ty: &Type) -> bool {
    ty.is_vector() && ty.bits() < 128
}

/// The complement of a vector, which complements the whole register.
fn complement(value: Value, builder: &mut FunctionBuilder) -> Value {
    let ty = builder.func.dfg.value_type(value);
    if ty.lane_type().is_int() {
        return builder.ins().bnot(value);
    }
    let integers = builder
        .ins()
        .bitcast(ty.as_int(), MemFlagsData::new(), value);
    let integers = builder.ins().bnot(integers);
    builder.ins().bitcast(ty, MemFlagsData::new(), integers)
}

/// The operation with every lane, and with one operand for all, which the optimizer may know more about.
fn uses<T: Clone>(operation: &Operation, operands: &[T]) -> Vec<(Vec<T>, u8)> {
    let immediates = operation.immediates();
    let mut uses: Vec<_> = immediates.map(|lane| (operands.to_vec(), lane)).collect();
    if let [first, rest @ ..] = &operation.operands[..]
        && !rest.is_empty()
        && rest.iter().all(|ty| ty == first)
    {
        uses.push((vec![operands[0].clone(); operands.len()], 0));
    }
    uses
}

/// Words of all results of a probe.
pub fn result_words(operation: &Operation) -> usize {
    2 * operation.results.len() * uses(operation, &operation.operands).len()
}

/// The function `%call`, which takes operands as words, calls `%probe`, and returns so many words of its
/// results.
pub fn caller(results: usize, machine: Machine) -> Function {
    let mut func = function("call", &[types::I64; WORDS], results);
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
        name: ExternalName::testcase("probe"),
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

fn function(name: &str, params: &[Type], results: usize) -> Function {
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
        std::array::from_fn(|index| {
            if index == IS_TRUE {
                return 1;
            }
            let any = (0..4).fold(0, |word, _| word << 16 | seed.below(1 << 16) as u64);
            let word = WORDS_OF_INTEREST.get(seed.below(32));
            word.copied().unwrap_or(any)
        })
    })
}
