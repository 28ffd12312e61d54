//! A body that this crate writes compiles to the same instructions as one that is written by hand.

mod common;

use common::module;
use cranelift_codegen::Context;
use cranelift_codegen::ir::{
    AbiParam, ArgumentPurpose, InstBuilder, MemFlagsData, Signature, StackSlotData, StackSlotKind,
    types,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::JITModule;
use cranelift_module::{Linkage, Module};
use multi_out::{BackEnd, Function, Imports, Vmctx};

type Swap = fn(Vmctx<u64>) -> (i32, f64);

fn code_of_the_crate(back_end: BackEnd, module: &mut JITModule) -> Vec<u8> {
    let host = Function::<Swap>::declare_with(back_end, module, "host", Linkage::Import).unwrap();
    let swap = Function::<Swap>::declare_with(back_end, module, "swap", Linkage::Export).unwrap();
    let mut context = Context::new();
    let body = |body: &mut multi_out::Body<'_, '_, _, _>, [vmctx]: [_; 1]| {
        let [a, b] = body.call(&host, [vmctx])?;
        let [c, d] = body.call(&host, [vmctx])?;
        Ok([body.ins().iadd(a, c), body.ins().fadd(b, d)])
    };
    swap.define_in(&mut context, module, body).unwrap();
    context.compiled_code().unwrap().code_buffer().to_vec()
}

fn code_by_hand(module: &mut JITModule, is_explicit: bool, signature: Signature) -> Vec<u8> {
    let host = module
        .declare_function("host", Linkage::Import, &signature)
        .unwrap();
    let swap = module
        .declare_function("swap", Linkage::Export, &signature)
        .unwrap();
    let mut context = module.make_context();
    context.func.signature = signature;
    let host = module.declare_func_in_func(host, &mut context.func);
    let mut frontend = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut context.func, &mut frontend);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    builder.seal_block(block);
    let params = builder.block_params(block).to_vec();
    let flags = MemFlagsData::trusted();
    let results = if is_explicit {
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, 16, 3);
        let slot = builder.create_sized_stack_slot(slot);
        let calls = [(); 2].map(|()| {
            let out = builder.ins().stack_addr(types::I64, slot, 0);
            builder.ins().call(host, &[out, params[1]]);
            let out = builder.ins().stack_addr(types::I64, slot, 0);
            let a = builder.ins().load(types::I32, flags, out, 0);
            (a, builder.ins().load(types::F64, flags, out, 8))
        });
        let [(a, b), (c, d)] = calls;
        let (sum, float_sum) = (builder.ins().iadd(a, c), builder.ins().fadd(b, d));
        builder.ins().store(flags, sum, params[0], 0);
        builder.ins().store(flags, float_sum, params[0], 8);
        vec![]
    } else {
        let calls = [(); 2].map(|()| {
            let call = builder.ins().call(host, &params);
            builder.inst_results(call).to_vec()
        });
        let sum = builder.ins().iadd(calls[0][0], calls[1][0]);
        vec![sum, builder.ins().fadd(calls[0][1], calls[1][1])]
    };
    builder.ins().return_(&results);
    builder.finalize(module.target_config());
    module.define_function(swap, &mut context).unwrap();
    context.compiled_code().unwrap().code_buffer().to_vec()
}

#[test]
fn an_explicit_pointer_is_as_by_hand() {
    let mut by_hand = module(&Imports::new());
    let mut signature = Signature::new(by_hand.isa().default_call_conv());
    signature.params.push(AbiParam::new(types::I64));
    signature
        .params
        .push(AbiParam::special(types::I64, ArgumentPurpose::VMContext));
    let want = code_by_hand(&mut by_hand, true, signature);
    let got = code_of_the_crate(BackEnd::ExplicitPointer, &mut module(&Imports::new()));
    assert_eq!(got, want);
}

#[test]
#[cfg(feature = "fork")]
fn several_results_are_as_by_hand() {
    let mut by_hand = module(&Imports::new());
    let mut signature = Signature::new(cranelift_codegen::isa::CallConv::SystemVMultiOut);
    signature
        .params
        .push(AbiParam::special(types::I64, ArgumentPurpose::VMContext));
    signature.returns = vec![AbiParam::new(types::I32), AbiParam::new(types::F64)];
    let want = code_by_hand(&mut by_hand, false, signature);
    let got = code_of_the_crate(BackEnd::MultiOut, &mut module(&Imports::new()));
    assert_eq!(got, want);
}

#[test]
fn all_calls_of_a_body_share_the_place_for_results() {
    let back_end = BackEnd::ExplicitPointer;
    let mut module = module(&Imports::new());
    type Small = fn() -> (u8, u8);
    type Large = fn() -> (i64, i64, i64);
    let small =
        Function::<Small>::declare_with(back_end, &mut module, "s", Linkage::Import).unwrap();
    let large =
        Function::<Large>::declare_with(back_end, &mut module, "l", Linkage::Import).unwrap();
    let f =
        Function::<fn() -> i64>::declare_with(back_end, &mut module, "f", Linkage::Export).unwrap();
    let mut context = Context::new();
    f.define_in(&mut context, &mut module, |body, []| {
        body.call(&small, [])?;
        let [a, b, c] = body.call(&large, [])?;
        body.call(&small, [])?;
        let sum = body.ins().iadd(a, b);
        Ok([body.ins().iadd(sum, c)])
    })
    .unwrap();
    let slots = context.func.sized_stack_slots.values();
    let slots: Vec<_> = slots.map(|slot| (slot.size, slot.align_shift)).collect();
    assert_eq!(slots, [(24, 3)]);
}
