//! `clif-util abi`: what it prints, that it is what compiled code does, and that C and Rust compilers
//! agree with the declarations.
//!
//! The compilers judge sizes, alignments and offsets, for every `system_v_multi_out` signature of the
//! repository's filetests on every target that has C. Registers are compared with compiled code for a
//! few signatures; calls between C and compiled code are the campaign's business.

#[path = "../common/mod.rs"]
mod common;
mod compilers;
mod places;

use common::run_in;
use cranelift_codegen::ir::Signature;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_reader::{OwnedFlagsOrIsa, parse_functions, parse_sets_and_triple};
use filetests::abi::{self, Section, c, rust};
use std::fs;
use std::path::Path;

// The program's output.

#[test]
fn text_is_as_recorded() {
    compare("text", "signatures.txt", &[]);
}

#[test]
fn c_is_as_recorded() {
    compare("c", "signatures.h", &["signatures.clif:34", "%vectors"]);
}

#[test]
fn rust_is_as_recorded() {
    compare("rust", "signatures.rs", &["stable Rust has no type f16"]);
}

#[test]
fn functions_of_one_signature_have_types_of_their_own_names() {
    let source = "target x86_64
        function %f(i32) -> i32, f64 system_v_multi_out {
            sig0 = (i8) -> i8, i64 system_v_multi_out
            fn0 = %host sig0
        block0(v0: i32):
            trap user1
        }
        function %g(i32) -> i32, f64 system_v_multi_out {
        block0(v0: i32):
            trap user1
        }";
    let declared = |lang| {
        let output = run_in(Path::new("."), &["abi", "--lang", lang, "-"], source);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let (c, rust) = (declared("c"), declared("rust"));
    let parts = [
        (&c, "struct f_out {"),
        (&c, "\n#define g_out f_out\ntypedef f_fn g_fn;\n"),
        (&c, "struct host_out {"),
        (&rust, "pub struct FOut {"),
        (&rust, "pub type GOut = FOut;"),
        (&rust, "pub type GFn = FFn;"),
        (&rust, "pub struct HostOut {"),
    ];
    for (text, part) in parts {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
}

/// Compares the output with a file, and looks for parts of the error stream.
fn compare(lang: &str, recorded: &str, complaints: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/abi.d");
    let arguments = ["abi", "--lang", lang, "signatures.clif"];
    let output = run_in(&folder, &arguments, "");
    let found = String::from_utf8(output.stdout).unwrap();
    let wanted = fs::read_to_string(folder.join(recorded)).unwrap();
    // Pulley has no i128 among several results, and neither C nor Rust.
    assert_eq!(output.status.code(), Some(1));
    assert!(
        found == wanted,
        "{recorded} differs; read and accept the difference with\n  \
         cd filetests/tests/abi.d && cargo clif-util {} > {recorded}; git diff .",
        arguments.join(" ")
    );
    let errors = String::from_utf8(output.stderr).unwrap();
    for complaint in complaints {
        assert!(errors.contains(complaint), "no `{complaint}` in: {errors}");
    }
}

#[test]
fn the_example_of_the_help_is_true() {
    let help = run_in(Path::new("."), &["abi", "--help"], "");
    let help = String::from_utf8(help.stdout).unwrap();
    let source = "function %f(i64 vmctx, i32) -> i32, f64 system_v_multi_out {\n\
                  block0(v0: i64, v1: i32): trap user1\n}\n";
    let output = run_in(Path::new("."), &["abi", "--target", "x86_64", "-"], source);
    assert!(output.status.success(), "{output:?}");
    let shown = String::from_utf8(output.stdout).unwrap();
    let shown = shown.replace("<stdin>", "functions.clif");
    for line in shown.lines() {
        assert!(help.contains(line), "no `{line}` in: {help}");
    }
}

#[test]
fn a_target_is_needed_and_its_flags_count() {
    let source = "function %f(i32x4) -> i32x4, i8 system_v_multi_out {\n\
                  block0(v0: i32x4): trap user1\n}\n";
    let here = Path::new(".");
    let output = run_in(here, &["abi", "-"], source);
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("give one with --target"), "{errors}");
    let source = source.replace("(i32x4)", "()").replace("v0: i32x4", "");
    for (target, status) in [("riscv64", 1), ("riscv64 has_v", 0)] {
        let output = run_in(here, &["abi", "--target", target, "-"], &source);
        assert_eq!(output.status.code(), Some(status), "{output:?}");
    }
}

#[test]
fn a_context_that_is_no_pointer_is_none_in_c() {
    let source = "function %f(f64 vmctx, i64 vmctx, i32 vmctx) system_v {\n\
                  block0(v0: f64, v1: i64, v2: i32): trap user1\n}\n";
    for (lang, params) in [
        ("c", "(double vmctx, void *vmctx2, int32_t vmctx3)"),
        (
            "rust",
            "(vmctx: f64, vmctx2: *mut core::ffi::c_void, vmctx3: i32)",
        ),
    ] {
        let arguments = ["abi", "--lang", lang, "--target", "x86_64", "-"];
        let output = run_in(Path::new("."), &arguments, source);
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.contains(params), "{shown}");
    }
}

#[test]
fn a_panic_of_the_backend_is_an_error_of_the_signature() {
    let source = "target x86_64\n\n\
                  function %f(i128) system_v {\nblock0(v0: i128): trap user1\n}\n\n\
                  function %g(i64) system_v {\nblock0(v0: i64): trap user1\n}\n";
    let source = format!("test compile\n{source}");
    let output = run_in(Path::new("."), &["abi", "-"], &source);
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        shown.contains("error: the backend panicked: i128 args"),
        "{shown}"
    );
    assert!(shown.contains("a0  i64  rdi"), "{shown}");
    assert_eq!(output.stderr, b"");
}

#[test]
fn what_c_does_not_have_is_refused_with_the_reason() {
    for (target, signature, reason) in [
        (
            "x86_64",
            "(i32) -> i32, i32 system_v",
            "no function with 2 results",
        ),
        (
            "x86_64",
            "(i32) tail",
            "C has no `tail` convention on x86_64",
        ),
        (
            "x86_64",
            "(i64 sarg(16)) system_v",
            "16 bytes, which C passes in registers",
        ),
        (
            "x86_64",
            "(i128) -> i128 system_v",
            "the backend panicked: i128",
        ),
        (
            "x86_64",
            "(i8x4) system_v",
            "`system_v` and C disagree: Unsupported",
        ),
        ("x86_64", "(i8x32) system_v", "i8x32"),
        (
            "x86_64-pc-windows-msvc",
            "(i32) system_v_multi_out",
            "no `system_v_multi_out`",
        ),
        (
            "x86_64-pc-windows-msvc",
            "(f32x2) windows_fastcall",
            "type f32x2",
        ),
        (
            "x86_64-pc-windows-msvc",
            "() -> i8, i8 windows_fastcall",
            "those of `windows_fastcall_multi_out`",
        ),
        (
            "x86_64",
            "() -> i8, i8 windows_fastcall",
            "those of `windows_fastcall_multi_out`",
        ),
        (
            "aarch64-apple-darwin",
            "(i64, i64, i64, i64, i64, i64, i64, i64, i8 sext) apple_aarch64",
            "a8 is wider than C has it in [sp + 0]",
        ),
        (
            "aarch64",
            "(i32) apple_aarch64_multi_out",
            "no `apple_aarch64_multi_out`",
        ),
        ("aarch64", "(i64 sret) system_v", "x8"),
        (
            "aarch64",
            "(i64, i64, i64, i64, i64, i64, i64, i128, i64) system_v",
            "a8 is in x7, where C has it in [sp + 16]",
        ),
        (
            "riscv64",
            "(f32, f32, f32, f32, f32, f32, f32, f32, f32) system_v",
            "cannot pass a parameter of type f32 where C does",
        ),
        ("riscv64 has_v", "(i8x16) system_v", "i8x16"),
        (
            "s390x",
            "(i8x16, i8x16) system_v",
            "a1 is in v25, where C has it in v26",
        ),
        (
            "pulley64",
            "(i32) system_v",
            "there is no compiler for pulley64",
        ),
    ] {
        let refusal = c::Section::check(&*isa(target), &parse(signature));
        let refusal = refusal.expect_err(signature).to_string();
        assert!(
            refusal.contains(reason),
            "{signature} on {target}: {refusal}"
        );
    }
}

#[test]
fn what_rust_does_not_have_is_refused_with_the_reason() {
    for (target, signature, reason) in [
        ("x86_64", "(f16) system_v", "stable Rust has no type f16"),
        (
            "x86_64",
            "() -> f128, i8 system_v_multi_out",
            "stable Rust has no type f128",
        ),
        (
            "x86_64",
            "() -> i8x8, i8 system_v_multi_out",
            "no type i8x8 on this target",
        ),
        ("s390x", "(i8x16) system_v", "no type i8x16 on this target"),
        (
            "aarch64",
            "() -> f16x8, i8 system_v_multi_out",
            "no type f16x8",
        ),
    ] {
        assert_eq!(c::Section::check(&*isa(target), &parse(signature)), Ok(()));
        let refusal = rust::Section::check(&*isa(target), &parse(signature));
        let refusal = refusal.expect_err(signature).to_string();
        assert!(
            refusal.contains(reason),
            "{signature} on {target}: {refusal}"
        );
    }
}

#[test]
fn integers_that_c_expects_extended_are_noted() {
    for (target, signature, notes) in [
        (
            "riscv64",
            "(i32, i32 uext, i32 sext, i16 uext) -> i8 system_v",
            3,
        ),
        ("riscv64", "(i64) -> i8, i8 system_v_multi_out", 0),
        ("s390x", "(i32, i32 uext) -> i8 sext system_v", 1),
        ("x86_64", "(i32, i8, i16 sext) -> i8 system_v", 1),
        ("aarch64", "(i32, i8) -> i8 system_v", 0),
    ] {
        let found = abi::check_c(&*isa(target), &parse(signature))
            .unwrap()
            .notes;
        assert_eq!(found.len(), notes, "{signature} on {target}: {found:?}");
    }
}

fn isa(target: &str) -> OwnedTargetIsa {
    match parse_sets_and_triple(&[], target) {
        Ok(OwnedFlagsOrIsa::Isa(isa)) => isa,
        _ => panic!("no target {target}"),
    }
}

fn parse(signature: &str) -> Signature {
    let functions = parse_functions(&format!("function %f{signature} {{}}")).unwrap();
    functions[0].signature.clone()
}
