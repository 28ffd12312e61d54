//! `host-calls`: libffi calls compiled functions, and is called by them.
//!
//! With graffiti values, out areas against guard pages, in all directions.

use crate::{Oracle, Verdict};
use arbitrary::Arbitrary;
use cranelift_codegen::ir::Type;
use cranelift_codegen::isa::CallConv;
use oracles::calls::config::Config;
use oracles::calls::ffi_oracle::{FIELDS, SCALARS, check};
use oracles::calls::shape::Shape;
use oracles::calls::vmctx::{MAX_PARAMS, MAX_RESULTS};

/// See the module.
pub struct HostCalls;

/// A signature, by the indices of its types, and settings.
#[derive(Arbitrary, Debug)]
pub struct Case {
    optimizes: bool,
    is_single_pass: bool,
    /// In `windows_fastcall_multi_out`, on x86-64.
    is_windows: bool,
    /// See [`Shape::unsigned`].
    unsigned: u64,
    params: Vec<u8>,
    results: Vec<u8>,
}

impl Case {
    fn shape(&self) -> Shape {
        let pick = |from: &[Type], byte: &u8| from[usize::from(*byte) % from.len()];
        let params: Vec<_> = self.params.iter().map(|b| pick(&SCALARS, b)).collect();
        // A single result is in a register, and libffi must know its type.
        let types = match self.results.len() {
            1 => &SCALARS[..],
            _ => &FIELDS[..],
        };
        let results: Vec<_> = self.results.iter().map(|b| pick(types, b)).collect();
        let mut shape = Shape::new(
            &params[..params.len().min(MAX_PARAMS)],
            &results[..results.len().min(MAX_RESULTS)],
        );
        shape.unsigned = self.unsigned;
        if self.is_windows && cfg!(target_arch = "x86_64") {
            shape.convention = CallConv::WindowsFastcallMultiOut;
        }
        shape
    }

    fn config(&self) -> Config {
        Config {
            opt_level: if self.optimizes { "speed" } else { "none" },
            regalloc_algorithm: match self.is_single_pass {
                true => "single_pass",
                false => "backtracking",
            },
            is_pic: false,
        }
    }
}

impl Oracle for HostCalls {
    const NAME: &'static str = "host-calls";
    type Case = Case;

    fn check(case: &Case) -> Verdict {
        if let Err(error) = check(&[case.shape()], case.config()) {
            panic!("{error:#}");
        }
        Verdict::Passed
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn smoke() {
        crate::smoke::smoke::<super::HostCalls>(64, 0);
    }
}
