//! Signatures to test, and a table of them.

use crate::define;
use cranelift_codegen::ir::{ArgumentExtension, Signature, Type, types::*};
use cranelift_codegen::isa::CallConv;
use cranelift_codegen::isa::multi_out::OutTarget;

/// The parameters after `vmctx`, and the results, of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Part of a name in C.
    pub name: String,
    /// Types of the parameters after `vmctx`.
    pub params: Vec<Type>,
    /// Types of the results.
    pub results: Vec<Type>,
    /// Which small integers are unsigned, to be zero-extended where C extends: bit `n` is for
    /// parameter `n`, [`Shape::RESULT`] for a single result.
    pub unsigned: u64,
}

impl Shape {
    /// A shape that is named after its types and how many there are.
    pub fn new(params: &[Type], results: &[Type]) -> Self {
        let list = |types: &[Type]| match types {
            [] => "none".to_owned(),
            _ if types.len() > 6 => format!("{}_from_{}", types.len(), types[0]),
            _ => types
                .iter()
                .map(Type::to_string)
                .collect::<Vec<_>>()
                .join("_"),
        };
        let name = if params.is_empty() {
            list(results)
        } else {
            format!("{}_to_{}", list(params), list(results))
        };
        Self {
            name,
            params: params.to_vec(),
            results: results.to_vec(),
            unsigned: 0,
        }
    }

    /// The bit of a single result in [`Shape::unsigned`].
    pub const RESULT: u32 = u64::BITS - 1;

    /// Is the parameter with this number, or [`Shape::RESULT`], unsigned?
    pub fn is_unsigned(&self, bit: u32) -> bool {
        self.unsigned & (1 << bit) != 0
    }

    /// The signature in a convention, which is `SystemVMultiOut` but for the twins of tests.
    pub fn signature(&self, call_conv: CallConv) -> Signature {
        let mut signature = define::signature(call_conv, &self.params, &self.results);
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

const SCALARS: [Type; 9] = [I8, I16, I32, I64, I128, F16, F32, F64, F128];

/// 128 bits in every lane type, and the shorter vectors.
const VECTORS: [Type; 13] = [
    I8X16, I16X8, I32X4, I64X2, F32X4, F64X2, I8X2, I8X4, I16X2, I8X8, I16X4, I32X2, F32X2,
];

/// Shapes whose layout has something to get wrong.
const RESULTS: [&[Type]; 10] = [
    &[],
    &[I8, I128, F32, F64],
    &[I8, I16, I8, I64, I32],
    &[I8, I8, I8],
    &[I32, I8X16, I8],
    &[I16, F128, I8],
    &[F64, I8, F64, I8],
    &[I128, I8, I128, I8],
    &[F32, I8X16, F32, F64],
    &[I8, I64, F64, I8, I128, I8, I8],
];

/// Parameters for every register and for the stack, where all of Cranelift is C; see [`corners`].
const PARAMS: [&[Type]; 9] = [
    &[I8, I16, I32],
    &[I64, I64, I64, I64, I64, I64, I64],
    &[I64, I64, I64, I64, I64, I64, I64, I8, I16, I32, I64],
    &[F32, F64, F32, F64, F32, F64, F32, F64],
    &[I8, F32, I16, F64, I32, F32, I64, F64],
    &[
        I64, I64, I64, I64, I64, I64, I64, F64, F64, F64, F64, F64, F64, F64, F64, F64, I32, F64,
    ],
    &[I128],
    &[I64, I128],
    &[I128, I64, I64, I64, I64, F64, I8],
];

/// One vector parameter, and several.
const VECTOR_PARAMS: [&[Type]; 2] = [&[I8X16, I64, F64], &[F64, I32X4, F32, F64X2, I8]];

/// Every shape that the target has: all pairs of scalars, vectors, few and many results, and
/// parameters on the stack.
pub fn all(target: OutTarget, has_f16: bool) -> Vec<Shape> {
    let has = |ty: &Type| target.has_memory_type(*ty) && (*ty != F16 || has_f16);
    let scalars: Vec<Type> = SCALARS.into_iter().filter(has).collect();
    let vectors: Vec<Type> = VECTORS.into_iter().filter(has).collect();
    let mut shapes = Vec::new();

    for &first in scalars.iter().chain([&I8X16]) {
        for &second in scalars.iter().chain([&I8X16]) {
            shapes.push(Shape::new(&[], &[first, second]));
        }
    }
    for &vector in &vectors {
        shapes.push(Shape::new(&[], &[I8, vector, I8]));
    }
    shapes.extend(RESULTS.iter().map(|results| Shape::new(&[], results)));

    // C returns GNU vectors on riscv64 in integer registers; there our convention refuses one.
    let single_vector = (target != OutTarget::Riscv64).then_some(I8X16);
    for &single in scalars.iter().chain(&single_vector) {
        shapes.push(Shape::new(&[], &[single]));
    }

    let all: Vec<Type> = scalars.iter().chain(&vectors).copied().collect();
    for count in [9, 17, 100] {
        for first in [0, 3, 7] {
            let results: Vec<Type> = all
                .iter()
                .copied()
                .cycle()
                .skip(first)
                .take(count)
                .collect();
            shapes.push(Shape::new(&[], &results));
        }
    }

    let vector_params = match target {
        OutTarget::X64 | OutTarget::Aarch64 => &VECTOR_PARAMS[..],
        OutTarget::S390x => &VECTOR_PARAMS[..1],
        _ => &[],
    };
    for params in PARAMS.iter().chain(vector_params) {
        for results in [&[][..], &[I32], &[I64, I64], &[I8, F64, I128]] {
            shapes.push(Shape::new(params, results));
        }
    }
    shapes
}

/// Parameters and single results that Cranelift's own `system_v` does not place as C does, on one
/// target or another, so that this convention must know better or refuse them:
///
/// - x86-64: an integer after an `i128` that found no registers,
/// - riscv64: floats after the eighth while integer registers remain, `i128` on the stack, and
///   vectors,
/// - s390x: the second and later vectors, which C puts in v26, v28 and so on,
/// - x86-64 and aarch64: vectors of 16 and 32 bits, which C has in integer registers.
const CORNERS: [(&[Type], &[Type]); 22] = [
    (&[I64, I64, I64, I128, I64], &[I64, I64]),
    (&[I64, I64, I64, I64, I128, I8], &[I64, I64]),
    (&[I64, I64, I64, I64, I64, I128, I8], &[I64, I64]),
    (&[I64, I64, I64, I64, I64, I64, I128, I8], &[I64, I64]),
    (&[I64, I64, I64, I64, I64, I64, I64, I128], &[I64, I64]),
    (
        &[I64, I64, I64, I64, I64, I64, I64, I64, I8, I128, I8],
        &[I64, I64],
    ),
    (
        &[I64, I64, I64, I64, I64, I64, I64, I8, I8X16, I8],
        &[I64, I64],
    ),
    (
        &[F64, F64, F64, F64, F64, F64, F64, F64, F32, F32, F64],
        &[I64, I64],
    ),
    (
        &[F64, F64, F64, F64, F64, F64, F64, F64, I8X16, F32, I8X16],
        &[I64, I64],
    ),
    (&[F32, I32X4, F32, F64X2, I8], &[I64, I64]),
    (&[F128, I8, F128], &[I64, I64]),
    (&[F16, F16, I8], &[I64, I64]),
    (&[I8X8, I32X2, F32X2, I8], &[I64, I64]),
    (&[I8X4, I8], &[I64, I64]),
    (&[I8X2, I8], &[I64, I64]),
    (&[], &[I8X8]),
    (&[], &[F32X2]),
    (&[], &[I8X4]),
    (&[], &[I16X2]),
    (&[], &[I8X2]),
    (&[], &[F32X4]),
    (&[], &[I64X2]),
];

/// Shapes that are refused if they are not as in C: parameters and single results that some
/// target has in another place than C.
pub fn corners(has_f16: bool) -> Vec<Shape> {
    // Their number, as names of many types are not unique.
    let mut shapes = Vec::new();
    for (index, (params, results)) in CORNERS.into_iter().enumerate() {
        if has_f16 || !params.contains(&F16) {
            let mut shape = Shape::new(params, results);
            shape.name = format!("corner_{index}_{}", shape.name);
            shapes.push(shape);
        }
    }
    shapes
}
