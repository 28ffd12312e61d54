//! Code that was compiled with one back end calls code that was compiled with the other.
#![cfg(all(feature = "fork", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod common;

use common::isa;
use cranelift_codegen::ir::InstBuilder;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Linkage, default_libcall_names};
use multi_out::{BackEnd, Code, Function, Results, Vmctx};

#[derive(Results, Debug, PartialEq)]
#[repr(C)]
struct Mixed(i8, i128, f32, u16, f64);

#[rustfmt::skip]
type Signature = fn(Vmctx<u64>, i8, i128, f32, u16, f64, u64, u64, u64) -> Mixed;

#[test]
fn each_back_end_calls_the_other() {
    for (callers, callees) in [(0, 1), (1, 0)].map(|(a, b)| (BackEnd::ALL[a], BackEnd::ALL[b])) {
        let mut module = JITModule::new(JITBuilder::with_isa(isa(), default_libcall_names()));
        let callee =
            Function::<Signature>::declare_with(callees, &mut module, "callee", Linkage::Export);
        let callee = callee.unwrap();
        let body = |body: &mut multi_out::Body<'_, '_, _, _>,
                    [_, a, b, c, d, e, f, g, h]: [_; 9]| {
            let sum = body.ins().iadd(f, g);
            let sum = body.ins().iadd(sum, h);
            let sum = body.ins().uextend(cranelift_codegen::ir::types::I128, sum);
            let b = body.ins().iadd(b, sum);
            Ok([a, b, c, d, e])
        };
        callee.define(&mut module, body).unwrap();
        let callee_code = Code::finalize(module).unwrap();
        // SAFETY: it calculates with numbers.
        let callee = unsafe { callee_code.get(&callee) }.unwrap();

        let mut builder = JITBuilder::with_isa(isa(), default_libcall_names());
        builder.symbol("callee", callee.address());
        let mut module = JITModule::new(builder);
        let import =
            Function::<Signature>::declare_with(callers, &mut module, "callee", Linkage::Import);
        let import = import.unwrap();
        let caller =
            Function::<Signature>::declare_with(callers, &mut module, "caller", Linkage::Export);
        let caller = caller.unwrap();
        assert_ne!(callers, callees);
        caller
            .define(&mut module, |body, args| body.call(&import, args))
            .unwrap();
        let code = Code::finalize(module).unwrap();
        // SAFETY: it calls the function above, whose code is alive.
        let caller = unsafe { code.get(&caller) }.unwrap();
        let mut vmctx = 0;
        let args = (-7, i128::MIN, 0.5, 0xfedc, -1.25);
        let (a, b, c, d, e) = args;
        let got = caller.call(&mut vmctx, a, b, c, d, e, 1, 2, 39);
        assert_eq!(
            got,
            Mixed(a, b + 42, c, d, e),
            "{callers:?} calls {callees:?}"
        );
    }
}
