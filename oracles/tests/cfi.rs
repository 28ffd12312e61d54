//! The unwind information of every target, read back and compared with the code: see `calls::cfi`.

use anyhow::{Context, Result};
use cranelift_module::{Module, default_libcall_names};
use cranelift_object::{ObjectBuilder, ObjectModule};
use oracles::calls::config::Config;
use oracles::calls::define::Defined;
use oracles::calls::functions::import;
use oracles::calls::shape::Shape;
use oracles::toolchain::CTarget;
use oracles::unwinding::catcher::{Catch, TryCall, define_catcher};
use oracles::unwinding::cfi::{check, check_section};
use oracles::unwinding::chain::{self, define_chain};
use oracles::unwinding::eh_frame;

/// A chain, which links are, and two catchers of its entry.
fn compile(target: CTarget, config: Config) -> Result<(ObjectModule, Vec<Defined>)> {
    let builder = ObjectBuilder::new(config.isa(target)?, "cfi", default_libcall_names())?;
    let mut module = ObjectModule::new(builder);
    let last = import(&mut module, "last", &chain::last())?;
    let mut functions = define_chain(&mut module, "link", last)?;
    let (entry, shape) = (functions[0].id, Shape::new(&[], chain::ENTRY_RESULTS));
    for call in [TryCall::Direct, TryCall::Indirect] {
        let name = format!("{call:?}");
        let catcher = define_catcher(&mut module, &name, entry, &shape, call, Catch::All)?;
        assert!(catcher.call_sites[0].frame_offset.is_some());
        functions.push(catcher);
    }
    Ok((module, functions))
}

fn check_target(target: CTarget) -> Result<()> {
    for config in Config::all(false) {
        let (module, functions) = compile(target, config)?;
        let mut saved = 0;
        for (index, function) in functions.iter().enumerate() {
            assert_eq!(function.call_sites.len(), 1);
            saved += check(function, module.isa(), target)
                .with_context(|| format!("function {index} with {config}"))?;
        }
        // More than every frame does.
        assert!(saved > 2 * functions.len(), "{config}: {saved}");

        // The twin: the last save is somewhere else.
        let function = &functions[5];
        let mut section = eh_frame::section(function, module.isa())?;
        let last = section.iter().rposition(|&byte| byte != 0);
        section[last.context("an empty section")?] ^= 1;
        let result = check_section(function, &section, module.isa(), target);
        assert!(result.is_err(), "{config}");
    }
    Ok(())
}

#[test]
fn unwind_information_is_right_on_x86_64() -> Result<()> {
    check_target(CTarget::X86_64)
}

#[test]
fn unwind_information_is_right_on_aarch64() -> Result<()> {
    check_target(CTarget::Aarch64)
}

#[test]
fn unwind_information_is_right_on_riscv64() -> Result<()> {
    check_target(CTarget::Riscv64)
}

#[test]
fn unwind_information_is_right_on_s390x() -> Result<()> {
    check_target(CTarget::S390x)
}
