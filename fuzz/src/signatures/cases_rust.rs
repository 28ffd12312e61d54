//! The same as [`super::cases_c`] in Rust, where it calls C's side "C" too.

use super::case::Case;
use super::cases_c::{is_small, small_params};
use cranelift_codegen::ir::{AbiParam, ArgumentExtension};
use cranelift_codegen::isa::TargetIsa;
use filetests::abi::Refusal;
use filetests::abi::rust::Declaration;
use std::fmt::Write;

/// Keep in sync with runtime.h.
const PRELUDE: &str = r#"#![no_std]
#![allow(dead_code, improper_ctypes, improper_ctypes_definitions, non_upper_case_globals)]

use core::ptr;

#[repr(C, align(16))]
struct Slot { before: [u8; 16], value: [u8; 16] }

#[repr(C)]
struct Value { offset: u32, size: u32, is_small: u32, is_signed: u32 }

#[repr(C)]
pub struct Test {
    call: unsafe extern "C" fn(*mut u8),
    caller: unsafe extern "C" fn(),
    params: *const Value,
    results: *const Value,
    param_count: u32,
    result_count: u32,
    out_size: u32,
}
unsafe impl Sync for Test {}

unsafe extern "C" {
    static mut clif_args: [Slot; 128];
    static mut clif_seen: [Slot; 128];
    static mut clif_results: [Slot; 128];
    static mut clif_got: [Slot; 128];
    static mut clif_wide: [i64; 128];
    static mut clif_calls: u32;
    static mut clif_misalignment: usize;
}

unsafe fn load<T>(array: *mut [Slot; 128], n: usize) -> T {
    unsafe { ptr::read_unaligned((&raw const (*array)[n].value).cast()) }
}

unsafe fn store<T>(array: *mut [Slot; 128], n: usize, value: T) {
    unsafe { ptr::write_unaligned((&raw mut (*array)[n].value).cast(), value) }
}
"#;

/// The Rust file for some cases.
///
/// # Errors
///
/// If Rust cannot say one of the signatures.
pub fn write(isa: &dyn TargetIsa, cases: &[Case]) -> Result<String, Refusal> {
    let mut text = PRELUDE.to_owned();
    let mut tests = String::new();
    for case in cases {
        let declaration = declaration(isa, case)?;
        let number = case.number;
        let _ = write!(text, "\n// {}\n", case.signature);
        text.push_str(&declaration.structs());
        text.push_str(&declaration.pointer_type(&format!("Case{number}Fn")));
        let _ = writeln!(
            text,
            "unsafe extern \"C\" {{ fn clif_caller_{number}(); fn clif_callee_{number}(); }}"
        );
        callee(&mut text, case, &declaration);
        call(&mut text, case, &declaration);
        tables(&mut text, case, &declaration);
        let (params, results) = (case.signature.params.len(), case.signature.returns.len());
        let size = match &declaration.out {
            Some(out) => format!("size_of::<{}>() as u32", out.name),
            None => "0".to_owned(),
        };
        let _ = writeln!(
            tests,
            "    Test {{ call: call_{number}, caller: clif_caller_{number}, \
             params: &raw const PARAMS_{number} as _, results: &raw const RESULTS_{number} as _, \
             param_count: {params}, result_count: {results}, out_size: {size} }},"
        );
    }
    let count = cases.len();
    let _ = writeln!(
        text,
        "\n#[unsafe(no_mangle)]\npub static clif_tests: [Test; {count}] = [\n{tests}];\n\
         #[unsafe(no_mangle)]\npub static clif_test_count: u32 = {count};"
    );
    Ok(text)
}

/// How Rust says the signature of a case.
///
/// # Errors
///
/// If it cannot.
pub fn declaration(isa: &dyn TargetIsa, case: &Case) -> Result<Declaration, Refusal> {
    Declaration::new(isa, &case.signature, &format!("Case{}", case.number))
}

fn own_params(declaration: &Declaration) -> &[(String, String)] {
    &declaration.params[usize::from(declaration.out.is_some())..]
}

fn callee(text: &mut String, case: &Case, declaration: &Declaration) {
    let _ = writeln!(
        text,
        "#[unsafe(no_mangle)]\npub unsafe extern \"{}\" fn c_callee_{}{} {{ unsafe {{\n    clif_calls += 1;",
        declaration.abi,
        case.number,
        declaration.prototype()
    );
    let params = own_params(declaration);
    for n in small_params(&case.signature) {
        let _ = writeln!(text, "    clif_wide[{n}] = {} as i64;", params[n].1);
    }
    for (n, (_, name)) in params.iter().enumerate() {
        let _ = writeln!(text, "    store(&raw mut clif_seen, {n}, {name});");
    }
    if let Some(out) = &declaration.out {
        let _ = writeln!(
            text,
            "    clif_misalignment = out as usize % align_of::<{}>();",
            out.name
        );
        text.push_str("    ptr::write_bytes(out, 0x5a, 1);\n");
        for n in 0..out.fields.len() {
            let _ = writeln!(text, "    (*out).r{n} = load(&raw mut clif_results, {n});");
        }
    } else if declaration.result.is_some() {
        text.push_str("    load(&raw mut clif_results, 0)\n");
    }
    text.push_str("}}\n");
}

fn call(text: &mut String, case: &Case, declaration: &Declaration) {
    let number = case.number;
    let _ = writeln!(
        text,
        "unsafe extern \"C\" fn call_{number}(memory: *mut u8) {{ unsafe {{\n    \
         let callee: Case{number}Fn = core::mem::transmute(clif_callee_{number} as unsafe extern \"C\" fn());"
    );
    let mut args = Vec::new();
    if declaration.out.is_some() {
        args.push("memory.cast()".to_owned());
    }
    for n in 0..own_params(declaration).len() {
        args.push(format!("load(&raw mut clif_args, {n})"));
    }
    let _ = writeln!(text, "    let result = callee({});", args.join(", "));
    if declaration.result.is_some() {
        if is_small(&case.signature.returns[0]) {
            text.push_str("    clif_wide[0] = result as i64;\n");
        }
        text.push_str("    store(&raw mut clif_got, 0, result);\n");
    }
    text.push_str("}}\n");
}

fn tables(text: &mut String, case: &Case, declaration: &Declaration) {
    let number = case.number;
    let value = |offset: &str, ty: &str, param: &AbiParam| {
        let is_signed = param.extension != ArgumentExtension::Uext;
        let (is_small, is_signed) = (u8::from(is_small(param)), u8::from(is_signed));
        format!(
            " Value {{ offset: {offset}, size: size_of::<{ty}>() as u32, \
             is_small: {is_small}, is_signed: {is_signed} }},"
        )
    };
    let mut table = |name: &str, values: Vec<String>| {
        let count = values.len();
        let _ = writeln!(
            text,
            "static {name}_{number}: [Value; {count}] = [{}];",
            values.concat()
        );
    };
    let params = own_params(declaration).iter().zip(&case.signature.params);
    table(
        "PARAMS",
        params
            .map(|((ty, _), param)| value("0", ty, param))
            .collect(),
    );
    let results = case.signature.returns.iter().enumerate();
    let results = results.map(
        |(n, result)| match (&declaration.out, &declaration.result) {
            (Some(out), _) => {
                let offset = format!("core::mem::offset_of!({}, r{n}) as u32", out.name);
                value(&offset, &out.fields[n], result)
            }
            (None, ty) => value("0", ty.as_deref().unwrap_or("u8"), result),
        },
    );
    table("RESULTS", results.collect());
}
