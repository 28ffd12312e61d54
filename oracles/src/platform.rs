//! Platforms: a convention, and compilers of C and Rust that have it, for programs that run here.
//!
//! | platform | convention | the other side | programs |
//! |---|---|---|---|
//! | [`Platform::Linux`] | `system_v_multi_out` | what Linux has for the target | run natively or under qemu |
//! | [`Platform::Windows`] | `windows_fastcall_multi_out` | `ms_abi` of gcc and clang, `extern "win64"` of Rust | are of Linux |
//! | [`Platform::Mingw`] | the same | gcc and clang for Windows | are of Windows, and run under Wine |
//! | [`Platform::Apple`] | `apple_aarch64_multi_out` | clang for macOS, its assembly rewritten for ELF | are of Linux, and run under qemu |
//!
//! What this does not prove: linkers, loaders and unwinding of Apple platforms; Wine runs code as it is, so
//! calls under it are those of Windows.

use crate::toolchain::{CTarget, Compiler, Tool};
use clap::builder::PossibleValue;
use cranelift_codegen::ir::Signature;
use cranelift_codegen::isa::{CallConv, TargetIsa};
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};
use target_lexicon::{Architecture, BinaryFormat, Environment, OperatingSystem};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the module says it")]
pub enum Platform {
    Linux(CTarget),
    Windows,
    Mingw,
    Apple,
}

use Platform::{Apple, Linux, Mingw, Windows};

const MINGW: &str = "x86_64-w64-mingw32";

impl Platform {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Linux(CTarget::X86_64),
        Linux(CTarget::Aarch64),
        Linux(CTarget::Riscv64),
        Linux(CTarget::S390x),
        Windows,
        Mingw,
        Apple,
    ];

    /// Whose C is to be compared with code for `isa` of these signatures: that of Linux, unless the
    /// triple, or a signature, says otherwise.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn of(isa: &dyn TargetIsa, signatures: &[&Signature]) -> Result<Self, String> {
        let triple = isa.triple();
        let has = |convention| signatures.iter().any(|s| s.call_conv == convention);
        match (triple.operating_system, triple.environment) {
            (OperatingSystem::Windows, Environment::Gnu)
                if triple.architecture == Architecture::X86_64 =>
            {
                return Ok(Mingw);
            }
            (system, _) if system.is_like_darwin() && triple.binary_format == BinaryFormat::Elf => {
                return Ok(Apple);
            }
            _ => {}
        }
        let target = CTarget::from_triple(triple)
            .ok_or_else(|| format!("there is no C compiler for {triple}"))?;
        match target {
            CTarget::X86_64 if has(CallConv::WindowsFastcallMultiOut) => Ok(Windows),
            _ => Ok(Linux(target)),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Linux(target) => target.architecture(),
            Windows => "x86_64-windows",
            Mingw => "x86_64-mingw",
            Apple => "aarch64-apple",
        }
    }

    /// The processor, and what Linux has for it.
    pub fn target(self) -> CTarget {
        match self {
            Linux(target) => target,
            Windows | Mingw => CTarget::X86_64,
            Apple => CTarget::Aarch64,
        }
    }

    /// As `target` lines have it.
    pub fn spec(self) -> &'static str {
        match self {
            Linux(_) | Windows => self.target().spec(),
            Mingw => "x86_64-pc-windows-gnu",
            Apple => "aarch64-apple-darwin-elf",
        }
    }

    /// The convention in which functions with several results are C's.
    pub fn convention(self) -> CallConv {
        match self {
            Linux(_) => CallConv::SystemVMultiOut,
            Windows | Mingw => CallConv::WindowsFastcallMultiOut,
            Apple => CallConv::AppleAarch64MultiOut,
        }
    }

    /// Has the compiler this convention?
    pub fn has(self, compiler: Compiler) -> bool {
        match self {
            Linux(_) | Windows => compiler.has_target(self.target()),
            Mingw => compiler != Compiler::Rustc,
            Apple => compiler == Compiler::Clang,
        }
    }

    /// Does this setting of Cranelift make object files that can be linked?
    pub fn has_setting(self, setting: &str) -> bool {
        // COFF has no table of addresses for it.
        self != Mingw || setting != "is_pic=true"
    }

    /// Checks that programs compiled by `compiler` can be linked and run.
    ///
    /// # Errors
    ///
    /// Names the program that is missing.
    pub fn check_tools(self, compiler: Compiler) -> Result<(), String> {
        if self != Mingw {
            return self.target().check_tools(compiler);
        }
        Tool::new(&format!("{MINGW}-gcc")).check()?;
        Tool::new(WINE).check()?;
        match compiler {
            Compiler::Gcc => Ok(()),
            other => CTarget::X86_64.check_tools(other),
        }
    }

    /// What the names of programs end with.
    pub(crate) fn program_suffix(self) -> &'static str {
        if self == Mingw { ".exe" } else { "" }
    }

    /// As of [`CTarget::linker`].
    pub fn linker(self) -> Command {
        if self != Mingw {
            return self.target().linker();
        }
        let mut command = Command::new(format!("{MINGW}-gcc"));
        command.arg("-static");
        command
    }

    /// As of [`CTarget::runner`].
    pub fn runner(self, program: &Path) -> Command {
        if self != Mingw {
            return self.target().runner(program);
        }
        start_wine_server();
        let mut command = Command::new(WINE);
        command.arg(program).env("WINEDEBUG", "-all");
        command
    }

    /// As of [`Compiler::command`].
    pub fn compiler(self, compiler: Compiler) -> Command {
        let mut command;
        match (self, compiler) {
            (Mingw, Compiler::Gcc) => command = Command::new(format!("{MINGW}-gcc")),
            (Mingw, _) => {
                command = Command::new("clang");
                command.args(["--target=x86_64-pc-windows-gnu", "-isystem"]);
                command.arg(format!("/usr/{MINGW}/include"));
            }
            (Apple, Compiler::Clang) => {
                command = Command::new("clang");
                command.args([
                    "--target=arm64-apple-macos11-elf",
                    "-U__nonnull",
                    "-isystem",
                ]);
                command.args(["/usr/aarch64-linux-gnu/include", "-include", "apple.h"]);
                command.args(["-std=gnu11", "-S"]);
                return command;
            }
            _ => return compiler.command(self.target()),
        }
        command.args(["-std=gnu11", "-c"]);
        command
    }
}

/// Debian has it outside of the search path.
pub const WINE: &str = "/usr/lib/wine/wine64";

/// Programs of Windows share a server, which they find in the folder of temporary files. Started by the first of
/// them, it would have that program's limit of processor time. It goes when it has had nothing to do for a minute.
fn start_wine_server() {
    let mut server = Command::new("/usr/lib/wine/wineserver64");
    // It fails if there is one, or if there is no Wine, which the program's own failure says better.
    let _ = server.arg("--persistent=60").stderr(Stdio::null()).status();
}

/// Assembly for Apple's platform with addresses as ELF has them: rewrites `symbol@PAGE` and the like.
pub(crate) fn as_elf(assembly: &str) -> String {
    let words = assembly.split_inclusive([' ', '\t', '\n', ',', ']']);
    let rewritten = words.map(|word| {
        let Some((symbol, rest)) = word.split_once('@') else {
            return word.to_owned();
        };
        let end = rest.find(|c: char| !c.is_ascii_uppercase());
        let (kind, rest) = rest.split_at(end.unwrap_or(rest.len()));
        let prefix = match kind {
            "PAGE" => "",
            "PAGEOFF" => ":lo12:",
            "GOTPAGE" => ":got:",
            "GOTPAGEOFF" => ":got_lo12:",
            _ => return word.to_owned(),
        };
        format!("{prefix}{symbol}{rest}")
    });
    rewritten.collect()
}

impl From<CTarget> for Platform {
    fn from(target: CTarget) -> Self {
        Linux(target)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl clap::ValueEnum for Platform {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cranelift_codegen::{isa, settings};

    #[test]
    fn addresses_are_written_for_elf() {
        let text = "\t.type\tf,@function\nf:  // @f\n\tadrp\tx8, .L1@PAGE\n\tldr\tq1, [x8, .L1@PAGEOFF]\n\
                    \tadrp\tx9, g@GOTPAGE\n\tldr\tx9, [x9, g@GOTPAGEOFF]\n\tadd\tx1, x1, t@PAGEOFF+4\n";
        let elf = "\t.type\tf,@function\nf:  // @f\n\tadrp\tx8, .L1\n\tldr\tq1, [x8, :lo12:.L1]\n\
                   \tadrp\tx9, :got:g\n\tldr\tx9, [x9, :got_lo12:g]\n\tadd\tx1, x1, :lo12:t+4\n";
        assert_eq!(as_elf(text), elf);
    }

    #[test]
    fn platforms_of_triples_and_conventions() {
        for platform in Platform::ALL {
            let triple = platform.spec().split(' ').next().unwrap_or_default();
            let isa = isa::lookup_by_name(triple).unwrap();
            let isa = isa.finish(settings::Flags::new(settings::builder()));
            let signature = Signature::new(platform.convention());
            assert_eq!(Platform::of(&*isa.unwrap(), &[&signature]), Ok(platform));
        }
        let isa = isa::lookup_by_name("aarch64-apple-darwin").unwrap();
        let isa = isa.finish(settings::Flags::new(settings::builder()));
        let error = Platform::of(&*isa.unwrap(), &[]).unwrap_err();
        assert_eq!(error, "there is no C compiler for aarch64-apple-darwin");
    }
}
