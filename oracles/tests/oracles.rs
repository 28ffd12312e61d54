//! Random signatures against two oracles in this process: libffi, and `core::alloc::Layout`.
//!
//! Each test runs for about a second, from a fixed seed; how far it comes is printed.

use anyhow::Result;
use oracles::config::Config;
use oracles::random::Random;
use oracles::toolchain::CTarget;
use std::time::{Duration, Instant};

const TIME: Duration = Duration::from_secs(1);

/// Call `run` with numbers from 0 until the time is over, and at least `least` times.
fn repeat(least: usize, mut run: impl FnMut(usize) -> Result<()>) -> Result<usize> {
    let start = Instant::now();
    let mut done = 0;
    while done < least || start.elapsed() < TIME {
        run(done)?;
        done += 1;
    }
    Ok(done)
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod ffi {
    use super::*;
    use cranelift_codegen::ir::types::*;
    use oracles::ffi_oracle::{check, check_mismatch, random_shape};
    use oracles::shape::Shape;

    /// Shapes that are compiled together.
    const BATCH: usize = 32;

    fn check_config(config: Config, seed: u64) -> Result<()> {
        let mut random = Random::new(seed);
        let mut calls = 0;
        let batches = repeat(2, |_| {
            let shapes: Vec<Shape> = (0..BATCH).map(|_| random_shape(&mut random)).collect();
            calls += check(&shapes, config)?;
            Ok(())
        })?;
        println!("{config}: {} shapes, {calls} calls", batches * BATCH);
        Ok(())
    }

    #[test]
    fn libffi_agrees_with_optimized_code() -> Result<()> {
        check_config(Config::SPEED, 1)
    }

    #[test]
    fn libffi_agrees_with_quickly_compiled_code() -> Result<()> {
        let config = Config {
            opt_level: "none",
            regalloc_algorithm: "single_pass",
            is_pic: false,
        };
        check_config(config, 2)
    }

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
}

mod layout {
    use super::*;
    use oracles::layout_oracle::{check, types_of};

    fn check_target(target: CTarget) -> Result<()> {
        let types = types_of(target.out_target());
        let mut random = Random::new(3);
        let lists = repeat(10_000, |_| {
            let count = random.count(100);
            check(&random.types(&types, count), target.out_target())
        })?;
        println!("{target:?}: {lists} lists of fields");
        Ok(())
    }

    #[test]
    fn x86_64_is_laid_out_as_rust_does() -> Result<()> {
        check_target(CTarget::X86_64)
    }

    #[test]
    fn aarch64_is_laid_out_as_rust_does() -> Result<()> {
        check_target(CTarget::Aarch64)
    }

    #[test]
    fn riscv64_is_laid_out_as_rust_does() -> Result<()> {
        check_target(CTarget::Riscv64)
    }

    #[test]
    fn s390x_is_laid_out_as_rust_does() -> Result<()> {
        check_target(CTarget::S390x)
    }
}
