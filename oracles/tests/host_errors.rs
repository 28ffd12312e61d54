//! How a host function of `multi-out` fails: by a status among its results, or by a panic that passes compiled code, which
//! may clean up by `try_call`.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use anyhow::Result;
use cranelift_codegen::Context;
use cranelift_codegen::ir::{
    BlockArg, BlockCall, ExceptionTableItem, ExceptionTag, InstBuilder, TrapCode, condcodes::IntCC,
    types,
};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Linkage, Module, default_libcall_names};
use multi_out::{BackEnd, Code, Compiled, Function, Imports, Out, Results, Vmctx};
use oracles::calls::define::Defined;
use oracles::unwinding::eh_frame::{CLEANUP_TAG, Registered};
use oracles::unwinding::unwinder::{_Unwind_Resume, Exception};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The status first, or else nobody would look at it.
#[derive(Results, Debug, PartialEq)]
#[repr(C)]
struct Checked {
    failed: u8,
    quotient: i64,
    remainder: i64,
}

#[derive(Results, Debug, PartialEq)]
#[repr(C)]
struct DivRem(i64, i64);

extern "C" fn checked(out: Out<'_, Checked>, a: i64, b: i64) {
    out.write(match (a.checked_div(b), a.checked_rem(b)) {
        (Some(quotient), Some(remainder)) => Checked {
            failed: 0,
            quotient,
            remainder,
        },
        _ => Checked {
            failed: 1,
            quotient: 0,
            remainder: 0,
        },
    });
}

/// Counts clean-ups in its context.
extern "C-unwind" fn panicking(out: Out<'_, DivRem>, _: &mut u32, a: i64, b: i64) {
    if b == 0 {
        resume_unwind(Box::new("division by zero"));
    }
    out.write(DivRem(a / b, a % b));
}

extern "C" fn clean_up(vmctx: &mut u32) {
    *vmctx += 1;
}

type Divide = fn(Vmctx<u32>, i64, i64) -> DivRem;

/// Registered first, and so dropped first.
struct Divider {
    _registered: Registered,
    divide: Compiled<Divide, std::rc::Rc<Code>>,
}

/// `panicking` called by compiled code, with a handler that calls `clean_up` and goes on unwinding, or without one.
fn compile(back_end: BackEnd, cleans_up: bool) -> Result<Divider> {
    let mut imports = Imports::new();
    imports.safe_unwind_function::<Divide>("panicking", panicking);
    let clean_up = imports.safe_function::<fn(Vmctx<u32>)>("clean_up", clean_up);
    let mut builder = JITBuilder::new(default_libcall_names())?;
    imports.add_to(&mut builder)?;
    builder.symbol("_Unwind_Resume", _Unwind_Resume as *const u8);
    let mut module = JITModule::new(builder);
    let host =
        Function::<Divide>::declare_with(back_end, &mut module, "panicking", Linkage::Import)?;
    let resume = Function::<fn(*mut Exception)>::import(&mut module, "_Unwind_Resume")?;
    let divide =
        Function::<Divide>::declare_with(back_end, &mut module, "divide", Linkage::Export)?;
    let mut context = Context::new();
    divide.define_in(&mut context, &mut module, |body, args| {
        if !cleans_up {
            return body.call(&host, args);
        }
        let handler = body.create_block();
        let exception = body.append_block_param(handler, types::I64);
        let pool = &mut body.func.dfg.value_lists;
        let target = BlockCall::new(handler, [BlockArg::TryCallExn(0)], pool);
        let item = ExceptionTableItem::Tag(ExceptionTag::from_u32(CLEANUP_TAG), target);
        let results = body.try_call(&host, args, [item])?;
        body.return_(results)?;
        body.switch_to_block(handler);
        body.call(&clean_up, [args[0]])?;
        body.call(&resume, [exception])?;
        body.ins().trap(TrapCode::unwrap_user(1));
        let unreachable = body.create_block();
        body.switch_to_block(unreachable);
        Ok([args[1], args[2]])
    })?;
    let defined = Defined::of(divide.id(), &context, module.isa())?;
    let code = std::rc::Rc::new(Code::finalize(module)?);
    // SAFETY: it calls the functions above, with its own context.
    let divide = unsafe { Compiled::new(code.clone(), &divide) }?;
    // SAFETY: `divide` keeps the code alive, and is dropped after this.
    let _registered = unsafe { Registered::at(code.isa(), &[(&defined, divide.address())]) }?;
    Ok(Divider {
        _registered,
        divide,
    })
}

#[test]
fn a_panic_passes_compiled_code() -> Result<()> {
    for &back_end in BackEnd::ALL {
        for cleans_up in [false, true] {
            let divider = compile(back_end, cleans_up)?;
            let mut vmctx = 0;
            assert_eq!(divider.divide.call(&mut vmctx, 17, 5), DivRem(3, 2));
            assert_eq!(vmctx, 0);
            let divide = AssertUnwindSafe(|| divider.divide.call(&mut vmctx, 17, 0));
            let panic = catch_unwind(divide).unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&"division by zero"));
            assert_eq!(vmctx, u32::from(cleans_up), "{back_end:?}");
        }
    }
    Ok(())
}

#[test]
fn a_status_is_a_result() -> Result<()> {
    let mut imports = Imports::new();
    let checked = imports.safe_function::<fn(i64, i64) -> Checked>("checked", checked);
    let mut builder = JITBuilder::new(default_libcall_names())?;
    imports.add_to(&mut builder)?;
    let mut module = JITModule::new(builder);
    // The quotient, or -1.
    let divide = Function::<fn(i64, i64) -> i64>::export(&mut module, "divide")?;
    divide.define(&mut module, |body, args| {
        let [failed, quotient, _] = body.call(&checked, args)?;
        let is_right = body.ins().icmp_imm_u(IntCC::Equal, failed, 0);
        let minus_one = body.ins().iconst(types::I64, -1);
        Ok([body.ins().select(is_right, quotient, minus_one)])
    })?;
    let code = Code::finalize(module)?;
    // SAFETY: it calls `checked`, which is safe.
    let divide = unsafe { code.get(&divide) }?;
    assert_eq!(divide.call(17, 5), 3);
    assert_eq!(divide.call(17, 0), -1);
    Ok(())
}
