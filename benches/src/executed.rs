//! Executed instructions: of a caller's loop and of what it calls, for every target.
//!
//! The measured functions lie at addresses of their own in a static C program. qemu translates each instruction alone and logs it when
//! it is executed there. Two runs differ by iterations of the loop, and by nothing else.

use crate::c;
use crate::clif::{self, Style};
use crate::native::{compile, isa, parse};
use crate::peers::{self, Peer, Side};
use crate::shapes::{CALLS, Lane, Pattern, Shape, expected};
use anyhow::{Result, ensure};
use oracles::toolchain::{CTarget, Compiler};
use oracles::workshop::{BuildError, Workshop};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who is compared. A shim calls what gcc compiled.
pub const PEERS: [Peer; 5] = [
    Peer::MultiOut,
    Peer::Explicit,
    Peer::ShimTail,
    Peer::Gcc,
    Peer::Clang,
];

/// What is called.
pub const SHAPES: [Shape; 4] = {
    [
        Shape {
            lane: Lane::I64,
            count: 2,
        },
        Shape {
            lane: Lane::I64,
            count: 8,
        },
        Shape {
            lane: Lane::I64,
            count: 100,
        },
        Shape {
            lane: Lane::I32,
            count: 4,
        },
    ]
};

/// How the calls of the loop depend on each other.
pub const PATTERN: Pattern = Pattern::Dependent;

/// One loop on one target.
#[derive(Clone, Debug)]
pub struct ExecutedCase {
    /// On this target.
    pub target: CTarget,
    /// What is called.
    pub shape: Shape,
    /// Instructions of one call in the order of [`PEERS`], with the callee's and the loop's; or why there is no count.
    pub peers: Vec<Result<f64, String>>,
}

impl ExecutedCase {
    /// The instructions of the convention as a multiple of a peer's.
    pub fn ratio(&self, peer: Peer) -> Option<f64> {
        let of = |wanted| {
            let index = PEERS.iter().position(|p| *p == wanted)?;
            self.peers[index].as_ref().ok().copied()
        };
        Some(of(Peer::MultiOut)? / of(peer)?)
    }
}

/// Counts every case.
///
/// # Errors
///
/// If a compiler that is there refuses the code, or the program computes something else than it should.
pub fn executed_cases() -> Result<Vec<ExecutedCase>> {
    let mut cases = Vec::new();
    for target in CTarget::ALL {
        for shape in SHAPES {
            let peers = PEERS.map(|peer| executed(peer, target, shape));
            let peers = peers.into_iter().collect::<Result<_>>()?;
            cases.push(ExecutedCase {
                target,
                shape,
                peers,
            });
        }
    }
    Ok(cases)
}

/// What loops begin with.
const SEED: u64 = 7;

/// Where the linker puts callees. The shim knows it.
const CALLEE: u64 = 0x2000_0000;

/// Where it puts callers, and the shim.
const CALLER: u64 = 0x2010_0000;

/// The instructions that a peer executes for one call, or why they cannot be counted.
///
/// # Errors
///
/// As [`executed_cases`].
pub fn executed(peer: Peer, target: CTarget, shape: Shape) -> Result<Result<f64, String>> {
    let compiler = peers::c::compiler(peer).unwrap_or(Compiler::Gcc);
    for compiler in [Compiler::Gcc, compiler] {
        if let Err(missing) = target.check_tools(compiler) {
            return Ok(Err(missing));
        }
    }
    let workshop = Workshop::new()?;
    let sources = sources(peer, target, shape)?;
    let program = link(&workshop, (target, compiler), &sources)?;
    let count = |iterations| count(target, &program, shape, iterations);
    let (few, many) = match (count(1)?, count(3)?) {
        (Ok(few), Ok(many)) => (few, many),
        (Err(missing), _) | (_, Err(missing)) => return Ok(Err(missing)),
    };
    ensure!(many > few, "qemu logs {few} and {many} instructions");
    Ok(Ok((many - few) as f64 / (2 * CALLS) as f64))
}

/// The C of a program.
struct Sources {
    /// `main`, which runs the loop as often as its argument says and prints what that returns, and Cranelift's code.
    main: String,
    /// What is measured and is C.
    measured: Vec<(Side, String)>,
}

fn sources(peer: Peer, target: CTarget, shape: Shape) -> Result<Sources> {
    let declarations = c::declarations(shape);
    let lane = shape.lane.c();
    let caller = format!("{lane} caller(function *f, void *vmctx, uint64_t left, {lane} state)");
    let caller_in_c = format!(
        "{declarations}{caller} __attribute__((section(\".caller\")));\n{}",
        c::caller_loop(shape, PATTERN)
    );
    let callee_in_c = format!(
        "{declarations}function callee __attribute__((section(\".callee\")));\n{}",
        c::callee(shape)
    );
    let style = peers::cranelift::style(peer);
    let mut main = format!("#include <stdio.h>\n#include <stdlib.h>\n{declarations}{caller};\n");
    let mut measured = Vec::new();
    let mut called = "callee";
    if peers::c::compiler(peer).is_some() {
        measured.push((Side::Caller, caller_in_c));
        measured.push((Side::Callee, callee_in_c));
    } else {
        let text = clif::caller_loop(style, shape, PATTERN, target);
        main += &assembly("caller", "caller", &text, target)?;
        if let Style::Stock(convention) = style {
            measured.push((Side::Callee, callee_in_c));
            called = "shim";
            let text = clif::shim(convention, shape, CALLEE, target);
            main += &assembly("caller", called, &text, target)?;
        } else {
            let text = clif::callee(style, shape, target);
            main += &assembly("callee", called, &text, target)?;
        }
    }
    main += &format!(
        "extern function {called};\n\
         int main(int count, char **arguments) {{\n  \
           printf(\"%llu\", (unsigned long long)caller({called}, 0, atoi(arguments[1]), {SEED}));\n\
         }}\n"
    );
    Ok(Sources { main, measured })
}

/// A function that Cranelift compiles, as C knows to put it into a section.
fn assembly(section: &str, name: &str, clif: &str, target: CTarget) -> Result<String> {
    let code = compile(&*isa(target)?, parse(clif)?)?;
    ensure!(
        code.buffer.relocs().is_empty(),
        "{name} refers to something else"
    );
    let bytes: Vec<String> = code.code_buffer().iter().map(u8::to_string).collect();
    Ok(format!(
        "__asm__(\".pushsection .{section}, \\\"ax\\\", @progbits\\n.balign 16\\n.globl {name}\\n\"\n\
         \"{name}: .byte {}\\n.popsection\");\n",
        bytes.join(",")
    ))
}

/// Makes the program and returns its path.
fn link(
    workshop: &Workshop,
    (target, compiler): (CTarget, Compiler),
    sources: &Sources,
) -> Result<PathBuf, BuildError> {
    let program = workshop.path("program");
    let mut command = target.linker();
    let main = (Compiler::Gcc, Side::Caller, &sources.main);
    let measured = sources.measured.iter();
    let measured = measured.map(|(side, source)| (compiler, *side, source));
    for (index, (compiler, side, source)) in measured.chain([main]).enumerate() {
        let object = format!("{index}.o");
        let object = peers::c::compile(workshop, (target, compiler), side, source, &object)?;
        command.arg(object);
    }
    for (section, address) in [("callee", CALLEE), ("caller", CALLER)] {
        command.arg(format!("-Wl,--section-start=.{section}={address:#x}"));
    }
    workshop.build(command.arg("-o").arg(&program), &program)?;
    Ok(program)
}

/// Runs the program and counts what it executes in what is measured.
fn count(
    target: CTarget,
    program: &Path,
    shape: Shape,
    iterations: u64,
) -> Result<Result<usize, String>> {
    let log = program.with_extension("log");
    // `CTarget::runner` has no emulator for this machine's own target.
    let qemu = format!("qemu-{target}");
    let mut command = Command::new(&qemu);
    // One instruction at a time: the first name is what releases before 8.1 know.
    for variable in ["QEMU_SINGLESTEP", "QEMU_ONE_INSN_PER_TB"] {
        command.env(variable, "1");
    }
    command.args(["-d", "exec,nochain", "-dfilter"]);
    command.arg(format!("{CALLEE:#x}..{:#x}", 2 * CALLER - CALLEE));
    command.arg("-D").arg(&log).arg(program);
    let output = match command.arg(iterations.to_string()).output() {
        Ok(output) => output,
        Err(error) => {
            let setup = "`cargo xtask setup` installs it, or says which package has it";
            return Ok(Err(format!("{qemu} does not run: {error}; {setup}")));
        }
    };
    let sum = expected(shape, PATTERN, CALLS, iterations, SEED);
    ensure!(
        output.status.success() && output.stdout == sum.to_string().as_bytes(),
        "{command:?} should print {sum}: {output:?}"
    );
    let log = fs::read_to_string(&log)?;
    Ok(Ok(log
        .lines()
        .filter(|line| line.starts_with("Trace"))
        .count()))
}
