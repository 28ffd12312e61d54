//! Compilers, linkers and emulators for the targets that C has.
//!
//! Programs are linked statically, so that an emulator needs no libraries of its target.

use cranelift_codegen::isa::multi_out::OutTarget;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use target_lexicon::{
    Aarch64Architecture, Architecture, BinaryFormat, Endianness, Environment, OperatingSystem,
    Riscv64Architecture, Triple,
};

/// A target with C compilers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum CTarget {
    #[value(name = "x86_64")]
    X86_64,
    Aarch64,
    Riscv64,
    S390x,
}

/// Who compiles the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Compiler {
    Gcc,
    Clang,
    Rustc,
}

impl fmt::Display for CTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.architecture())
    }
}

impl fmt::Display for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compiler::Gcc => "gcc",
            Compiler::Clang => "clang",
            Compiler::Rustc => "rustc",
        })
    }
}

impl CTarget {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::X86_64, Self::Aarch64, Self::Riscv64, Self::S390x];

    /// The target of a triple, if there are C compilers for it on Linux.
    pub fn from_triple(triple: &Triple) -> Option<Self> {
        match triple.operating_system {
            OperatingSystem::Unknown | OperatingSystem::Linux | OperatingSystem::None_ => {}
            _ => return None,
        }
        let target = OutTarget::from_triple(triple)?;
        Self::ALL
            .into_iter()
            .find(|known| known.out_target() == target)
    }

    /// As `target` lines have it, with the flags that some types need.
    pub fn spec(self) -> &'static str {
        self.facts().spec
    }

    /// The first word of the triple.
    pub fn architecture(self) -> &'static str {
        let spec = self.spec();
        spec.split_once(' ').map_or(spec, |(word, _)| word)
    }

    /// The target as the layout of an out area depends on it.
    pub fn out_target(self) -> OutTarget {
        self.facts().out_target
    }

    /// Is the most significant byte the first?
    pub fn is_big_endian(self) -> bool {
        self.triple().endianness() == Ok(Endianness::Big)
    }

    /// The target whose processor is this machine's.
    pub fn host() -> Option<Self> {
        let is_same = |target: &Self| target.architecture() == std::env::consts::ARCH;
        Self::ALL.into_iter().find(is_same)
    }

    /// The triple of Linux.
    pub fn triple(self) -> Triple {
        let mut triple = Triple::unknown();
        triple.operating_system = OperatingSystem::Linux;
        triple.environment = Environment::Gnu;
        triple.binary_format = BinaryFormat::Elf;
        triple.architecture = self.facts().processor;
        triple
    }

    fn is_host(self) -> bool {
        self.architecture() == std::env::consts::ARCH && std::env::consts::OS == "linux"
    }

    fn gnu_triple(self) -> String {
        format!("{}-linux-gnu", self.architecture())
    }

    /// gcc, which also links what others have compiled.
    fn gcc(self) -> Tool {
        self.gnu("gcc")
    }

    fn gnu(self, compiler: &str) -> Tool {
        match self.is_host() {
            true => Tool::new(compiler),
            false => Tool::new(&format!("{}-{compiler}", self.gnu_triple())),
        }
    }

    fn emulator(self) -> Option<Tool> {
        let program = format!("qemu-{}", self.architecture());
        (!self.is_host()).then(|| Tool::new(&program))
    }

    /// Checks that programs compiled by `compiler` can be linked and run.
    ///
    /// # Errors
    ///
    /// Names the program that is missing.
    pub fn check_tools(self, compiler: Compiler) -> Result<(), String> {
        let compiler = (compiler != Compiler::Gcc).then(|| compiler.tool(self));
        let mut tools = compiler
            .into_iter()
            .chain([self.gcc()])
            .chain(self.emulator());
        tools.try_for_each(|tool| tool.check())
    }

    /// A command that compiles C++ or links what it has compiled, with the libraries of the target.
    ///
    /// # Errors
    ///
    /// Names the program that is missing.
    pub fn cpp_compiler(self) -> Result<Command, String> {
        let tool = self.gnu("g++");
        tool.check()?;
        self.emulator()
            .map_or(Ok(()), |emulator| emulator.check())?;
        Ok(Command::new(tool.program))
    }

    /// A command that links object files into a program, to be given these and `-o`.
    pub fn linker(self) -> Command {
        let mut command = Command::new(self.gcc().program);
        command.args(["-static", "-no-pie"]);
        command
    }

    /// A command that runs a program.
    pub fn runner(self, program: &Path) -> Command {
        let Some(emulator) = self.emulator() else {
            return Command::new(program);
        };
        let mut command = Command::new(emulator.program);
        // For programs that are not static.
        command.args(["-L", &format!("/usr/{}", self.gnu_triple())]);
        command.args(self.facts().emulator).arg(program);
        command
    }
}

/// What is known of a target.
struct Facts {
    /// As `target` lines have it.
    spec: &'static str,
    processor: Architecture,
    out_target: OutTarget,
    /// Options of compilers of C.
    compiler: &'static [&'static str],
    /// Options of the emulator.
    emulator: &'static [&'static str],
}

impl CTarget {
    fn facts(self) -> Facts {
        match self {
            Self::X86_64 => Facts {
                spec: "x86_64",
                processor: Architecture::X86_64,
                out_target: OutTarget::X64,
                compiler: &[],
                emulator: &[],
            },
            Self::Aarch64 => Facts {
                spec: "aarch64",
                processor: Architecture::Aarch64(Aarch64Architecture::Aarch64),
                out_target: OutTarget::Aarch64,
                compiler: &[],
                emulator: &[],
            },
            Self::Riscv64 => Facts {
                spec: "riscv64 has_v",
                processor: Architecture::Riscv64(Riscv64Architecture::Riscv64gc),
                out_target: OutTarget::Riscv64,
                compiler: &[],
                emulator: &["-cpu", "rv64,v=true,vlen=128,vext_spec=v1.0"],
            },
            Self::S390x => Facts {
                spec: "s390x",
                processor: Architecture::S390x,
                out_target: OutTarget::S390x,
                // Vectors in vector registers, as in Cranelift.
                compiler: &["-march=z14"],
                emulator: &[],
            },
        }
    }
}

impl Compiler {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Gcc, Self::Clang, Self::Rustc];

    /// The compilers of C.
    pub const OF_C: [Self; 2] = [Self::Gcc, Self::Clang];

    /// Rust's standard installation has the core library of the host alone.
    pub fn has_target(self, target: CTarget) -> bool {
        self != Self::Rustc || target.is_host()
    }

    fn tool(self, target: CTarget) -> Tool {
        match self {
            Compiler::Gcc => target.gcc(),
            Compiler::Clang => Tool::new("clang"),
            Compiler::Rustc => Tool::new("rustc"),
        }
    }

    /// A command that compiles one source file into an object file, to be given optimization level,
    /// source and `-o`.
    pub fn command(self, target: CTarget) -> Command {
        let mut command = Command::new(self.tool(target).program);
        match self {
            Compiler::Gcc => {
                command.args(["-std=gnu11", "-c", "-fno-pie"]);
            }
            Compiler::Clang => {
                command.args(["-std=gnu11", "-c", "-fno-pie"]);
                if !target.is_host() {
                    let triple = target.gnu_triple();
                    command.arg(format!("--target={triple}"));
                    command.args(["-isystem", &format!("/usr/{triple}/include")]);
                }
            }
            Compiler::Rustc => {
                command.args(["--edition=2024", "--crate-type=lib", "--emit=obj"]);
                command.args([
                    "-Cpanic=abort",
                    "-Cdebug-assertions=off",
                    "-Ccodegen-units=1",
                ]);
            }
        }
        if self != Compiler::Rustc {
            command.args(target.facts().compiler);
        }
        command
    }
}

/// A program. `cargo xtask setup` knows the packages of Debian that have it.
pub(crate) struct Tool {
    program: String,
}

impl Tool {
    pub(crate) fn new(program: &str) -> Self {
        Tool {
            program: program.to_owned(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        static ANSWERS: Answers<String, bool> = Mutex::new(None);
        let starts = once(&ANSWERS, self.program.clone(), || {
            let mut command = Command::new(&self.program);
            command.arg("--version");
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        });
        if starts {
            return Ok(());
        }
        Err(format!(
            "{} is missing: `cargo xtask setup` installs it, or says which package has it",
            self.program
        ))
    }
}

pub(crate) type Answers<K, V> = Mutex<Option<HashMap<K, V>>>;

/// Computes the answer for a key once.
pub(crate) fn once<K: Hash + Eq, V: Clone>(
    answers: &Answers<K, V>,
    key: K,
    compute: impl FnOnce() -> V,
) -> V {
    let mut answers = answers.lock().unwrap_or_else(|poison| poison.into_inner());
    let answers = answers.get_or_insert_default();
    answers.entry(key).or_insert_with(compute).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_names_who_has_it() {
        let error = Tool::new("no-such-compiler").check();
        assert_eq!(
            error.unwrap_err(),
            "no-such-compiler is missing: `cargo xtask setup` installs it, or says which package has it"
        );
    }

    #[test]
    fn targets_of_c() {
        let target = |name: &str| CTarget::from_triple(&name.parse().unwrap());
        assert_eq!(target("x86_64"), Some(CTarget::X86_64));
        assert_eq!(target("s390x-unknown-linux-gnu"), Some(CTarget::S390x));
        assert_eq!(target("aarch64-apple-darwin"), None);
        assert_eq!(target("pulley64"), None);
    }
}
