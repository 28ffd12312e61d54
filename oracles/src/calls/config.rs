//! Code generation settings, and instruction sets made from them.

use crate::toolchain::CTarget;
use anyhow::Result;
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use std::fmt;

/// Settings that change how calls are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// `opt_level`: `none`, `speed` or `speed_and_size`.
    pub opt_level: &'static str,
    /// `regalloc_algorithm`: `backtracking` or `single_pass`.
    pub regalloc_algorithm: &'static str,
    /// `is_pic`: position-independent code. A JIT module needs it off.
    pub is_pic: bool,
}

impl Config {
    /// Optimized code at a fixed position.
    pub const SPEED: Self = Self {
        opt_level: "speed",
        regalloc_algorithm: "backtracking",
        is_pic: false,
    };

    /// Both levels with both register allocators.
    pub fn all(is_pic: bool) -> impl Iterator<Item = Self> {
        ["none", "speed"].into_iter().flat_map(move |opt_level| {
            ["backtracking", "single_pass"]
                .into_iter()
                .map(move |regalloc_algorithm| Self {
                    opt_level,
                    regalloc_algorithm,
                    is_pic,
                })
        })
    }

    /// The instruction set of a target with these settings.
    ///
    /// `enable_llvm_abi_extensions` stays off: the convention does not need it.
    pub fn isa(self, target: CTarget) -> Result<OwnedTargetIsa> {
        let mut flags = settings::builder();
        flags.set("opt_level", self.opt_level)?;
        flags.set("regalloc_algorithm", self.regalloc_algorithm)?;
        flags.set("is_pic", if self.is_pic { "true" } else { "false" })?;
        flags.set("use_colocated_libcalls", "false")?;
        let mut builder = isa::lookup(target.triple())?;
        if target == CTarget::Riscv64 {
            // Vectors are loaded and stored by instructions of the V extension.
            builder.enable("has_v")?;
        }
        Ok(builder.finish(settings::Flags::new(flags))?)
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pic = if self.is_pic { "pic" } else { "no_pic" };
        write!(f, "{}-{}-{pic}", self.opt_level, self.regalloc_algorithm)
    }
}
