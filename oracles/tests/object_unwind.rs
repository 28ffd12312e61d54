//! C++ exceptions pass object files' frames of `SystemVMultiOut`: `ABI.md`, section 8.
//!
//! C++ is the judge: it throws and catches, takes a backtrace and compares the registers that the
//! unwinder finds. See `c/unwind.cpp`.

use anyhow::{Result, ensure};
use oracles::calls::config::Config;
use oracles::toolchain::CTarget;
use oracles::unwinding::unwind;
use oracles::workshop::{Ending, Run, Workshop};

fn check(target: CTarget, is_pic: bool) -> Result<()> {
    let workshop = Workshop::new()?;
    for config in Config::all(is_pic) {
        let program = unwind::build(&workshop, target, config)?;
        let Run {
            output,
            errors,
            ending,
        } = workshop.run(target, &program, &[])?;
        let succeeds = matches!(ending, Ending::Ended(status) if status.success());
        ensure!(succeeds, "{config}: {ending}\n{output}{errors}");
        assert_eq!(output, unwind::expected_output(), "{config}");
    }
    Ok(())
}

#[test]
fn an_exception_passes_on_x86_64() -> Result<()> {
    check(CTarget::X86_64, false)
}

#[test]
fn an_exception_passes_on_x86_64_when_position_independent() -> Result<()> {
    check(CTarget::X86_64, true)
}

#[test]
fn an_exception_passes_on_aarch64() -> Result<()> {
    check(CTarget::Aarch64, false)
}

#[test]
fn an_exception_passes_on_aarch64_when_position_independent() -> Result<()> {
    check(CTarget::Aarch64, true)
}
