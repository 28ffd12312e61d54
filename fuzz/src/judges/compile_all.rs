//! `compile-all`: every target compiles the program, with the register allocator's checker on; of the four Pulleys one.
//!
//! Nothing panics or fails, and code is no larger than the program explains. Stack maps are those of the program, see `stack_maps`,
//! and value labels are about its code, see `labels`. One case in four is also verified, before and between passes.
//! A panic that is upstream's, see [`crate::blame`], is a rejection. A refusal, of a type or of a size,
//! is no failure.
//!
//! What the code does is for the other targets to say, on a machine that runs it.

mod labels;
mod stack_maps;

use crate::blame::is_upstreams;
use crate::child::{self, End};
use crate::filetest::print_compiled;
use crate::generator::settings::{PULLEYS, Settings, TARGETS, isa};
use crate::generator::{Case, Form, Machine};
use crate::reduce::SECONDS;
use crate::run::{blame_by, invalid, is_refusal};
use crate::{Oracle, Verdict};
use arbitrary::Arbitrary;
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::TargetIsa;
use filetests::panics::contain;
use std::fmt;

/// See the module.
pub struct CompileAll;

fn targets(case: &Case) -> impl Iterator<Item = &'static str> {
    let pulley = PULLEYS[usize::from(case.settings().pulley)];
    TARGETS.into_iter().chain([pulley])
}

/// Bytes of code for an instruction or a value: far more than any needs.
const MAX_BYTES: usize = 160;

/// Bytes of the frame for an instruction, a value or one that is passed: as three vectors in memory. riscv64 spills them as if
/// they had 1,024 bits, and floats with them.
fn max_frame_bytes(function: &Function, isa: &dyn TargetIsa) -> usize {
    let dfg = &function.dfg;
    let has_vectors = dfg.values().any(|value| dfg.value_type(value).is_vector());
    match isa.name() {
        "riscv64" if has_vectors => 384,
        _ => 48,
    }
}

/// The bytes of a program for each target. Types and conventions differ, so these are several programs.
#[derive(Arbitrary)]
pub struct Everywhere(Case);

/// A filetest for each target.
impl fmt::Debug for Everywhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for target in targets(&self.0) {
            writeln!(f, ";; {target}\n{}", print(&self.0, target))?;
        }
        Ok(())
    }
}

impl Oracle for CompileAll {
    const NAME: &'static str = "compile-all";
    type Case = Everywhere;

    fn check(Everywhere(case): &Everywhere) -> Verdict {
        let mut verdict = Verdict::Passed;
        for target in targets(case) {
            if let Err(refusal) = check_target(case, target) {
                verdict = crate::judges::reject(Self::NAME, &format!("{target}: {refusal}"));
            }
        }
        verdict
    }

    fn blame(Everywhere(case): &Everywhere) -> Option<&'static str> {
        let is_wrong = |target: &&str| {
            let check = || drop(check_target(case, target));
            child::run(SECONDS, check) != End::Returned
        };
        let wrong: Vec<_> = targets(case).filter(is_wrong).collect();
        if wrong.is_empty() {
            return None;
        }
        blame_by(|| {
            let mut wrong = wrong.iter();
            wrong.try_for_each(|target| compile(case, target, Form::Tail))
        })
    }
}

/// Panics if something is wrong. The error is a refusal, or a panic of upstream's.
fn check_target(case: &Case, target: &str) -> Result<(), String> {
    contain(|| compile(case, target, Form::MultiOut)).unwrap_or_else(|panic| {
        let without_us = contain(|| compile(case, target, Form::Tail));
        let is_valid = verify(case, target).is_empty();
        match is_valid && is_upstreams(&panic, without_us) {
            true => Err(panic.to_string()),
            false => fail(case, target, &panic.to_string()),
        }
    })
}

/// Panics with the filetest of the target.
fn fail(case: &Case, target: &str, what: &str) -> ! {
    let (invalid, text) = (verify(case, target), print(case, target));
    panic!("{target}: {what}\n{invalid}{text}");
}

/// What the verifier has against the functions of a case.
fn verify(case: &Case, target: &str) -> String {
    let (settings, functions) = program(case, target, Form::MultiOut);
    invalid(&functions, &*isa(&settings.target(target), &settings))
}

fn print(case: &Case, target: &str) -> String {
    let (settings, functions) = program(case, target, Form::MultiOut);
    print_compiled(&settings, &settings.target(target), &functions)
}

/// What is compiled for a target, and with which settings.
fn program(case: &Case, target: &str, form: Form) -> (Settings, Vec<Function>) {
    let triple = target.split(' ').next().unwrap_or_default();
    let triple = triple.parse().expect("a triple");
    let machine = Machine::of(&triple).expect("a target with a backend");
    let machine = Machine {
        has_features: true,
        ..machine
    };
    let program = case.program(machine, form);
    let settings = program.settings.with("regalloc_checker", "true");
    (settings.for_objects(), program.functions)
}

fn compile(case: &Case, target: &str, form: Form) -> Result<(), String> {
    let (settings, functions) = program(case, target, form);
    let isa = isa(&settings.target(target), &settings);
    let mut control = case.control(&settings);
    for function in &functions {
        check_function(function, &*isa, &mut control)?;
    }
    Ok(())
}

fn check_function(
    function: &Function,
    isa: &dyn TargetIsa,
    control: &mut ControlPlane,
) -> Result<(), String> {
    let mut context = Context::for_function(function.clone());
    stack_maps::number_calls(&mut context.func);
    let compiled = match context.compile(isa, control) {
        Ok(compiled) => compiled,
        Err(error) if is_refusal(&error.inner) => {
            return Err(format!("{}: {}", function.name, error.inner));
        }
        Err(error) => panic!("{}: {}\n{function}", function.name, error.inner),
    };
    let dfg = &function.dfg;
    let insts = function
        .layout
        .blocks()
        .flat_map(|block| function.layout.block_insts(block));
    let passed = insts.map(|inst| {
        let data = &dfg.insts[inst];
        let edges = data.branch_destination(&dfg.jump_tables, &dfg.exception_tables);
        let along_edges = edges.iter().map(|edge| edge.len(&dfg.value_lists));
        1 + dfg.inst_args(inst).len() + along_edges.sum::<usize>()
    });
    let passed: usize = passed.sum();
    let values = passed + dfg.num_values();
    let slots = function.fixed_stack_size() as usize;
    let frame = compiled.buffer.frame_layout();
    let frame = frame.map_or(0, |layout| layout.frame_to_fp_offset as usize);
    let code = compiled.code_buffer().len();
    for (what, size, limit) in [
        ("code", code, 4096 + MAX_BYTES * values),
        (
            "frame",
            frame,
            4096 + slots + max_frame_bytes(function, isa) * values,
        ),
    ] {
        assert!(
            size <= limit,
            "{}: {size} bytes of {what}, more than {limit}\n{function}",
            isa.triple()
        );
    }
    let reported =
        stack_maps::check(function, &context).and_then(|()| labels::check(function, &context));
    if let Err(what) = reported {
        panic!("{}: {what}\n{function}", isa.triple());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;
    use cranelift_reader::parse_functions;
    use filetests::file::run_bytes;
    use filetests::{FileOutcome, JobOptions};
    use std::path::Path;

    #[test]
    fn smoke() {
        crate::smoke::smoke::<CompileAll>(5, crate::smoke::SELDOM);
    }

    /// The single-pass allocator gives each result a slot for the edge, and another as the block's parameter.
    #[test]
    fn many_results_along_an_edge_are_within_the_bounds() {
        let list = |prefix: &str, suffix: &str| {
            let items: Vec<_> = (0..1000).map(|n| format!("{prefix}{n}{suffix}")).collect();
            items.join(", ")
        };
        let settings = Settings::new(&[])
            .with("regalloc_algorithm", "single_pass")
            .with("opt_level", "none");
        let isa = isa("riscv64 has_v", &settings);
        let text = format!(
            "function %f() {{
                sig0 = () -> {types} system_v_multi_out
                fn0 = %g() -> {types} system_v_multi_out
            block9000:
                try_call fn0(), sig0, block9001({results}), []
            block9001({parameters}):
                return
            }}",
            types = vec!["i8x16"; 1000].join(", "),
            results = list("ret", ""),
            parameters = list("v", ": i8x16"),
        );
        let functions = parse_functions(&text).expect("CLIF");
        check_function(&functions[0], &*isa, &mut ControlPlane::default()).expect("code");
    }

    fn outcome(text: &str) -> FileOutcome {
        run_bytes(Path::new("f.clif"), text.as_bytes(), &JobOptions::default()).outcome
    }

    #[test]
    fn a_finding_shows_the_program_of_its_target() {
        let case = Case::new(&random::bytes(1, 9));
        for target in TARGETS.into_iter().chain(["pulley64"]) {
            let panic = contain(|| fail(&case, target, "what")).expect_err("a finding");
            let text = panic.message.strip_prefix(&format!("{target}: what\n"));
            let text = text.expect("the finding first");
            assert!(text.contains(&format!("\ntarget {target}")), "{text}");
            assert_eq!(outcome(text), FileOutcome::Passed, "{text}");
        }
    }

    #[test]
    fn nobody_is_to_blame_for_what_is_right() {
        let case = Case::new(&random::bytes(1, 9));
        assert_eq!(CompileAll::blame(&Everywhere(case)), None);
    }

    #[test]
    fn a_case_shows_the_programs_of_all_targets() {
        let case = Case::new(&random::bytes(1, 9));
        let targets: Vec<_> = targets(&case).collect();
        let text = format!("{:?}", Everywhere(case));
        let mut rest = &text[..];
        for (number, target) in (1..).zip(&targets) {
            rest = rest
                .strip_prefix(&*format!(";; {target}\n"))
                .expect("a headline");
            let end = targets
                .get(number)
                .and_then(|next| rest.find(&format!(";; {next}\n")));
            let (own, others) = rest.split_at(end.unwrap_or(rest.len()));
            assert_eq!(outcome(own), FileOutcome::Passed, "{own}");
            rest = others;
        }
    }
}
