//! C and object files of ours call each other, on every target: `SystemVMultiOut`, sections 3 to 5
//! of `ABI.md`.
//!
//! C is the judge: `object/case.h` asserts the layout with `offsetof`, `sizeof` and `_Alignof`, and
//! puts out areas next to guard pages. What this does not prove: how an unwinder sees the frames,
//! and what happens to results in spill slots, which filetests cover.

use anyhow::{Context, Result, ensure};
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::isa::CallConv;
use multi_out_examples::cases::{define_case, write_cases};
use multi_out_examples::config::Config;
use multi_out_examples::functions::produce;
use multi_out_examples::program::{Run, Workshop};
use multi_out_examples::seed;
use multi_out_examples::shape::{self, Shape};
use multi_out_examples::target::Target;
use std::collections::HashSet;
use tempfile::TempDir;

/// A folder for one run of a test.
fn workshop(target: Target) -> Result<(TempDir, Workshop)> {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let workshop = Workshop::new(target, folder.path().to_owned())?;
    Ok((folder, workshop))
}

fn check_all(target: Target, is_pic: bool) -> Result<()> {
    let shapes = shape::all(target.out_target(), target.c_has_f16());
    let (_folder, workshop) = workshop(target)?;
    workshop.write("cases.inc", write_cases(&shapes, target)?)?;
    let c_object = workshop.compile_c("cases.c", &[])?;
    for config in Config::all(is_pic) {
        let name = config.to_string();
        let object = workshop.compile_clif(&name, config, |module| {
            shapes
                .iter()
                .try_for_each(|shape| define_case(module, shape))
        })?;
        let program = workshop.link(&name, config, &[&c_object, &object])?;
        let Run { output, status } = workshop.run(&program)?;
        ensure!(
            status.success(),
            "{target:?} {name}: {status}\n{output}\nrun again: {}",
            program.display()
        );
        let last = output.lines().last().context("the program is silent")?;
        assert_eq!(last, format!("{} cases, 0 failures", shapes.len()));
        println!("{target:?} {name}: {last}");
    }
    Ok(())
}

/// Under plain `system_v` the same callee must not fill the area.
fn check_twin(target: Target) -> Result<()> {
    let (_folder, workshop) = workshop(target)?;
    let shapes = [Shape::new(&[], &[I64, I64])];
    workshop.write("cases.inc", write_cases(&shapes, target)?)?;
    let c_object = workshop.compile_c("cases.c", &["-DTWIN".to_owned()])?;
    let link_and_run = |call_conv: CallConv| {
        let name = call_conv.to_string();
        let object = workshop.compile_clif(&name, Config::SPEED, |module| {
            let [shape] = &shapes;
            produce(
                module,
                &format!("clif_produce_{}", shape.name),
                shape,
                call_conv,
            )
            .map(drop)
        })?;
        let program = workshop.link(&name, Config::SPEED, &[&c_object, &object])?;
        workshop.run(&program)
    };
    let ours = link_and_run(CallConv::SystemVMultiOut)?;
    ensure!(ours.status.success(), "{}\n{}", ours.status, ours.output);
    let twin = link_and_run(CallConv::SystemV)?;
    ensure!(!twin.status.success(), "{}\n{}", twin.status, twin.output);
    Ok(())
}

/// What Cranelift's own `system_v` places differently than C is either as in C or refused by name.
fn check_corners(target: Target) -> Result<()> {
    let (_folder, workshop) = workshop(target)?;
    let mut accepted = Vec::new();
    for shape in shape::corners(target.c_has_f16()) {
        let compiled = workshop.compile_clif("corner", Config::SPEED, |module| {
            define_case(module, &shape)
        });
        match compiled {
            Ok(_) => accepted.push(shape),
            Err(error) => check_refusal(&format!("{error:#}"), target, &shape)?,
        }
    }
    workshop.write("cases.inc", write_cases(&accepted, target)?)?;
    let c_object = workshop.compile_c("cases.c", &[])?;
    let object = workshop.compile_clif("corners", Config::SPEED, |module| {
        accepted
            .iter()
            .try_for_each(|shape| define_case(module, shape))
    })?;
    let program = workshop.link("corners", Config::SPEED, &[&c_object, &object])?;
    let Run { output, status } = workshop.run(&program)?;
    ensure!(status.success(), "{accepted:#?}: {status}\n{output}");
    Ok(())
}

/// The error names the target and a type of the signature.
fn check_refusal(error: &str, target: Target, shape: &Shape) -> Result<()> {
    let names_type = shape
        .params
        .iter()
        .chain(&shape.results)
        .any(|ty| error.contains(&ty.to_string()));
    let names_target = error.contains(&target.out_target().to_string());
    ensure!(
        error.contains("Unsupported") && names_type && names_target,
        "{shape:?}: {error}"
    );
    Ok(())
}

/// What `seed.c` prints, apart from sizes, which are C's own.
const SEED_OUTPUT: &str = "  foo(out, vmctx of main) in C
swap: 2 1
  mixed(out, vmctx of main, 20, 0 * 2^64 + 18446744073709551615, 0.5, 1.25) in C
grow: 42, 2 * 2^64 + 0, 3, 4.5, [14 -14]
sums: 1 3 6 10 15 21 28 36, 104, 17
  host_sums(out, vmctx of main, 1, …, 100) in C
sums_twice: 1 4 10 20 35 56 84 120, 104, 17
";

fn check_seed(target: Target) -> Result<()> {
    let (_folder, workshop) = workshop(target)?;
    for config in [false, true].into_iter().flat_map(Config::all) {
        let Run { output, status } = seed::build_and_run(&workshop, target, config)?;
        ensure!(status.success(), "{config}: {status}\n{output}");
        let (_sizes, output) = output.split_once('\n').context("the program is silent")?;
        assert_eq!(output, SEED_OUTPUT, "{config}");
    }
    Ok(())
}

macro_rules! targets {
    ($($module:ident: $target:ident),*) => {$(
        mod $module {
            use super::*;

            #[test]
            fn position_independent_code_and_c_agree() -> Result<()> {
                check_all(Target::$target, true)
            }

            #[test]
            fn fixed_position_code_and_c_agree() -> Result<()> {
                check_all(Target::$target, false)
            }

            #[test]
            fn the_example_prints_what_it_should() -> Result<()> {
                check_seed(Target::$target)
            }

            #[test]
            fn corners_agree_with_c_or_are_refused() -> Result<()> {
                check_corners(Target::$target)
            }

            #[test]
            fn plain_system_v_differs() -> Result<()> {
                check_twin(Target::$target)
            }
        }
    )*};
}

targets! { x86_64: X86_64, aarch64: Aarch64, riscv64: Riscv64, s390x: S390x }

#[test]
fn names_of_shapes_differ() {
    for target in Target::ALL {
        let shapes = shape::all(target.out_target(), target.c_has_f16());
        let names: HashSet<&str> = shapes.iter().map(|shape| &*shape.name).collect();
        assert_eq!(names.len(), shapes.len(), "{target:?}");
    }
}
