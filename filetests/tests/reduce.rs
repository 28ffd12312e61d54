//! The reducer: each file of `reduce.d` has functions, what must be kept of them, and behind each
//! what it must become.
//!
//! A line `;; keeps: OPCODE` demands such an instruction, `;; returns: OPCODE` one with a result that
//! is returned, `;; loops: OPCODE` one in a loop, `;; has: TEXT` this text in the function as it is printed, and
//! `;; panics: TARGET SETTINGS` the panic of the compiler; several lines demand all of it.

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{Block, Function, Inst, Opcode, Type, types};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::verifier::verify_function;
use cranelift_reader::{
    OwnedFlagsOrIsa, ParseOptions, parse_functions, parse_sets_and_triple, parse_test,
};
use filetests::bless::{self, Blessing, Blessings, expected_lines};
use filetests::panics;
use filetests::reduce::{Reduction, instruction_count, print, reduce};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const LIMIT: usize = 20_000;

/// What must be kept.
enum Property {
    Opcode(Opcode),
    Returned(Opcode),
    Looping(Opcode),
    Text(String),
    /// A panic of the compiler for this target, at any place at first.
    Panic(OwnedTargetIsa, Option<String>),
}

impl Property {
    fn parse(line: &str) -> Option<Self> {
        let (kind, rest) = line.strip_prefix(";; ")?.split_once(": ")?;
        let opcode = || rest.parse().unwrap_or_else(|_| panic!("no opcode: {rest}"));
        Some(match kind {
            "keeps" => Property::Opcode(opcode()),
            "returns" => Property::Returned(opcode()),
            "loops" => Property::Looping(opcode()),
            "has" => Property::Text(rest.to_owned()),
            "panics" => {
                let mut words = rest.split(' ');
                let target = words.next().unwrap_or_default();
                let settings: Vec<String> = words.map(str::to_owned).collect();
                Property::Panic(isa(target, &settings), None)
            }
            _ => return None,
        })
    }

    /// The property with the place of the panic that `func` has.
    fn settle(&mut self, func: &Function) {
        if let Property::Panic(isa, place) = self {
            *place = panic_place(func, isa);
            assert!(place.is_some(), "{} makes nothing panic", func.name);
        }
    }

    fn holds(&self, func: &Function) -> bool {
        match self {
            Property::Opcode(opcode) => insts(func).any(|inst| is(func, inst, *opcode)),
            Property::Returned(opcode) => {
                let mut returns = insts(func).filter(|inst| is(func, *inst, Opcode::Return));
                returns.any(|inst| {
                    func.dfg.inst_args(inst).iter().any(|value| {
                        let definition = func.dfg.value_def(*value).inst();
                        definition.is_some_and(|inst| is(func, inst, *opcode))
                    })
                })
            }
            Property::Looping(opcode) => {
                let mut found = insts(func).filter(|inst| is(func, *inst, *opcode));
                found.any(|inst| is_in_loop(func, func.layout.inst_block(inst).unwrap()))
            }
            Property::Text(text) => print(func).contains(text),
            Property::Panic(isa, place) => panic_place(func, isa) == *place,
        }
    }
}

fn isa(target: &str, settings: &[String]) -> OwnedTargetIsa {
    match parse_sets_and_triple(settings, target).unwrap() {
        OwnedFlagsOrIsa::Isa(isa) => isa,
        OwnedFlagsOrIsa::Flags(_) => panic!("no target"),
    }
}

fn insts(func: &Function) -> impl Iterator<Item = Inst> {
    let blocks = func.layout.blocks();
    blocks.flat_map(|block| func.layout.block_insts(block))
}

fn is(func: &Function, inst: Inst, opcode: Opcode) -> bool {
    func.dfg.insts[inst].opcode() == opcode
}

fn is_in_loop(func: &Function, block: Block) -> bool {
    let mut reached = BTreeSet::new();
    let mut open = vec![block];
    while let Some(block) = open.pop() {
        open.extend(
            func.block_successors(block)
                .filter(|next| reached.insert(*next)),
        );
    }
    reached.contains(&block)
}

fn panic_place(func: &Function, isa: &OwnedTargetIsa) -> Option<String> {
    let compile = || {
        let mut context = Context::for_function(func.clone());
        let _ = context.compile(&**isa, &mut ControlPlane::default());
    };
    panics::contain(compile).err()?.location
}

/// Reduces `func` to what verifies and has the property.
fn reduced(func: &Function, holds: impl Fn(&Function) -> bool) -> Reduction {
    let isa = isa("x86_64", &[]);
    let verifies = |func: &Function| verify_function(func, &*isa).is_ok();
    assert!(verifies(func) && holds(func), "{func}");
    let mut last = usize::MAX;
    let reduction = reduce(
        func,
        LIMIT,
        |candidate| verifies(candidate) && holds(candidate),
        |_, instructions| last = instructions,
    );
    assert!(!reduction.is_limited);
    assert_eq!(last, instruction_count(&reduction.func));
    // The text says it all.
    let text = print(&reduction.func);
    let parsed = parse_functions(&text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
    assert_eq!(print(&parsed[0]), text);
    assert!(verifies(&parsed[0]) && holds(&parsed[0]), "{text}");
    reduction
}

fn corpus() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reduce.d");
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn functions_become_what_their_files_say() {
    let corpus = corpus();
    assert!(corpus.len() >= 30);
    let mut differences = String::new();
    for (path, text) in corpus {
        let mut properties: Vec<Property> = text.lines().filter_map(Property::parse).collect();
        assert!(!properties.is_empty(), "{}", path.display());
        let file = parse_test(&text, ParseOptions::default())
            .unwrap_or_else(|error| panic!("{}:{error}", path.display()));
        let mut blessings = Blessings::default();
        for (index, (func, details)) in file.functions.iter().enumerate() {
            properties
                .iter_mut()
                .for_each(|property| property.settle(func));
            let holds = |func: &Function| properties.iter().all(|property| property.holds(func));
            let reduction = reduced(func, holds);
            let actual = print(&reduction.func);
            if expected_lines(details) == actual.lines().collect::<Vec<_>>() {
                continue;
            }
            let line = details.location.line_number;
            differences += &format!("{}:{line}:\n{actual}\n", path.display());
            let blessing = Blessing {
                index,
                name: func.name.to_string(),
                output: actual.lines().map(str::to_owned).collect(),
            };
            blessings.add(line, blessing).unwrap();
        }
        if bless::is_asked_for() && !blessings.is_empty() {
            blessings.write(&path, &text).unwrap();
        }
    }
    assert!(
        differences.is_empty() || bless::is_asked_for(),
        "{differences}to accept this, repeat the test with {}=1",
        bless::VARIABLE
    );
}

#[test]
fn every_instruction_format_has_a_case() {
    let formats = |opcodes: &mut dyn Iterator<Item = Opcode>| -> BTreeSet<String> {
        opcodes
            .map(|opcode| format!("{:?}", opcode.format()))
            .collect()
    };
    let corpus = corpus();
    let lines = corpus.iter().flat_map(|(_, text)| text.lines());
    let mut kept = lines.filter_map(|line| match Property::parse(line)? {
        Property::Opcode(opcode) => Some(opcode),
        _ => None,
    });
    let all = formats(&mut Opcode::all().iter().copied());
    let missing: Vec<_> = all.difference(&formats(&mut kept)).cloned().collect();
    assert!(
        missing.is_empty(),
        "reduce.d keeps no instruction of {missing:?}"
    );
}

#[test]
fn everything_goes_that_nothing_needs() {
    for (path, text) in corpus() {
        for func in parse_functions(&text).unwrap() {
            let text = print(&reduced(&func, |_| true).func);
            let (name, conv) = (&func.name, func.signature.call_conv);
            assert_eq!(
                text,
                format!("function {name}() {conv} {{\nblock0:\n    return\n}}\n"),
                "{}",
                path.display()
            );
        }
    }
}

/// All types that values in memory have; none has less than a byte.
fn every_type() -> Vec<Type> {
    use types::*;
    let mut all = vec![I8, I16, I32, I64, I128, F16, F32, F64, F128];
    for lane in all.clone() {
        let vectors = (1..=8).filter_map(|log| lane.by(1 << log));
        all.extend(vectors.filter(|ty| ty.bits() <= 512));
    }
    all
}

#[test]
fn every_type_has_a_constant() {
    let all = every_type();
    assert!(all.len() > 40, "{all:?}");
    for ty in all {
        let text = format!(
            "function %f(i64) {{\nblock0(v0: i64):\n    v1 = load.{ty} v0\n    store v1, v0\n    \
             return\n}}\n"
        );
        let func = parse_functions(&text).unwrap().remove(0);
        let keeps = |func: &Function| {
            insts(func).any(|inst| {
                let value = func.dfg.inst_args(inst).first().copied();
                is(func, inst, Opcode::Store)
                    && value.is_some_and(|value| func.dfg.value_type(value) == ty)
            })
        };
        let text = print(&reduced(&func, keeps).func);
        assert!(!text.contains("load"), "{text}");
        assert!(text.starts_with("function %f() fast {\n"), "{text}");
    }
}

/// A thousand instructions in forty blocks, of which the compiler panics at one in the middle.
fn a_thousand_instructions() -> String {
    let mut text = "function %f(i64, f32) -> f32 {\n    fn0 = %g(i64, f32) -> i64, f32\n\
                    block0(v0: i64, v1: f32):\n    jump block1(v0, v1)\n"
        .to_owned();
    for block in 1..=40 {
        let value = |number: usize| format!("v{}", 100 * block + number);
        let (mut address, mut number) = (value(0), value(1));
        text += &format!("block{block}({address}: i64, {number}: f32):\n");
        for step in 1..=6 {
            let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|index| value(5 * step + index));
            text += &format!("    {a} = load.f32 {address}+8\n    {b} = fadd {a}, {number}\n");
            text += &format!("    {c}, {d} = call fn0({address}, {b})\n");
            text += &format!("    {e} = fmul {d}, {b}\n");
            (address, number) = (c, e);
        }
        if block == 20 {
            let a = value(90);
            text += &format!("    {a} = fcvt_to_sint_sat.i8 {number}\n    store {a}, {address}\n");
        }
        let next = block + 1;
        let args = format!("({address}, {number})");
        text += &format!("    brif {address}, block{next}{args}, block41{args}\n");
    }
    text + "block41(v9000: i64, v9001: f32):\n    return v9001\n}\n"
}

#[test]
fn large_functions_take_few_attempts() {
    let func = parse_functions(&a_thousand_instructions())
        .unwrap()
        .remove(0);
    assert!(instruction_count(&func) > 1000);
    let isa = isa("x86_64", &[]);
    let place = panic_place(&func, &isa);
    assert!(place.is_some());
    let reduction = reduced(&func, |func| panic_place(func, &isa) == place);
    assert_eq!(instruction_count(&reduction.func), 5, "{}", reduction.func);
    assert!(reduction.attempts < 300, "{}", reduction.attempts);
}

#[test]
fn attempts_are_limited() {
    let func = parse_functions(&a_thousand_instructions())
        .unwrap()
        .remove(0);
    let reduction = reduce(&func, 3, |_| false, |_, _| {});
    assert_eq!((reduction.attempts, reduction.is_limited), (3, true));
    assert_eq!(print(&reduction.func), print(&func));
}
