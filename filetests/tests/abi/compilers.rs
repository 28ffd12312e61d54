//! C and Rust compilers agree with the declarations.

use super::{isa, parse};
use cranelift_codegen::ir::Signature;
use cranelift_codegen::isa::CallConv;
use cranelift_reader::{ParseOptions, parse_test};
use filetests::abi::{self, Refusal, Section, c, rust};
use oracles::platform::Platform;
use oracles::toolchain::{CTarget, Compiler};
use oracles::workshop::{BuildError, Workshop};
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use walkdir::WalkDir;

/// So many signatures of the filetests every target and language has.
const AT_LEAST: usize = 220;

#[test]
fn c_agrees_with_every_signature_of_the_filetests() {
    let signatures = filetest_signatures();
    for target in Platform::ALL {
        let of_c = Compiler::OF_C.into_iter();
        for compiler in of_c.filter(|compiler| target.has(*compiler)) {
            let is_undisputed =
                |signature: &Signature| compiler.quarrel(target, signature).is_none();
            let text = declarations::<c::Section>(target, &signatures, is_undisputed);
            assert_compiles(target, compiler, &text);
        }
    }
}

#[test]
fn rustc_agrees_with_every_signature_of_the_filetests() {
    for target in Platform::ALL {
        if target.has(Compiler::Rustc) {
            let text = declarations::<rust::Section>(target, &filetest_signatures(), |_| true);
            assert_compiles(target, Compiler::Rustc, &text);
        }
    }
}

#[test]
fn what_the_program_prints_compiles() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/abi.d");
    let header = fs::read_to_string(folder.join("signatures.h")).unwrap();
    for target in CTarget::ALL {
        assert_compiles(target.into(), Compiler::Gcc, &header);
        // One struct of the file has an i128, about which compilers quarrel there.
        if target != CTarget::S390x {
            assert_compiles(target.into(), Compiler::Clang, &header);
        }
    }
    let rust = fs::read_to_string(folder.join("signatures.rs")).unwrap();
    let host = CTarget::host().expect("a host with a backend");
    assert_compiles(host.into(), Compiler::Rustc, &rust);
}

#[test]
fn a_wrong_layout_does_not_compile() {
    for target in CTarget::ALL {
        let isa = isa(target.spec());
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
            assert!(
                compile(target.into(), Compiler::Gcc, &wrong).is_err(),
                "{wrong}"
            );
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
    target: Platform,
    signatures: &[Signature],
    is_wanted: impl Fn(&Signature) -> bool,
) -> String {
    let isa = isa(target.spec());
    let mut section = S::new(isa.triple()).unwrap();
    let mut names = S::names();
    let mut count = 0;
    let convention = target.convention();
    let signatures = signatures.iter().map(|signature| Signature {
        call_conv: convention,
        ..signature.clone()
    });
    for signature in signatures.filter(is_wanted) {
        let function = names.claim("%f");
        let symbol = format!("{function}.symbol");
        let stem = S::claim_stem(&mut names, "%f");
        let functions = [(function.as_str(), Some(symbol.as_str()))];
        match section.add(
            &*isa,
            &signature,
            &stem,
            &[format!("{stem}Alias")],
            &functions,
        ) {
            Ok(()) => count += 1,
            // The backend has its reasons. C has everything that the backends have.
            Err(Refusal::Backend(reason)) => {
                assert!(!reason.contains("panicked"), "{signature}: {reason}");
            }
            Err(Refusal::StructReturn) if target.target() == CTarget::Aarch64 => {}
            Err(Refusal::StructArgument(_)) if target.target() == CTarget::X86_64 => {}
            Err(Refusal::Type(_, "stable Rust", _)) => {}
            Err(refusal) => panic!("{signature} on {target}: {refusal}"),
        }
    }
    println!("{target}: {count} signatures");
    assert!(count >= AT_LEAST, "only {count} on {target}");
    S::file(&[section])
}

fn assert_compiles(target: Platform, compiler: Compiler, text: &str) {
    if let Err(errors) = compile(target, compiler, text) {
        let errors: Vec<_> = errors.lines().take(40).collect();
        panic!("{compiler} for {target}:\n{}", errors.join("\n"));
    }
}

/// Compiles with warnings as errors; an error is what the compiler said.
fn compile(target: Platform, compiler: Compiler, text: &str) -> Result<(), String> {
    target.check_tools(compiler).unwrap();
    let (source, flags): (_, &[&str]) = match compiler {
        Compiler::Rustc => ("functions.rs", &["-Dwarnings"]),
        _ => (
            "functions.c",
            &["-ffreestanding", "-Wall", "-Wextra", "-Werror"],
        ),
    };
    let workshop = Workshop::new().unwrap();
    workshop.write(source, text).unwrap();
    match workshop.compile((target, compiler), source, "functions.o", "-O0", flags) {
        Ok(_) => Ok(()),
        Err(BuildError::Refused { errors, .. }) => Err(errors),
        Err(error) => panic!("{error}"),
    }
}
