//! gcc and clang: the C of [`crate::c`], compiled to a shared object and loaded.

use super::{LoopSpec, Made, PLACEMENT_BYTES, Peer, Side, loop_of};
use crate::c;
use crate::host::host_of;
use crate::native::host_target;
use anyhow::{Context, Result};
use libloading::Library;
use oracles::toolchain::{CTarget, Compiler};
use oracles::workshop::{BuildError, Workshop};
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;

/// What C compilers are told: to keep frame pointers where Cranelift has them, which on x86-64 is in all functions, and elsewhere in
/// those that call; gcc leaves them out of a function that needs no stack all the same. What some distributions turn on is off.
fn flags(side: Side, target: CTarget) -> Vec<&'static str> {
    let mut flags = vec!["-fPIC", "-fno-stack-protector"];
    flags.push(match (side, target) {
        (Side::Caller, _) | (_, CTarget::X86_64) => "-fno-omit-frame-pointer",
        (Side::Callee, _) => "-fomit-frame-pointer",
    });
    match target {
        CTarget::X86_64 => flags.push("-fcf-protection=none"),
        CTarget::Aarch64 => flags.push("-mbranch-protection=none"),
        _ => {}
    }
    flags
}

/// The compiler of a peer.
pub fn compiler(peer: Peer) -> Option<Compiler> {
    match peer {
        Peer::Gcc => Some(Compiler::Gcc),
        Peer::Clang => Some(Compiler::Clang),
        _ => None,
    }
}

/// Compiles the C of one side to an object file, and returns its path.
///
/// # Errors
///
/// If the compiler refuses.
pub fn compile(
    workshop: &Workshop,
    (target, compiler): (CTarget, Compiler),
    side: Side,
    source: &str,
    object: &str,
) -> Result<PathBuf, BuildError> {
    workshop.write("bench.c", source)?;
    let flags = flags(side, target);
    workshop.compile((target, compiler), "bench.c", object, "-O2", &flags)
}

/// Makes a peer's loop.
///
/// # Errors
///
/// If a compiler that is there refuses the code.
pub fn make(peer: Peer, spec: LoopSpec, placement: usize) -> Result<Made> {
    let shape = spec.shape;
    let target = host_target()?;
    let compiler = compiler(peer).context("no C compiler is meant")?;
    if let Err(missing) = target.check_tools(compiler) {
        return Ok(Made::Skipped(missing));
    }
    let (name, function) = match spec.side {
        Side::Caller => ("caller", c::caller_loop(shape, spec.pattern)),
        Side::Callee => ("callee", c::callee(shape)),
    };
    // What is in front of it is not called; an assembler warns of no bytes.
    let front = PLACEMENT_BYTES * (placement + 1);
    let front = format!("__asm__(\".text\\n.zero {front}\");\n");
    let source = c::declarations(shape) + &front + &function;
    let workshop = Workshop::new()?;
    let object = compile(&workshop, (target, compiler), spec.side, &source, "bench.o")?;
    let shared = workshop.path("bench.so");
    // One linker for both, which has no part in the code.
    let mut link = Command::new(target.linker().get_program());
    link.arg("-shared").arg(object).arg("-o").arg(&shared);
    workshop.build(&mut link, &shared)?;
    // SAFETY: the object has no constructors.
    let library = unsafe { Library::new(&shared) }?;
    // SAFETY: a function pointer is an address.
    let code = *unsafe { library.get::<*const u8>(name) }?;
    let host = host_of(shape).context("there is no host function of this shape")?;
    // SAFETY: the function was just made for this side and shape.
    unsafe { loop_of(spec, code, host.function(placement), Rc::new(library)) }
}
