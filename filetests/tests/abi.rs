//! `clif-util abi`: what it prints, that it is what compiled code does, and that C and Rust compilers
//! agree with the declarations.
//!
//! The compilers judge sizes, alignments and offsets, for every `system_v_multi_out` signature of the
//! repository's filetests on every target that has C. Registers are compared with compiled code for a
//! few signatures; calls between C and compiled code are the campaign's business.

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{Signature, types};
use cranelift_codegen::isa::abi_locations::{AbiLocations, AbiPlace};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_reader::{
    OwnedFlagsOrIsa, ParseOptions, parse_functions, parse_sets_and_triple, parse_test,
};
use filetests::abi::{self, Refusal, Section, c, rust, text};
use filetests::disassemble::instructions;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use walkdir::WalkDir;

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

fn run_in(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_clif-util"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

// Conventions and refusals.

#[test]
fn every_convention_is_located_or_refused() {
    let conventions = [
        "fast",
        "tail",
        "system_v",
        "windows_fastcall",
        "apple_aarch64",
        "probestack",
        "winch",
        "preserve_all",
        "system_v_multi_out",
    ];
    let types = [
        "i8", "i16", "i32", "i64", "i128", "f16", "f32", "f64", "f128", "i8x2", "i8x4", "i8x8",
        "i8x16", "f16x8", "f64x2", "i8x32",
    ];
    let targets = [
        "x86_64",
        "aarch64",
        "riscv64 has_v",
        "s390x",
        "pulley32",
        "pulley64",
        "pulley64be",
        "x86_64-pc-windows-msvc",
        "aarch64-apple-darwin",
    ];
    let mut located = 0;
    for target in targets {
        let isa = isa(target);
        for convention in conventions {
            let mut text = String::new();
            for ty in types {
                let many = [ty; 20].join(", ");
                let few = [ty; 3].join(", ");
                let _ = write!(
                    text,
                    "function %a({many}) {convention} {{}}\n\
                     function %b({few}) -> {ty} {convention} {{}}\n\
                     function %c({few}) -> {few} {convention} {{}}\n"
                );
            }
            let special = ["i64 sret", "i64 vmctx, i64 sret", "i64 sarg(24)"];
            for params in special {
                let _ = write!(
                    text,
                    "function %d({params}) {convention} {{}}\n\
                     function %e({params}) -> i32 {convention} {{}}\n"
                );
            }
            let _ = writeln!(
                text,
                "function %two_sret(i64 sret, i64 sret) {convention} {{}}"
            );
            for func in parse_functions(&text).unwrap() {
                if let Ok(locations) = abi::locate(&*isa, &func.signature) {
                    located += 1;
                    // On aarch64 two `sret` parameters share x8.
                    if func.name.to_string() != "%two_sret" {
                        check_shape(&func.signature, &locations);
                    }
                    text::locations(&func.signature, &locations);
                }
                for result in [
                    c::Section::check(&*isa, &func.signature),
                    rust::Section::check(&*isa, &func.signature),
                ] {
                    if let Err(refusal) = result {
                        assert!(!refusal.to_string().is_empty());
                    }
                }
            }
        }
    }
    assert!(located > 2000, "only {located} signatures are possible");
}

/// Values have places of their own.
fn check_shape(signature: &Signature, locations: &AbiLocations) {
    assert_eq!(
        locations.params.len(),
        signature.params.len(),
        "{signature}"
    );
    for (list, pointer) in [
        (&locations.params, locations.return_pointer.as_ref()),
        (&locations.results, None),
    ] {
        let mut seen = HashSet::new();
        let parts = list.iter().flat_map(|location| location.parts());
        for part in parts.chain(pointer) {
            let place = format!("{:?}", part.place);
            assert!(seen.insert(place.clone()), "{place} twice: {signature}");
        }
    }
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
            "(f32x4) windows_fastcall",
            "type f32x4",
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

// Compiled code.

/// How code addresses the stack and an area.
struct Style {
    target: &'static str,
    /// Stores the second parameter of a caller among stack arguments.
    outgoing: fn(i64) -> String,
    /// Addresses a stack argument in a function with a frame pointer, by the offset at entry.
    incoming: fn(i64) -> String,
    /// Addresses a field.
    field: fn(&str, i64) -> String,
}

const STYLES: [Style; 5] = [
    Style {
        target: "x86_64",
        outgoing: |offset| format!("movq %rsi, {offset:#x}(%rsp)"),
        incoming: |offset| format!("{:#x}(%rbp)", offset + 8),
        field: |reg, offset| format!("{offset}(%{reg})"),
    },
    Style {
        target: "aarch64",
        outgoing: |offset| format!("stur x1, [sp, #{offset:#x}]"),
        incoming: |offset| format!("[sp, #{:#x}]", offset + 16),
        field: |reg, offset| format!("[{reg}, #{offset}]"),
    },
    Style {
        target: "riscv64",
        outgoing: |offset| format!("sd a1, {offset:#x}(sp)"),
        incoming: |offset| format!("{:#x}(sp)", offset + 16),
        field: |reg, offset| format!("{offset}({reg})"),
    },
    Style {
        target: "s390x",
        outgoing: |offset| format!("stg %r3, {offset:#x}(%r15)"),
        incoming: |offset| format!("{offset:#x}(%r15)"),
        field: |reg, offset| format!("{offset}(%{reg})"),
    },
    Style {
        target: "pulley64",
        outgoing: |offset| format!("xstore64le_o32 sp, {offset}, x1"),
        incoming: |offset| format!("sp, {}", offset + 16),
        field: |reg, offset| format!("{reg}, {offset},"),
    },
];

#[test]
fn stack_offsets_are_those_of_compiled_code() {
    const PARAMS: usize = 19;
    for style in &STYLES {
        let isa = isa(style.target);
        for (convention, result) in [
            ("system_v", "i64"),
            ("fast", "i64"),
            ("tail", "i64"),
            ("system_v_multi_out", "i64, i64"),
        ] {
            let params = ["i64"; PARAMS].join(", ");
            let values: Vec<_> = (0..PARAMS).map(|n| format!("v{n}: i64")).collect();
            let values = values.join(", ");
            let last = format!("v{}", PARAMS - 1);
            let (defs, returned) = match result {
                "i64" => ("v2", last),
                _ => ("v2, v3", format!("{last}, {last}")),
            };
            let arguments = ["v0"; PARAMS - 1].join(", ");
            let text = format!(
                "function %callee({params}) -> {result} {convention} {{\n\
                 block0({values}):\n return {returned}\n}}\n\
                 function %caller(i64, i64) -> i64 system_v {{\n\
                 sig0 = ({params}) -> {result} {convention}\n\
                 block0(v0: i64, v1: i64):\n\
                 {defs} = call_indirect sig0, v0({arguments}, v1)\n return v2\n}}\n"
            );
            let functions = parse_functions(&text).unwrap();
            let locations = abi::locate(&*isa, &functions[0].signature).unwrap();
            let place = &locations.params[PARAMS - 1].parts()[0].place;
            let AbiPlace::Stack { offset, size: 8 } = *place else {
                panic!("{place:?} on {}", style.target);
            };
            let entry = offset + i64::from(locations.entry_stack_shift);
            let [callee, caller] = [&functions[0], &functions[1]].map(|func| code(&isa, func));
            for (code, part) in [
                (callee, (style.incoming)(entry)),
                (caller, (style.outgoing)(offset)),
            ] {
                let target = style.target;
                assert!(
                    code.contains(&part),
                    "no `{part}` for {convention} on {target}:\n{code}"
                );
            }
        }
    }
}

#[test]
fn the_out_pointer_is_that_of_compiled_code() {
    for style in &STYLES {
        let isa = isa(style.target);
        let text = "function %f(i64, i32) -> i64, i32 system_v_multi_out {\n\
                    block0(v0: i64, v1: i32):\n return v0, v1\n}\n";
        let functions = parse_functions(text).unwrap();
        let locations = abi::locate(&*isa, &functions[0].signature).unwrap();
        let pointer = locations.return_pointer.expect("there is an out area");
        let AbiPlace::Reg(reg) = pointer.place else {
            panic!("{pointer:?} on {}", style.target);
        };
        let code = code(&isa, &functions[0]);
        let part = (style.field)(&reg.name, 8);
        assert!(
            code.contains(&part),
            "no `{part}` on {}:\n{code}",
            style.target
        );
    }
}

/// The instructions of a function, a line for each.
fn code(isa: &OwnedTargetIsa, func: &cranelift_codegen::ir::Function) -> String {
    let mut context = cranelift_codegen::Context::for_function(func.clone());
    let code = context
        .compile(&**isa, &mut ControlPlane::default())
        .map_err(|error| error.inner)
        .unwrap();
    let instructions = instructions(&**isa, code).unwrap();
    instructions.into_iter().map(|i| i.text + "\n").collect()
}

// Other compilers.

/// A C compiler for a target.
struct Compiler {
    program: &'static str,
    arguments: &'static [&'static str],
    /// The Debian package that has it.
    package: &'static str,
}

struct CTarget {
    target: &'static str,
    gcc: Compiler,
    clang_arguments: &'static [&'static str],
}

/// So many signatures of the filetests every target and language has.
const AT_LEAST: usize = 220;

const C_TARGETS: [CTarget; 4] = [
    CTarget {
        target: "x86_64",
        gcc: Compiler {
            program: if cfg!(target_arch = "x86_64") {
                "gcc"
            } else {
                "x86_64-linux-gnu-gcc"
            },
            arguments: &[],
            package: "gcc",
        },
        clang_arguments: &["--target=x86_64-linux-gnu"],
    },
    CTarget {
        target: "aarch64",
        gcc: Compiler {
            program: "aarch64-linux-gnu-gcc",
            arguments: &[],
            package: "gcc-aarch64-linux-gnu",
        },
        clang_arguments: &["--target=aarch64-linux-gnu"],
    },
    CTarget {
        target: "riscv64 has_v",
        gcc: Compiler {
            program: "riscv64-linux-gnu-gcc",
            arguments: &["-march=rv64gc"],
            package: "gcc-riscv64-linux-gnu",
        },
        clang_arguments: &["--target=riscv64-linux-gnu", "-march=rv64gc"],
    },
    CTarget {
        target: "s390x",
        gcc: Compiler {
            program: "s390x-linux-gnu-gcc",
            arguments: &["-march=z14"],
            package: "gcc-s390x-linux-gnu",
        },
        clang_arguments: &["--target=s390x-linux-gnu", "-march=z14"],
    },
];

impl CTarget {
    fn clang(&self) -> Compiler {
        Compiler {
            program: "clang",
            arguments: self.clang_arguments,
            package: "clang",
        }
    }
}

/// A disagreement among C compilers: a fact that one of them gets wrong, and the signatures that
/// depend on it.
struct Quarrel {
    target: &'static str,
    fact: &'static str,
    concerns: fn(&Signature) -> bool,
}

/// Seen with clang 14, against gcc, rustc and the ABI. A clang that has it right gets
/// no signature less.
const CLANG_QUARRELS: [Quarrel; 1] = [Quarrel {
    target: "s390x",
    fact: "_Alignof(__int128) == 8",
    concerns: |signature| {
        let is_i128 = |result: &cranelift_codegen::ir::AbiParam| result.value_type == types::I128;
        signature.returns.len() > 1 && signature.returns.iter().any(is_i128)
    },
}];

#[test]
fn gcc_agrees_with_every_signature_of_the_filetests() {
    let signatures = filetest_signatures();
    for target in &C_TARGETS {
        let text = declarations::<c::Section>(target, &signatures, |_| true);
        assert_compiles(&target.gcc, &text);
    }
}

#[test]
fn clang_agrees_with_every_signature_of_the_filetests() {
    let signatures = filetest_signatures();
    for target in &C_TARGETS {
        let clang = target.clang();
        let quarrels: Vec<_> = CLANG_QUARRELS
            .iter()
            .filter(|quarrel| quarrel.target == target.target)
            .filter(|quarrel| {
                let fact = format!("_Static_assert({}, \"\");\n", quarrel.fact);
                compile(&clang, &fact).is_err()
            })
            .collect();
        let is_undisputed =
            |signature: &Signature| !quarrels.iter().any(|quarrel| (quarrel.concerns)(signature));
        for quarrel in &quarrels {
            let left_out = signatures.iter().filter(|s| (quarrel.concerns)(s)).count();
            println!(
                "{}: clang denies {}: {left_out} left out",
                target.target, quarrel.fact
            );
        }
        let text = declarations::<c::Section>(target, &signatures, is_undisputed);
        assert_compiles(&clang, &text);
    }
}

#[test]
fn rustc_agrees_with_every_signature_of_the_filetests() {
    let host = C_TARGETS
        .iter()
        .find(|target| target.target.starts_with(std::env::consts::ARCH))
        .expect("a host with a backend");
    let text = declarations::<rust::Section>(host, &filetest_signatures(), |_| true);
    assert_compiles_as_rust(&text);
}

#[test]
fn what_the_program_prints_compiles() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/abi.d");
    let header = fs::read_to_string(folder.join("signatures.h")).unwrap();
    for target in &C_TARGETS {
        assert_compiles(&target.gcc, &header);
        // One struct of the file has an i128, so s390x has the quarrel above.
        if target.target != "s390x" {
            assert_compiles(&target.clang(), &header);
        }
    }
    let rust = fs::read_to_string(folder.join("signatures.rs")).unwrap();
    assert_compiles_as_rust(&rust);
}

#[test]
fn a_wrong_layout_does_not_compile() {
    for target in &C_TARGETS {
        let isa = isa(target.target);
        let signature = parse("() -> i8, i16, f64 system_v_multi_out");
        let mut section = c::Section::new(isa.triple()).unwrap();
        section
            .add(&*isa, &signature, "f", &[], &[("f", None)])
            .unwrap();
        let right = c::Section::file(&[section]);
        for (from, to) in [
            ("r1) == 2", "r1) == 1"),
            ("sizeof(struct f_out) == 16", "sizeof(struct f_out) == 24"),
            ("_Alignof(struct f_out) == 8", "_Alignof(struct f_out) == 4"),
            ("int16_t r1", "int64_t r1"),
        ] {
            let wrong = right.replace(from, to);
            assert_ne!(right, wrong);
            assert!(compile(&target.gcc, &wrong).is_err(), "{wrong}");
        }
    }
}

/// Every `system_v_multi_out` signature of the repository's filetests, once.
fn filetest_signatures() -> Vec<Signature> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests");
    let mut signatures = Vec::new();
    let mut seen = HashSet::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry
            .path()
            .extension()
            .is_none_or(|extension| extension != "clif")
        {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        let file = parse_test(&text, ParseOptions::default()).unwrap();
        for used in abi::signatures(&file, &text) {
            let signature = used.signature;
            let is_ours = signature.call_conv == CallConv::SystemVMultiOut;
            if is_ours && seen.insert(signature.clone()) {
                signatures.push(signature);
            }
        }
    }
    signatures
}

/// A file with the declarations of all signatures that the target has.
fn declarations<S: Section>(
    target: &CTarget,
    signatures: &[Signature],
    is_wanted: impl Fn(&Signature) -> bool,
) -> String {
    let isa = isa(target.target);
    let mut section = S::new(isa.triple()).unwrap();
    let mut names = S::names();
    let mut count = 0;
    for signature in signatures.iter().filter(|signature| is_wanted(signature)) {
        let function = names.claim("%f");
        let symbol = format!("{function}.symbol");
        let stem = S::claim_stem(&mut names, "%f");
        let functions = [(function.as_str(), Some(symbol.as_str()))];
        match section.add(
            &*isa,
            signature,
            &stem,
            &[format!("{stem}Alias")],
            &functions,
        ) {
            Ok(()) => count += 1,
            // The backend has its reasons. C has everything that the backends have.
            Err(Refusal::Backend(reason)) => {
                assert!(!reason.contains("panicked"), "{signature}: {reason}");
            }
            Err(Refusal::StructReturn) if target.target == "aarch64" => {}
            Err(Refusal::StructArgument(_)) if target.target == "x86_64" => {}
            Err(Refusal::Type(_, "stable Rust", _)) => {}
            Err(refusal) => panic!("{signature} on {}: {refusal}", target.target),
        }
    }
    println!(
        "{}: {count} of {} signatures",
        target.target,
        signatures.len()
    );
    assert!(count >= AT_LEAST, "only {count} on {}", target.target);
    S::file(&[section])
}

fn assert_compiles(compiler: &Compiler, text: &str) {
    if let Err(errors) = compile(compiler, text) {
        let errors: Vec<_> = errors.lines().take(40).collect();
        panic!(
            "{} {}:\n{}",
            compiler.program,
            compiler.arguments.join(" "),
            errors.join("\n")
        );
    }
}

fn assert_compiles_as_rust(text: &str) {
    let (_folder, source) = scratch("functions.rs", text);
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata"])
        .args(["-Dwarnings", "-o"])
        .arg(source.with_extension("rmeta"))
        .arg(&source)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}:\n{errors}", source.display());
}

/// Compiles with warnings as errors; an error is what the compiler said.
fn compile(compiler: &Compiler, text: &str) -> Result<(), String> {
    let (_folder, source) = scratch("functions.c", text);
    let output = Command::new(compiler.program)
        .args(compiler.arguments)
        .args([
            "-std=gnu11",
            "-ffreestanding",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-c",
            "-o",
        ])
        .arg(source.with_extension("o"))
        .arg(&source)
        .output()
        .unwrap_or_else(|error| {
            panic!(
                "{} does not start ({error}): install the package {}, or run `cargo xtask setup`",
                compiler.program, compiler.package
            )
        });
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// A folder with a file of this text, and the file.
fn scratch(name: &str, text: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    (folder, path)
}
