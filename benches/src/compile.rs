//! Compile time, as instructions that valgrind's callgrind counts: they do not depend on what else the machine does.

use crate::clif::{self, Style};
use crate::code::mixed_shapes;
use crate::native::{compile, isa, parse};
use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::TargetIsa;
use oracles::temporary::TemporaryFolder;
use oracles::toolchain::CTarget;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Functions that call, and as many that are called.
#[derive(Args, Clone, Copy, Debug)]
pub struct Corpus {
    /// How results travel
    #[arg(long)]
    pub kind: Kind,
    /// Compile for it
    #[arg(long)]
    pub target: CTarget,
    /// Callers, and callees with 2, 4, 8 and 16 results in turn
    #[arg(long, default_value_t = 1)]
    pub functions: usize,
    /// Calls in each caller, of functions with 2, 4, 8 and 16 results in turn
    #[arg(long)]
    pub calls: usize,
}

/// How results travel in a [`Corpus`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// `system_v_multi_out`
    MultiOut,
    /// An out pointer that the front end writes
    Explicit,
}

impl Kind {
    fn style(self) -> Style {
        match self {
            Kind::MultiOut => Style::MultiOut,
            Kind::Explicit => Style::Explicit,
        }
    }
}

impl Corpus {
    /// Compiles it. What callgrind counts is code generation alone.
    ///
    /// # Errors
    ///
    /// If Cranelift refuses a function.
    pub fn compile(&self) -> Result<usize> {
        let isa = isa(self.target)?;
        let (style, shapes) = (self.kind.style(), mixed_shapes(self.calls.max(4)));
        let mut functions = Vec::new();
        for index in 0..self.functions {
            let caller = clif::caller(style, &shapes[..self.calls], self.target);
            let callee = clif::callee(style, shapes[index % 4], self.target);
            functions.extend([parse(&caller)?, parse(&callee)?]);
        }
        collected_compile(&*isa, functions)
    }

    /// The instructions of compiling it, or why they cannot be counted.
    ///
    /// # Errors
    ///
    /// If this program fails under callgrind.
    pub fn instructions(&self) -> Result<Result<u64, String>> {
        let program = std::env::current_exe()?;
        let target = self.target.to_possible_value();
        let kind = self.kind.to_possible_value();
        let arguments = [
            "compile".to_owned(),
            format!("--kind={}", kind.context("a kind without name")?.get_name()),
            format!(
                "--target={}",
                target.context("a target without name")?.get_name()
            ),
            format!("--functions={}", self.functions),
            format!("--calls={}", self.calls),
        ];
        instructions(&program, &arguments, Some("*collected_compile*"))
    }
}

/// Compiles functions and returns the bytes of their code. Callgrind counts what is called here, by this function's name.
#[inline(never)]
fn collected_compile(isa: &dyn TargetIsa, functions: Vec<Function>) -> Result<usize> {
    let mut bytes = 0;
    for function in functions {
        bytes += compile(isa, function)?.code_buffer().len();
    }
    Ok(bytes)
}

/// The instructions that a program executes, or why they cannot be counted; in one function of it, if `within` is a pattern of names.
///
/// # Errors
///
/// If the program fails.
pub fn instructions(
    program: &Path,
    arguments: &[impl AsRef<OsStr>],
    within: Option<&str>,
) -> Result<Result<u64, String>> {
    let folder = TemporaryFolder::new()?;
    let counts = folder.path().join("counts");
    let mut command = Command::new("valgrind");
    command.arg("--quiet").arg("--tool=callgrind");
    command.arg(format!("--callgrind-out-file={}", counts.display()));
    if let Some(within) = within {
        command.arg(format!("--toggle-collect={within}"));
    }
    command.arg(program).args(arguments).stdout(Stdio::null());
    let status = match command.status() {
        Ok(status) => status,
        Err(error) => {
            let missing = "install valgrind, or run `cargo xtask setup`";
            return Ok(Err(format!("valgrind does not run: {error}; {missing}")));
        }
    };
    ensure!(status.success(), "{command:?} fails");
    let counts = fs::read_to_string(&counts)?;
    let total = counts.lines().rev().find_map(|line| {
        let total = line.strip_prefix("totals: ")?;
        total.trim().parse::<u64>().ok()
    });
    let total = total.context("callgrind writes no totals")?;
    ensure!(total > 0, "callgrind counts nothing in {within:?}");
    Ok(Ok(total))
}
