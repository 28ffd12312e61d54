//! The targets, their C compilers and how their programs run on this machine.

use anyhow::{Context, Result};
use cranelift_codegen::isa::multi_out::OutTarget;
use std::path::Path;
use std::process::Command;
use target_lexicon::Triple;

/// A target with a C compiler of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Target {
    #[value(name = "x86_64")]
    X86_64,
    Aarch64,
    Riscv64,
    S390x,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::X86_64, Self::Aarch64, Self::Riscv64, Self::S390x];

    /// The target that this program runs on, if it is one of these.
    pub fn host() -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|target| target.architecture() == std::env::consts::ARCH)
    }

    /// The first word of the triple, and the name on command lines.
    pub fn architecture(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::Riscv64 => "riscv64",
            Self::S390x => "s390x",
        }
    }

    /// The Linux triple.
    pub fn triple(self) -> Result<Triple> {
        let name = match self {
            Self::Riscv64 => "riscv64gc-unknown-linux-gnu".to_owned(),
            _ => format!("{}-unknown-linux-gnu", self.architecture()),
        };
        name.parse()
            .map_err(|error| anyhow::anyhow!("triple {name}: {error}"))
    }

    /// The target as the layout of an out area depends on it.
    pub fn out_target(self) -> OutTarget {
        match self {
            Self::X86_64 => OutTarget::X64,
            Self::Aarch64 => OutTarget::Aarch64,
            Self::Riscv64 => OutTarget::Riscv64,
            Self::S390x => OutTarget::S390x,
        }
    }

    /// Does a C compiler for this target know `_Float16`?
    pub fn c_has_f16(self) -> bool {
        matches!(self, Self::X86_64 | Self::Aarch64)
    }

    /// The C compiler: the system's own, or a cross compiler with the flags that choose the
    /// processor.
    pub fn c_compiler(self) -> Command {
        let mut command = Command::new(self.c_compiler_name());
        if self == Self::S390x {
            command.arg("-march=z14");
        }
        command
    }

    /// The C++ compiler that goes with it.
    pub fn cpp_compiler(self) -> Command {
        Command::new(self.cpp_compiler_name())
    }

    /// A command that runs a program made for this target, to be given its arguments.
    pub fn run(self, program: &Path) -> Command {
        if self.is_host() {
            return Command::new(program);
        }
        let architecture = self.architecture();
        let mut command = Command::new(self.emulator_name());
        command.args(["-L", &format!("/usr/{architecture}-linux-gnu")]);
        if self == Self::Riscv64 {
            command.args(["-cpu", "rv64,v=true,vlen=128,vext_spec=v1.0"]);
        }
        command.arg(program);
        command
    }

    /// Check that the C compiler, and the emulator if one is needed, can be started.
    ///
    /// # Errors
    ///
    /// Says which tool is missing and what to install.
    pub fn check_tools(self) -> Result<()> {
        let emulator = (!self.is_host()).then(|| self.emulator_name());
        for tool in [Some(self.c_compiler_name()), emulator]
            .into_iter()
            .flatten()
        {
            Command::new(&tool)
                .arg("--version")
                .output()
                .with_context(|| {
                    format!(
                        "{tool} does not start: install {}, or run `cargo xtask setup`",
                        self.packages()
                    )
                })?;
        }
        Ok(())
    }

    /// Check that the C++ compiler can be started.
    ///
    /// # Errors
    ///
    /// Says what to install.
    pub fn check_cpp_compiler(self) -> Result<()> {
        let name = self.cpp_compiler_name();
        Command::new(&name)
            .arg("--version")
            .output()
            .with_context(|| {
                let package = if self.is_host() {
                    "g++".to_owned()
                } else {
                    format!("g++-{}-linux-gnu", self.architecture().replace('_', "-"))
                };
                format!("{name} does not start: install {package}, or run `cargo xtask setup`")
            })?;
        Ok(())
    }

    /// The packages of Debian and Ubuntu that have the tools.
    fn packages(self) -> &'static str {
        match self {
            _ if self.is_host() => "gcc libc6-dev",
            Self::X86_64 => "gcc-x86-64-linux-gnu libc6-dev-amd64-cross qemu-user",
            Self::Aarch64 => "gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user",
            Self::Riscv64 => "gcc-riscv64-linux-gnu libc6-dev-riscv64-cross qemu-user",
            Self::S390x => "gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user",
        }
    }

    fn is_host(self) -> bool {
        Self::host() == Some(self)
    }

    fn c_compiler_name(self) -> String {
        if self.is_host() {
            "cc".to_owned()
        } else {
            format!("{}-linux-gnu-gcc", self.architecture())
        }
    }

    fn cpp_compiler_name(self) -> String {
        if self.is_host() {
            "c++".to_owned()
        } else {
            format!("{}-linux-gnu-g++", self.architecture())
        }
    }

    fn emulator_name(self) -> String {
        format!("qemu-{}", self.architecture())
    }
}
