//! What compilers do not have, and what those of C disagree about: found by programs that show it.

use crate::platform::Platform::{self, Linux};
use crate::toolchain::{Answers, CTarget, Compiler, once};
use crate::workshop::{BuildError, Ending, Workshop};
use cranelift_codegen::ir::{Signature, Type, types};
use std::path::PathBuf;
use std::sync::Mutex;

/// Something that gcc and another C compiler for one platform see differently, so that no convention
/// can agree with both.
///
/// A signature that it is about is left out for this compiler, by name, as long as a program shows the
/// quarrel: what matters is what the compiler does, not which version it is.
#[derive(Debug)]
pub struct Quarrel {
    /// Its name in reports.
    pub name: &'static str,
    /// The platform.
    pub platform: Platform,
    /// The compiler that is alone with its view.
    pub compiler: Compiler,
    /// Is the signature about it?
    pub concerns: fn(&Signature) -> bool,
    /// C whose part under `#ifdef MAIN` is compiled by the compiler and the rest by gcc. The program
    /// succeeds if they agree.
    pub probe: &'static str,
}

/// All known quarrels, seen with clang 14 against gcc 12.
pub const QUARRELS: &[Quarrel] = &[
    Quarrel {
        name: "clang aligns __int128 to 16 bytes on s390x, gcc and the ABI to 8",
        platform: Linux(CTarget::S390x),
        compiler: Compiler::Clang,
        concerns: |signature| has_field(signature, types::I128),
        probe: "\
#ifdef MAIN
extern const unsigned long alignment;
int main(void) { return alignment != _Alignof(__int128); }
#else
const unsigned long alignment = _Alignof(__int128);
#endif
",
    },
    Quarrel {
        name: "clang splits __int128 between the last register and the stack on x86-64, or aligns it \
               to 8 bytes there, gcc and the ABI to 16",
        platform: Linux(CTarget::X86_64),
        compiler: Compiler::Clang,
        concerns: has_i128_elsewhere_on_the_stack,
        probe: "\
typedef __int128 wide;
int split(long, long, long, long, long, wide);
int odd(long, long, long, long, long, long, long, wide);
#define VALUE ((wide)2 << 64 | 1)
#ifdef MAIN
int main(void) { return split(0, 0, 0, 0, 0, VALUE) || odd(0, 0, 0, 0, 0, 0, 0, VALUE); }
#else
int split(long a, long b, long c, long d, long e, wide v) { return v != VALUE; }
int odd(long a, long b, long c, long d, long e, long f, long g, wide v) { return v != VALUE; }
#endif
",
    },
];

impl Compiler {
    /// The quarrel that keeps the compiler from agreeing with others on the signature.
    pub fn quarrel(
        self,
        platform: impl Into<Platform>,
        signature: &Signature,
    ) -> Option<&'static Quarrel> {
        let platform = platform.into();
        QUARRELS.iter().find(|quarrel| {
            (quarrel.compiler, quarrel.platform) == (self, platform)
                && (quarrel.concerns)(signature)
                && !agrees(self, platform, quarrel.probe)
        })
    }

    /// Why the compiler cannot judge code with the signature, if it cannot: it has no such type, or another one than gcc.
    pub fn difference(
        self,
        platform: impl Into<Platform>,
        signature: &Signature,
    ) -> Option<String> {
        let platform = platform.into();
        let mut values = signature.params.iter().chain(&signature.returns);
        let types = values.find(|value| !self.has_type(platform, value.value_type));
        let lacks = types.map(|value| {
            let ty = value.value_type.lane_type();
            format!("{self} has no type for {ty} on {platform}")
        });
        lacks.or_else(|| Some(self.quarrel(platform, signature)?.name.to_owned()))
    }

    /// Has the compiler this type on the platform?
    fn has_type(self, platform: Platform, ty: Type) -> bool {
        if ty.lane_type() != types::F16 || self == Compiler::Rustc {
            return true;
        }
        compiles(
            self,
            platform,
            "_Float16 f(_Float16 x) { return x; }\n#ifndef __FLT16_MAX__\n#error\n#endif\n",
        )
    }
}

/// Is there an `i128` parameter for which x86-64 has one integer register left, or none, and the
/// arguments on the stack so far are no multiple of 16 bytes?
fn has_i128_elsewhere_on_the_stack(signature: &Signature) -> bool {
    let has_area = signature.returns.len() > 1;
    let (mut ints_left, mut floats_left, mut stack_words) = (6 - u32::from(has_area), 8, 0u32);
    for param in &signature.params {
        let ty = param.value_type;
        let words = ty.bytes().div_ceil(8);
        let (left, wanted) = match ty.is_int() {
            true => (&mut ints_left, words),
            false => (&mut floats_left, 1),
        };
        if wanted <= *left {
            *left -= wanted;
        } else if ty == types::I128 && (*left == 1 || stack_words % 2 == 1) {
            return true;
        } else {
            stack_words = stack_words.next_multiple_of(words) + words;
        }
    }
    false
}

fn has_field(signature: &Signature, ty: Type) -> bool {
    let mut fields = signature.returns.iter();
    signature.returns.len() > 1 && fields.any(|field| field.value_type == ty)
}

/// Does the compiler accept this C? Asked once.
fn compiles(compiler: Compiler, platform: Platform, source: &'static str) -> bool {
    static ANSWERS: Answers<(Compiler, Platform, &'static str), bool> = Mutex::new(None);
    let compile = || -> Result<PathBuf, BuildError> {
        let workshop = Workshop::new()?;
        workshop.write("probe.c", source)?;
        workshop.compile((platform, compiler), "probe.c", "probe.o", "-O0", &[""; 0])
    };
    once(&ANSWERS, (compiler, platform, source), || compile().is_ok())
}

/// Does the program of a [`Quarrel`] say that the compiler agrees with gcc? Asked once.
fn agrees(compiler: Compiler, platform: Platform, source: &'static str) -> bool {
    static ANSWERS: Answers<(Compiler, Platform, &'static str), bool> = Mutex::new(None);
    let program_succeeds = || -> Result<bool, BuildError> {
        let workshop = Workshop::new()?;
        workshop.write("probe.c", source)?;
        let compile = |compiler, object, flags: &[&str]| {
            workshop.compile((platform, compiler), "probe.c", object, "-O0", flags)
        };
        let main = compile(compiler, "main.o", &["-DMAIN"])?;
        let rest = compile(Compiler::Gcc, "rest.o", &[])?;
        let program = workshop.link(platform, &[&main, &rest], "probe")?;
        let ending = workshop.run(platform, &program, &[])?.ending;
        Ok(matches!(ending, Ending::Ended(status) if status.success()))
    };
    once(&ANSWERS, (compiler, platform, source), || {
        program_succeeds().unwrap_or(false)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cranelift_codegen::ir::AbiParam;
    use cranelift_codegen::isa::CallConv;

    #[test]
    fn a_compiler_refuses_what_it_does_not_have() {
        for compiler in Compiler::OF_C {
            match CTarget::X86_64.check_tools(compiler) {
                Ok(()) => {
                    assert!(compiles(compiler, CTarget::X86_64.into(), "int f;\n"));
                    assert!(!compiles(compiler, CTarget::X86_64.into(), "#error\n"));
                }
                Err(missing) => println!("skipped: {missing}"),
            }
        }
    }

    #[test]
    fn nobody_quarrels_with_himself() {
        for quarrel in QUARRELS {
            match quarrel.platform.check_tools(Compiler::Gcc) {
                Ok(()) => assert!(
                    agrees(Compiler::Gcc, quarrel.platform, quarrel.probe),
                    "{}",
                    quarrel.name
                ),
                Err(missing) => println!("skipped: {missing}"),
            }
        }
    }

    #[test]
    fn an_i128_quarrels_only_on_the_stack() {
        let concerns = |ints: usize, floats: usize, results: usize| {
            let mut signature = Signature::new(CallConv::SystemVMultiOut);
            signature.params = vec![AbiParam::new(types::I64); ints];
            signature
                .params
                .extend(vec![AbiParam::new(types::F64); floats]);
            signature.params.push(AbiParam::new(types::I128));
            signature.returns = vec![AbiParam::new(types::I8); results];
            has_i128_elsewhere_on_the_stack(&signature)
        };
        assert_eq!(
            [4, 5, 6, 7, 8].map(|ints| concerns(ints, 0, 0)),
            [false, true, false, true, false]
        );
        // The out pointer is an integer, and a ninth float is on the stack.
        assert_eq!(
            [3, 4, 5].map(|ints| concerns(ints, 0, 2)),
            [false, true, false]
        );
        assert!(!concerns(6, 8, 0) && concerns(6, 9, 0) && !concerns(4, 9, 0));
    }
}
