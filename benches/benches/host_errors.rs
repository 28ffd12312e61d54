//! `cargo bench -p multi-out-benches --features criterion --bench host_errors`: what errors of host functions cost. Compiled code calls
//! a host function that divides, and which says by a status among its results that it cannot, or panics. The test `host_errors` of
//! `oracles` says that each does what it should.

use cranelift_codegen::Context;
use cranelift_codegen::ir::{
    BlockArg, BlockCall, ExceptionTableItem, ExceptionTag, InstBuilder, TrapCode, types,
};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Module, default_libcall_names};
use criterion::{Criterion, criterion_group, criterion_main};
use multi_out::{Body, Code, Error, Function, Imports, Out, Results, Signature, Vmctx};
use oracles::calls::define::Defined;
use oracles::unwinding::eh_frame::{CLEANUP_TAG, Registered};
use oracles::unwinding::unwinder::{_Unwind_Resume, Exception};
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

#[derive(Results)]
#[repr(C)]
struct DivRem(i64, i64);

/// The status first.
#[derive(Results)]
#[repr(C)]
struct Checked(u8, i64, i64);

type Divide = fn(Vmctx<u32>, i64, i64) -> DivRem;

extern "C" fn checked(out: Out<'_, Checked>, _: &mut u32, a: i64, b: i64) {
    out.write(match (a.checked_div(b), a.checked_rem(b)) {
        (Some(quotient), Some(remainder)) => Checked(0, quotient, remainder),
        _ => Checked(1, 0, 0),
    });
}

extern "C-unwind" fn panicking(out: Out<'_, DivRem>, _: &mut u32, a: i64, b: i64) {
    match (a.checked_div(b), a.checked_rem(b)) {
        (Some(quotient), Some(remainder)) => out.write(DivRem(quotient, remainder)),
        _ => resume_unwind(Box::new(())),
    }
}

/// Compiles a function, and measures calls of it with the divisor `by`.
fn measure(
    criterion: &mut Criterion,
    name: &str,
    by: i64,
    imports: &Imports,
    body: impl FnOnce(
        &mut Body<'_, '_, JITModule, Divide>,
        <Divide as Signature>::Params,
    ) -> Result<[cranelift_codegen::ir::Value; 2], Error>,
) {
    let mut builder = JITBuilder::new(default_libcall_names()).expect("this machine");
    imports.add_to(&mut builder).expect("names that differ");
    builder.symbol("_Unwind_Resume", _Unwind_Resume as *const u8);
    let mut module = JITModule::new(builder);
    let divide = Function::<Divide>::export(&mut module, "divide").expect("a new name");
    let mut context = Context::new();
    let defined = divide.define_in(&mut context, &mut module, body);
    defined.expect("a function");
    let defined = Defined::of(divide.id(), &context, module.isa()).expect("its frame");
    let code = Code::finalize(module).expect("all symbols");
    // SAFETY: it calls the host functions above, with its own context.
    let divide = unsafe { code.get(&divide) }.expect("its own signature");
    let functions = [(&defined, divide.address())];
    // SAFETY: the code is dropped after this.
    let _registered = unsafe { Registered::at(code.isa(), &functions) }.expect("its frame");
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            let call = || divide.call(&mut 0, black_box(17), black_box(by));
            catch_unwind(AssertUnwindSafe(call)).is_ok()
        });
    });
}

fn host_errors(criterion: &mut Criterion) {
    let mut imports = Imports::new();
    let by_status =
        imports.safe_function::<fn(Vmctx<u32>, i64, i64) -> Checked>("checked", checked);
    let by_panic = imports.safe_unwind_function::<Divide>("panicking", panicking);
    measure(
        criterion,
        "may panic, without a handler",
        5,
        &imports,
        |body, args| body.call(&by_panic, args),
    );
    measure(criterion, "status", 5, &imports, |body, args| {
        let [status, quotient, remainder] = body.call(&by_status, args)?;
        let (fails, goes_on) = (body.create_block(), body.create_block());
        body.ins().brif(status, fails, &[], goes_on, &[]);
        body.switch_to_block(fails);
        body.ins().trap(TrapCode::unwrap_user(1));
        body.switch_to_block(goes_on);
        Ok([quotient, remainder])
    });
    for (name, by) in [("may panic, with a handler", 5), ("panics", 0)] {
        measure(criterion, name, by, &imports, |body, args| {
            let handler = body.create_block();
            let exception = body.append_block_param(handler, types::I64);
            let pool = &mut body.func.dfg.value_lists;
            let target = BlockCall::new(handler, [BlockArg::TryCallExn(0)], pool);
            let item = ExceptionTableItem::Tag(ExceptionTag::from_u32(CLEANUP_TAG), target);
            let results = body.try_call(&by_panic, args, [item])?;
            body.return_(results)?;
            body.switch_to_block(handler);
            let resume = Function::<fn(*mut Exception)>::import(body.module(), "_Unwind_Resume")?;
            body.call(&resume, [exception])?;
            body.ins().trap(TrapCode::unwrap_user(1));
            let unreachable = body.create_block();
            body.switch_to_block(unreachable);
            Ok([args[1], args[2]])
        });
    }
}

criterion_group!(benches, host_errors);
criterion_main!(benches);
