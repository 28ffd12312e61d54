//! Signatures to test.

use crate::calls::define;
use cranelift_codegen::ir::{ArgumentExtension, Signature, Type};
use cranelift_codegen::isa::CallConv;

/// The convention, the parameters after `vmctx`, and the results, of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// `SystemVMultiOut`, but for other platforms and the twins of tests.
    pub convention: CallConv,
    /// Types of the parameters after `vmctx`.
    pub params: Vec<Type>,
    /// Types of the results.
    pub results: Vec<Type>,
    /// Which small integers are unsigned, to be zero-extended where C extends: bit `n` is for
    /// parameter `n`, `n + 64` and so on, [`Shape::RESULT`] for a single result.
    pub unsigned: u64,
}

impl Shape {
    /// A shape in `SystemVMultiOut` whose integers are signed.
    pub fn new(params: &[Type], results: &[Type]) -> Self {
        Self {
            convention: CallConv::SystemVMultiOut,
            params: params.to_vec(),
            results: results.to_vec(),
            unsigned: 0,
        }
    }

    /// The bit of a single result in [`Shape::unsigned`].
    pub const RESULT: u32 = u64::BITS - 1;

    /// Is the parameter with this number, or [`Shape::RESULT`], unsigned?
    pub fn is_unsigned(&self, bit: u32) -> bool {
        self.unsigned & (1 << (bit % u64::BITS)) != 0
    }

    /// The signature.
    pub fn signature(&self) -> Signature {
        let mut signature = define::signature(self.convention, &self.params, &self.results);
        let params = signature.params[1..].iter_mut();
        let result = signature.returns.first_mut();
        for (bit, value) in (0..).zip(params).chain(result.map(|r| (Self::RESULT, r))) {
            if self.is_unsigned(bit) && value.extension == ArgumentExtension::Sext {
                value.extension = ArgumentExtension::Uext;
            }
        }
        signature
    }
}
