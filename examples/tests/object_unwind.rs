//! C++ exceptions pass object files' frames of `SystemVMultiOut`: `ABI.md`, section 8.
//!
//! C++ is the judge: it throws and catches, takes a backtrace and compares the registers that the
//! unwinder finds. See `object/unwind.cpp`.

use anyhow::{Result, ensure};
use multi_out_examples::config::Config;
use multi_out_examples::program::{Run, Workshop};
use multi_out_examples::target::Target;
use multi_out_examples::unwind;
use tempfile::TempDir;

fn workshop(target: Target) -> Result<(TempDir, Workshop)> {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let workshop = Workshop::new(target, folder.path().to_owned())?;
    Ok((folder, workshop))
}

fn check(target: Target, is_pic: bool) -> Result<()> {
    let (_folder, workshop) = workshop(target)?;
    for config in Config::all(is_pic) {
        let program = unwind::build(&workshop, config)?;
        let Run { output, status } = workshop.run(&program)?;
        ensure!(status.success(), "{config}: {status}\n{output}");
        assert_eq!(output, unwind::expected_output(), "{config}");
    }
    Ok(())
}

#[test]
fn an_exception_passes_on_x86_64() -> Result<()> {
    check(Target::X86_64, false)
}

#[test]
fn an_exception_passes_on_x86_64_when_position_independent() -> Result<()> {
    check(Target::X86_64, true)
}

#[test]
fn an_exception_passes_on_aarch64() -> Result<()> {
    check(Target::Aarch64, false)
}

#[test]
fn an_exception_passes_on_aarch64_when_position_independent() -> Result<()> {
    check(Target::Aarch64, true)
}
