//! Everything that is measured, in one value.

use crate::code::{CodeCase, FrameCase, code_cases, frame_cases, shim};
use crate::compile::{Corpus, Kind, instructions};
use crate::executed::{ExecutedCase, executed_cases};
use crate::import::{Import, imports};
use crate::measure::Effort;
use crate::native::host_target;
use crate::peers::{Peer, Side};
use crate::runtimes::{Runtimes, runtimes};
use crate::shapes::{Lane, SCALING, Shape};
use crate::times::{self, TimeCase, time_cases};
use crate::{code, progress};
use anyhow::{Result, ensure};
use oracles::toolchain::CTarget;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Fewer rounds, and smaller corpora.
    pub quick: bool,
    /// The program with Wasmer.
    pub wasmer: Option<PathBuf>,
    /// The same program on stock Cranelift and on the fork, for compile times without the convention.
    pub programs: Option<(PathBuf, PathBuf)>,
}

/// Instructions of two compilations that are compared, or why they are not counted.
pub type Counts = Result<(u64, u64), String>;

/// A peer, and for each number how much.
pub type Growth = (Peer, Vec<(f64, f64)>);

/// The figures.
#[derive(Clone, Debug)]
pub struct Results {
    /// Times of calls.
    pub times: Vec<TimeCase>,
    /// Times of callers with 1 to 1,000 results.
    pub scaling: Vec<TimeCase>,
    /// Code of callers and callees.
    pub code: Vec<CodeCase>,
    /// Executed instructions of calls.
    pub executed: Vec<ExecutedCase>,
    /// The size of shims that stock needs on this machine: convention, shape, bytes.
    pub shims: Vec<(&'static str, Shape, usize)>,
    /// Frames.
    pub frames: Vec<FrameCase>,
    /// Ways to take an import.
    pub imports: Vec<Import>,
    /// Calls between hosts and WebAssembly.
    pub runtimes: Runtimes,
    /// Compile time of a corpus without the convention: fork and stock.
    pub unchanged: Counts,
    /// Compile time of a corpus with the convention and with explicit out pointers, by target.
    pub compile: Vec<(CTarget, Counts)>,
    /// Bytes of a caller by the number of results, on this machine.
    pub growth: Vec<Growth>,
    /// The compile time by the number of calls in one function, on this machine.
    pub calls: Vec<(usize, Counts)>,
}

impl Plan {
    /// Measures everything.
    ///
    /// # Errors
    ///
    /// If something that is there fails.
    pub fn run(&self) -> Result<Results> {
        let effort = match self.quick {
            true => Effort::QUICK,
            false => Effort::FULL,
        };
        progress("times of calls");
        let times = time_cases(effort)?;
        progress("times by the number of results");
        let scaling = times::scaling(effort)?;
        progress("runtimes of WebAssembly");
        let runtimes = runtimes(effort, self.wasmer.as_deref())?;
        progress("imports");
        let imports = imports()?;
        progress("code");
        let code = code_cases()?;
        progress("executed instructions");
        let executed = executed_cases()?;
        let mut shims = Vec::new();
        for convention in ["system_v", "tail"] {
            for shape in Shape::all() {
                shims.push((
                    convention,
                    shape,
                    shim(convention, host_target()?, shape)?.bytes,
                ));
            }
        }
        progress("compile time without the convention");
        let unchanged = self.unchanged()?;
        progress("compile time with the convention");
        let functions = if self.quick { 4 } else { 50 };
        let mut compile = Vec::new();
        for target in CTarget::ALL {
            compile.push((target, compare(target, functions, 20)?));
        }
        let mut calls = Vec::new();
        let most = if self.quick { 1_000 } else { 10_000 };
        for count in [1, 10, 100, 1_000, 10_000] {
            if count <= most {
                progress(&format!("compile time with {count} calls"));
                calls.push((count, compare(host_target()?, 1, count)?));
            }
        }
        Ok(Results {
            times,
            scaling,
            code,
            executed,
            shims,
            frames: frame_cases()?,
            imports,
            runtimes,
            growth: growth()?,
            unchanged,
            compile,
            calls,
        })
    }

    fn unchanged(&self) -> Result<Counts> {
        let Some((stock, fork)) = &self.programs else {
            return Ok(Err("no programs to compare; use `cargo xtask bench`".into()));
        };
        let functions = if self.quick { "f00" } else { "f0" };
        // Making functions takes more time than compiling them, and depends on seeds of hash tables.
        let within = Some("cranelift_codegen::context::Context::compile");
        let arguments = ["--only", functions];
        let output = |program: &Path| -> Result<Vec<u8>> {
            let output = Command::new(program).args(arguments).output()?;
            let is_success = output.status.success() && !output.stdout.is_empty();
            ensure!(is_success, "{} fails: {}", program.display(), output.status);
            Ok(output.stdout)
        };
        ensure!(
            output(fork)? == output(stock)?,
            "the fork compiles other conventions to something else than stock does"
        );
        let count = |program: &Path| instructions(program, &arguments, within);
        Ok(match (count(fork)?, count(stock)?) {
            (Ok(fork), Ok(stock)) => Ok((fork, stock)),
            (Err(missing), _) | (_, Err(missing)) => Err(missing),
        })
    }
}

/// Bytes of callers for the scaling plot. A peer that is not there has no points.
fn growth() -> Result<Vec<Growth>> {
    let mut lines = Vec::new();
    for peer in code::PEERS {
        let mut points = Vec::new();
        for count in SCALING {
            let lane = Lane::I64;
            let shape = Shape { lane, count };
            if let Ok(code) = code::code(peer, host_target()?, Side::Caller, shape, None)? {
                points.push((count as f64, code.bytes as f64));
            }
        }
        lines.push((peer, points));
    }
    Ok(lines)
}

fn compare(target: CTarget, functions: usize, calls: usize) -> Result<Counts> {
    let count = |kind| {
        let corpus = Corpus {
            kind,
            target,
            functions,
            calls,
        };
        corpus.instructions()
    };
    Ok(match (count(Kind::MultiOut)?, count(Kind::Explicit)?) {
        (Ok(multi_out), Ok(explicit)) => Ok((multi_out, explicit)),
        (Err(missing), _) | (_, Err(missing)) => Err(missing),
    })
}
