//! What cannot be checked when the program is compiled is refused with a sentence.

mod common;

use common::{isa, module};
use cranelift_codegen::ir::{AbiParam, InstBuilder, Signature, types};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Linkage, Module, default_libcall_names};
use multi_out::{BackEnd, Code, Compiled, Error, Function, Imports};

fn assert_says(error: Error, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

type Identity = fn(i32) -> i32;

/// A module with `f`, which returns its argument.
fn identity() -> (JITModule, Function<Identity>) {
    let mut module = module(&Imports::new());
    let f = Function::<Identity>::export(&mut module, "f").unwrap();
    f.define(&mut module, |_, [x]| Ok([x])).unwrap();
    (module, f)
}

#[test]
fn the_wrong_signature_is_refused_with_both() {
    let (mut module, _) = identity();
    let error = Function::<fn(i64) -> (i32, i32)>::export(&mut module, "f").unwrap_err();
    assert_says(
        error,
        &[
            "`f` is declared as `(i32) -> i32 ",
            "`fn(i64) -> (i32, i32)` is `(i64",
        ],
    );
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_missing_extension_is_a_wrong_signature() {
    let mut module = module(&Imports::new());
    let mut signature = Signature::new(module.isa().default_call_conv());
    signature.params.push(AbiParam::new(types::I8));
    module
        .declare_function("f", Linkage::Export, &signature)
        .unwrap();
    let error = Function::<fn(i8)>::export(&mut module, "f").unwrap_err();
    assert_says(error, &["(i8) ", "(i8 sext) "]);
}

#[test]
fn a_function_without_code_is_not_called() {
    let mut module = module(&Imports::new());
    let declared = Function::<fn(i32)>::export(&mut module, "declared").unwrap();
    let imported = Function::<fn(i32)>::import(&mut module, "imported").unwrap();
    let code = Code::finalize(module).unwrap();
    for function in [&declared, &imported] {
        // SAFETY: it is not called.
        let error = unsafe { code.get(function) }.unwrap_err();
        assert!(matches!(error, Error::NotDefined { .. }), "{error}");
    }
}

#[test]
fn functions_of_other_modules_are_refused() {
    let mut other = module(&Imports::new());
    let first = Function::<fn()>::export(&mut other, "first").unwrap();
    let (mut module, f) = identity();
    assert_eq!(first.id(), f.id());
    let g = Function::<fn()>::export(&mut module, "g").unwrap();
    let error = g
        .define(&mut module, |body, []| body.call(&first, []))
        .unwrap_err();
    assert_says(error, &["`first` is of another module", "declare it here"]);
    let mut empty = common::module(&Imports::new());
    let error = f.define(&mut empty, |_, [x]| Ok([x])).unwrap_err();
    assert_says(error, &["`f` is of another module"]);

    let mut other = common::module(&Imports::new());
    let same_type = Function::<Identity>::export(&mut other, "same_type").unwrap();
    let code = Code::finalize(module).unwrap();
    // SAFETY: it is not called.
    let error = unsafe { code.get(&same_type) }.unwrap_err();
    assert_says(error, &["`same_type` is of another module"]);
}

#[test]
fn a_body_does_not_change_what_it_is_of() {
    let (mut module, _) = identity();
    let g = Function::<Identity>::export(&mut module, "g").unwrap();
    let error = g.define(&mut module, |body, [x]| {
        body.func.signature.params[0] = AbiParam::new(types::I64);
        Ok([x])
    });
    let error = error.unwrap_err();
    assert!(matches!(error, Error::WrongSignature { .. }), "{error}");
    let (mut other, _) = identity();
    Function::<fn(i64)>::export(&mut other, "h").unwrap();
    let error = g.define(&mut module, |body, [x]| {
        std::mem::swap(body.module(), &mut other);
        Ok([x])
    });
    let error = error.unwrap_err();
    assert!(matches!(error, Error::OtherModule { .. }), "{error}");

    // To call a function of another module, and back.
    let (mut module, _) = identity();
    let g = Function::<Identity>::export(&mut module, "g").unwrap();
    let (mut other, _) = identity();
    let h = Function::<fn()>::export(&mut other, "h").unwrap();
    let error = g.define(&mut module, |body, [x]| {
        std::mem::swap(body.module(), &mut other);
        body.call(&h, [])?;
        std::mem::swap(body.module(), &mut other);
        Ok([x])
    });
    assert_says(error.unwrap_err(), &["`h` is of another module"]);
}

#[test]
fn code_is_called_on_other_threads() {
    let (module, f) = identity();
    let code = std::sync::Arc::new(Code::finalize(module).unwrap());
    // SAFETY: it returns its argument.
    let f = unsafe { Compiled::new(code.clone(), &f) }.unwrap();
    std::thread::scope(|scope| {
        let threads = [1, 2, 3].map(|x| {
            scope.spawn({
                let f = &f;
                move || f.call(x)
            })
        });
        assert_eq!(threads.map(|thread| thread.join().unwrap()), [1, 2, 3]);
    });
}

#[test]
fn the_code_of_a_preemptible_function_is_not_taken() {
    let mut module = module(&Imports::new());
    let f = Function::<Identity>::declare(&mut module, "f", Linkage::Preemptible).unwrap();
    let code = Code::finalize(module).unwrap();
    // SAFETY: it is not called.
    let error = unsafe { code.get(&f) }.unwrap_err();
    assert_says(error, &["`f` may be another's", "Linkage::Export"]);
}

#[test]
fn a_missing_symbol_is_named() {
    let mut module = module(&Imports::new());
    let missing = Function::<fn()>::import(&mut module, "no_such_symbol").unwrap();
    let f = Function::<fn()>::export(&mut module, "f").unwrap();
    f.define(&mut module, |body, []| body.call(&missing, []))
        .unwrap();
    assert_says(
        Code::finalize(module).unwrap_err(),
        &["no_such_symbol", "add it to the imports"],
    );
}

#[test]
fn two_imports_of_one_name_are_refused() {
    extern "C" fn f() {}
    let mut imports = Imports::new();
    imports.function::<fn()>("f", f);
    imports.function::<fn()>("f", f);
    let mut builder = JITBuilder::with_isa(isa(), default_libcall_names());
    assert_says(
        imports.add_to(&mut builder).unwrap_err(),
        &["two imports are called `f`"],
    );
}

#[test]
fn one_name_has_one_signature() {
    let mut module = module(&Imports::new());
    Function::<fn(i32)>::import(&mut module, "f").unwrap();
    let error = Function::<fn(i64)>::import(&mut module, "f").unwrap_err();
    assert!(matches!(error, Error::WrongSignature { .. }), "{error}");
    module
        .declare_data("g", Linkage::Export, false, false)
        .unwrap();
    let error = Function::<fn(i64)>::import(&mut module, "g").unwrap_err();
    assert!(matches!(error, Error::Module(_)), "{error}");
}

/// Without the fork they are memory to Cranelift, whose types it does not know.
#[test]
#[cfg(feature = "fork")]
fn one_name_has_one_list_of_results() {
    let mut module = module(&Imports::new());
    Function::<fn() -> (i64, i64)>::import(&mut module, "f").unwrap();
    let error = Function::<fn() -> (i8, i8)>::import(&mut module, "f").unwrap_err();
    assert!(matches!(error, Error::WrongSignature { .. }), "{error}");
}

#[test]
fn a_wrong_type_in_a_body_is_refused() {
    let mut module = module(&Imports::new());
    let f = Function::<fn(i64) -> (i32, i64)>::export(&mut module, "f").unwrap();
    let error = f.define(&mut module, |_, [x]| Ok([x, x])).unwrap_err();
    assert_says(error, &["result 0 of a body is i64", "it is i32"]);
    let g = Function::<fn(i64)>::export(&mut module, "g").unwrap();
    let error = f.define(&mut module, |body, [x]| {
        let narrow = body.ins().ireduce(types::I32, x);
        body.call(&g, [narrow])?;
        Ok([narrow, x])
    });
    assert_says(
        error.unwrap_err(),
        &["arg 0 (v", "has type i32, expected i64"],
    );
}

#[test]
#[cfg(target_arch = "x86_64")]
fn what_stock_cranelift_passes_otherwise_is_refused() {
    type Straddles = fn(i64, i64, i64, i64, i64, i128, i64);
    let stock = BackEnd::ExplicitPointer;
    let error = stock.signature::<Straddles>(&*isa()).unwrap_err();
    assert_says(error, &["i128", "last register", "x86_64"]);
    // As nothing follows that would take the register, or as it fits.
    assert!(
        stock
            .signature::<fn(i64, i64, i64, i64, i64, i128, f64)>(&*isa())
            .is_ok()
    );
    assert!(
        stock
            .signature::<fn(i64, i64, i64, i64, i128, i64)>(&*isa())
            .is_ok()
    );
    let plain = JITModule::new(JITBuilder::new(default_libcall_names()).unwrap());
    let error = stock.signature::<fn(i128)>(plain.isa()).unwrap_err();
    assert_says(error, &["enable_llvm_abi_extensions"]);
}

#[test]
fn code_is_freed_with_its_last_function() {
    let (module, f) = identity();
    let code = std::rc::Rc::new(Code::finalize(module).unwrap());
    // SAFETY: it returns its argument.
    let f = unsafe { Compiled::new(code.clone(), &f) }.unwrap();
    let weak = std::rc::Rc::downgrade(&code);
    drop(code);
    assert_eq!(f.call(7), 7);
    drop(f);
    assert!(weak.upgrade().is_none());
}

#[test]
fn one_function_may_be_called_as_two_types() {
    type Several = fn(i32) -> (i32, i32);
    type Pointer = fn(*mut u8, i32);
    let stock = BackEnd::ExplicitPointer;
    let mut module = module(&Imports::new());
    let several =
        Function::<Several>::declare_with(stock, &mut module, "f", Linkage::Export).unwrap();
    several.define(&mut module, |_, [x]| Ok([x, x])).unwrap();
    let pointer =
        Function::<Pointer>::declare_with(stock, &mut module, "f", Linkage::Export).unwrap();
    assert_eq!(several.id(), pointer.id());
    let g = Function::<fn(*mut u8, i32) -> i32>::export(&mut module, "g").unwrap();
    g.define(&mut module, |body, [out, x]| {
        let [one, two] = body.call(&several, [x])?;
        body.call(&pointer, [out, x])?;
        Ok([body.ins().iadd(one, two)])
    })
    .unwrap();
    let code = Code::finalize(module).unwrap();
    // SAFETY: `f` writes two numbers through its pointer, which is one to two numbers below.
    let g = unsafe { code.get(&g) }.unwrap();
    let mut out = [0; 2];
    assert_eq!(g.call(out.as_mut_ptr().cast(), 21), 42);
    assert_eq!(out, [21, 21]);
}

#[test]
fn several_blocks_return() {
    let mut module = module(&Imports::new());
    let f = Function::<fn(i32) -> (i32, u8)>::export(&mut module, "f").unwrap();
    f.define(&mut module, |body, [x]| {
        let (zero, other) = (body.create_block(), body.create_block());
        body.ins().brif(x, other, &[], zero, &[]);
        body.switch_to_block(zero);
        let one = body.ins().iconst(types::I8, 1);
        body.return_([x, one])?;
        body.switch_to_block(other);
        let zero = body.ins().iconst(types::I8, 0);
        let minus = body.ins().ineg(x);
        Ok([minus, zero])
    })
    .unwrap();
    let code = Code::finalize(module).unwrap();
    // SAFETY: it calculates with numbers.
    let f = unsafe { code.get(&f) }.unwrap();
    assert_eq!(f.call(0), (0, 1));
    assert_eq!(f.call(5), (-5, 0));
}

#[test]
fn a_body_ends_in_a_block_that_goes_on() {
    let mut module = module(&Imports::new());
    let f = Function::<Identity>::export(&mut module, "f").unwrap();
    let error = f.define(&mut module, |body, [x]| {
        let block = body.create_block();
        body.ins().jump(block, &[]);
        Ok([x])
    });
    assert_says(error.unwrap_err(), &["block0", "ends before", "switch to"]);
    f.define(&mut module, |_, [x]| Ok([x])).unwrap();
}
