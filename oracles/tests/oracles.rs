//! An oracle that agrees with everything would be none. What it agrees with, fuzz targets try.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

use cranelift_codegen::ir::types::*;
use oracles::calls::config::Config;
use oracles::calls::ffi_oracle::{check, check_mismatch};
use oracles::calls::shape::Shape;

/// A signature that is a little wrong does not pass.
#[test]
fn libffi_disagrees_with_another_shape() {
    let right = Shape::new(&[I64, F64, I32], &[I32, I64, F32]);
    let wrong = [
        Shape::new(&[I64, F64, I32], &[I32, F32, I64]),
        Shape::new(&[I64, F64, I32], &[I64, I64, F32]),
        Shape::new(&[I64, F64, I32], &[I32, I64, F64]),
        Shape::new(&[I64, I32, I32], &[I32, I64, F32]),
        Shape::new(&[F64, F64, I32], &[I32, I64, F32]),
    ];
    check(std::slice::from_ref(&right), Config::SPEED).expect("the right shape");
    for wrong in &wrong {
        let result = check_mismatch(&right, wrong, Config::SPEED);
        assert!(result.is_err(), "{wrong:?}");
    }
}
