//! The compiled functions that the example `object.rs` shows.
//!
//! ```text
//!   swap(vmctx) -> i32, i32                        the results of `foo`, exchanged
//!   grow(vmctx, i8, i128, f32, f64)                the results of `mixed`, each doubled
//!       -> i8, i128, f32, f64, i64x2
//!   sums(vmctx, i64 × 8, f64 × 9)                  running sums, a total, and how many there were
//!       -> i64 × 8, f64, i32
//!   sums_twice(…) -> …                             `sums` of what `host_sums` says
//! ```
//!
//! `foo`, `mixed` and `host_sums` are functions of C: `foo` is called through its symbol,
//! `mixed` through a pointer in memory, and `host_sums` through its address.

use crate::define::{Defined, define, signature};
use anyhow::Result;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Signature, Type, Value, types::*};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;
use cranelift_module::{Linkage, Module};

/// The results of `foo` and `swap`.
pub const PAIR: &[Type] = &[I32, I32];

/// The results of `mixed` and `grow`.
pub const MIXED: &[Type] = &[I8, I128, F32, F64, I64X2];

/// The results of `sums`, `host_sums` and `sums_twice`.
pub const SUMS: &[Type] = &[I64, I64, I64, I64, I64, I64, I64, I64, F64, I32];

/// The compiled functions.
pub struct Demo {
    /// `swap`, which calls `foo`.
    pub swap: Defined,
    /// `grow`, which calls the function that its `vmctx` points to.
    pub grow: Defined,
    /// `sums`, which calls nobody.
    pub sums: Defined,
    /// `sums_twice`, which calls `host_sums` and `sums`.
    pub sums_twice: Defined,
}

impl Demo {
    /// Compile them into a module.
    ///
    /// # Errors
    ///
    /// Those of [`define`](define()).
    pub fn define<M: Module>(module: &mut M) -> Result<Self> {
        let sums = define_sums(module)?;
        Ok(Self {
            swap: define_swap(module)?,
            grow: define_grow(module)?,
            sums_twice: define_sums_twice(module, &sums)?,
            sums,
        })
    }
}

fn multi_out(params: &[Type], results: &[Type]) -> Signature {
    signature(CallConv::SystemVMultiOut, params, results)
}

fn sums_signature() -> Signature {
    multi_out(&[[I64; 8].as_slice(), &[F64; 9]].concat(), SUMS)
}

fn define_swap<M: Module>(module: &mut M) -> Result<Defined> {
    let host = module.declare_function("foo", Linkage::Import, &multi_out(&[], PAIR))?;
    define(
        module,
        "swap",
        multi_out(&[], PAIR),
        |module, builder, params| {
            let host = module.declare_func_in_func(host, builder.func);
            let call = builder.ins().call(host, params);
            let mut results = builder.inst_results(call).to_vec();
            results.reverse();
            Ok(results)
        },
    )
}

fn define_grow<M: Module>(module: &mut M) -> Result<Defined> {
    let signature = multi_out(&[I8, I128, F32, F64], MIXED);
    define(module, "grow", signature.clone(), |_, builder, params| {
        let flags = MemFlagsData::trusted();
        let pointer = builder.ins().load(I64, flags, params[0], 0);
        let signature = builder.import_signature(signature);
        let call = builder.ins().call_indirect(signature, pointer, params);
        let results = builder.inst_results(call).to_vec();
        Ok(results
            .into_iter()
            .map(|result| double(builder, result))
            .collect())
    })
}

fn double(builder: &mut FunctionBuilder<'_>, value: Value) -> Value {
    if builder.func.dfg.value_type(value).is_float() {
        builder.ins().fadd(value, value)
    } else {
        builder.ins().iadd(value, value)
    }
}

fn define_sums<M: Module>(module: &mut M) -> Result<Defined> {
    define(module, "sums", sums_signature(), |_, builder, params| {
        let (ints, floats) = params[1..].split_at(8);
        let mut results = vec![ints[0]];
        for &int in &ints[1..] {
            let last = results[results.len() - 1];
            results.push(builder.ins().iadd(last, int));
        }
        let total = floats[1..]
            .iter()
            .fold(floats[0], |total, &float| builder.ins().fadd(total, float));
        results.push(total);
        results.push(builder.ins().iconst(I32, 17));
        Ok(results)
    })
}

fn define_sums_twice<M: Module>(module: &mut M, sums: &Defined) -> Result<Defined> {
    let host_sums = module.declare_function("host_sums", Linkage::Import, &sums_signature())?;
    let sums = sums.id;
    define(
        module,
        "sums_twice",
        sums_signature(),
        |module, builder, params| {
            let host_sums = module.declare_func_in_func(host_sums, builder.func);
            let address = builder.ins().func_addr(I64, host_sums);
            let signature = builder.import_signature(sums_signature());
            let call = builder.ins().call_indirect(signature, address, params);
            let first = builder.inst_results(call).to_vec();

            let mut args = params.to_vec();
            args[1..9].copy_from_slice(&first[..8]);
            let sums = module.declare_func_in_func(sums, builder.func);
            let call = builder.ins().call(sums, &args);
            Ok(builder.inst_results(call).to_vec())
        },
    )
}
