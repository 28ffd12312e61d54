//! Values are where compiled code has them.

use super::isa;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::Signature;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::isa::abi_locations::{AbiLocations, AbiPlace};
use cranelift_reader::parse_functions;
use filetests::abi::{self, Section, c, rust, text};
use filetests::disassemble::instructions;
use std::collections::HashSet;
use std::fmt::Write as _;

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
