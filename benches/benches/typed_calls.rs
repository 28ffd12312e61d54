//! `cargo bench -p multi-out-benches --features criterion --bench typed_calls`: what the types of the crate `multi-out` cost. A
//! compiled function is called through [`multi_out::Compiled`], and with a function pointer and a place for the results by hand.
//! The test `typed` compares the instructions.

use cranelift_codegen::ir::InstBuilder;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::default_libcall_names;
use criterion::{Criterion, criterion_group, criterion_main};
use multi_out::{Code, Function, Results, Vmctx};
use std::hint::black_box;
use std::mem::{MaybeUninit, transmute};

#[derive(Results)]
#[repr(C)]
struct Sums {
    sum: i64,
    difference: i64,
}

type Signature = fn(Vmctx<u64>, i64, i64) -> Sums;
type ByHand = unsafe extern "C-unwind" fn(*mut Sums, *mut u64, i64, i64);

const ITERATIONS: i64 = 1000;

fn typed_calls(criterion: &mut Criterion) {
    let builder = JITBuilder::new(default_libcall_names()).expect("this machine");
    let mut module = JITModule::new(builder);
    let sums = Function::<Signature>::export(&mut module, "sums").expect("a new name");
    sums.define(&mut module, |body, [_, a, b]| {
        Ok([body.ins().iadd(a, b), body.ins().isub(a, b)])
    })
    .expect("a function");
    let code = Code::finalize(module).expect("no imports");
    // SAFETY: it calculates.
    let typed = unsafe { code.get(&sums) }.expect("its own signature");
    // SAFETY: the same function, as C has it.
    let by_hand = unsafe { transmute::<*const u8, ByHand>(typed.address()) };

    let mut group = criterion.benchmark_group("calls of a compiled function");
    group.bench_function("typed", |bencher| {
        bencher.iter(|| {
            let (typed, mut vmctx, mut value) = (black_box(&typed), 0, 1);
            for _ in 0..ITERATIONS {
                let Sums { sum, difference } = typed.call(&mut vmctx, value, 3);
                value = sum ^ difference;
            }
            value
        });
    });
    group.bench_function("by hand", |bencher| {
        bencher.iter(|| {
            let (by_hand, mut vmctx, mut value) = (black_box(by_hand), 0, 1);
            for _ in 0..ITERATIONS {
                let mut out = MaybeUninit::uninit();
                // SAFETY: a place for the results, which it fills, and a context.
                let Sums { sum, difference } = unsafe {
                    by_hand(out.as_mut_ptr(), &mut vmctx, value, 3);
                    out.assume_init()
                };
                value = sum ^ difference;
            }
            value
        });
    });
    group.finish();
}

criterion_group!(benches, typed_calls);
criterion_main!(benches);
