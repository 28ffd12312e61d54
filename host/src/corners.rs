//! Where stock Cranelift does not pass values as C does.
//!
//! The fork's convention does what C does in most of these places. Without it they are refused: a value
//! must never be where C does not look. A test compares what is left with the fork's convention, for all
//! short lists of types and random longer ones.

use crate::back_end::Area;
use cranelift_codegen::ir::{Signature, types};
use cranelift_codegen::isa::{CallConv, TargetIsa};

/// What stock Cranelift passes otherwise than C, and what to do, if there is anything.
pub(crate) fn disagreement(
    isa: &dyn TargetIsa,
    signature: &Signature,
    area: Option<&Area>,
) -> Option<String> {
    let triple = isa.triple();
    let params: Vec<_> = signature.params.iter().map(|p| p.value_type).collect();
    let results = signature.returns.iter().map(|p| p.value_type);
    let passed: Vec<_> = params.iter().copied().chain(results).collect();
    let fields = area
        .iter()
        .flat_map(|area| area.fields.iter().map(|field| field.0));
    let has_i128 = passed.contains(&types::I128);
    let has_vector = passed.iter().any(|ty| ty.is_vector());
    let refuse = |what: &str, instead: &str| {
        Some(format!(
            "stock Cranelift does not pass {what} as C does on {triple}; {instead}"
        ))
    };
    const BY_POINTER: &str = "pass a pointer to it, or use the fork";
    if isa.default_call_conv() != CallConv::SystemV && (has_i128 || has_vector) {
        return refuse("128-bit values", "pass a pointer to them");
    }
    match isa.name() {
        "x64" if has_i128 && !isa.flags().enable_llvm_abi_extensions() => {
            return refuse(
                "`i128`",
                "set `enable_llvm_abi_extensions`, or use the fork",
            );
        }
        "riscv64" if has_vector => {
            return refuse("vectors", "pass a pointer to them");
        }
        "s390x" if params.iter().filter(|ty| ty.is_vector()).count() > 1 => {
            return refuse(
                "more than one vector",
                "pass pointers to them, or use the fork",
            );
        }
        "pulley64" => {
            if has_i128 || fields.into_iter().any(|ty| ty == types::I128) {
                return refuse("`i128`", "pass its halves");
            }
        }
        _ => {}
    }
    // The integer registers and words on the stack that C has used so far.
    let (mut ints, mut floats, mut words) = (0, 0, 0);
    for (index, ty) in params.iter().enumerate() {
        let int_follows = params[index + 1..].iter().any(|ty| ty.is_int());
        match isa.name() {
            "x64" if *ty == types::I128 => match ints {
                5 if int_follows => {
                    return refuse(
                        "an `i128` that does not fit into the last register",
                        BY_POINTER,
                    );
                }
                ..5 => ints += 2,
                _ => {}
            },
            "aarch64" if *ty == types::I128 => match ints {
                7 if int_follows => {
                    return refuse(
                        "an `i128` that does not fit into the last register",
                        BY_POINTER,
                    );
                }
                7.. => ints = 8,
                _ => ints = (ints + 1) / 2 * 2 + 2,
            },
            "riscv64" if *ty == types::I128 => {
                if ints >= 8 && words % 2 == 1 {
                    return refuse("an `i128` on the stack", BY_POINTER);
                }
                words += 2 - (8 - ints).min(2);
                ints = (ints + 2).min(8);
            }
            "riscv64" if ty.is_float() && floats < 8 => floats += 1,
            "riscv64" if ty.is_float() && ints < 8 => {
                return refuse("a ninth float", BY_POINTER);
            }
            "riscv64" if ints >= 8 => words += 1,
            _ if ty.is_int() => ints += 1,
            _ => {}
        }
    }
    None
}
