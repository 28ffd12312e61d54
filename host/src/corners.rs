//! Where stock Cranelift does not pass values as C does.
//!
//! The fork's convention does what C does in most of these places. Without it they are refused: a value
//! must never be where C does not look. A test compares what is left with the fork's convention, for all
//! short lists of types and random longer ones.

use crate::area::Area;
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
    let mut fields = area
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
    let is_apple = isa.default_call_conv() == CallConv::AppleAarch64;
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
        // Those among several results need the V extension.
        "riscv64" if has_vector || fields.any(|ty| ty.is_vector()) => {
            return refuse("vectors", "pass a pointer to them");
        }
        "s390x" if params.iter().filter(|ty| ty.is_vector()).count() > 1 => {
            return refuse(
                "more than one vector",
                "pass pointers to them, or use the fork",
            );
        }
        "pulley64" if has_i128 || fields.any(|ty| ty == types::I128) => {
            return refuse("`i128`", "pass its halves");
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
            "aarch64" if is_apple && ints >= 8 && ty.is_int() && ty.bits() < 32 => {
                return refuse(
                    "an integer of less than 32 bits on the stack",
                    "pass an `i32`, or use the fork",
                );
            }
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

#[cfg(all(test, feature = "fork"))]
mod tests {
    //! The fork's convention is the judge: C compilers are its own, in the tests of the fork.

    use crate::back_end::BackEnd;
    use crate::results::Slot;
    use cranelift_codegen::isa::abi_locations::AbiLocationKind;
    use cranelift_codegen::isa::{self, OwnedTargetIsa};
    use cranelift_codegen::settings::{self, Configurable};

    const VECTOR: Slot = Slot {
        ty: cranelift_codegen::ir::types::I32X4,
        ..Slot::of::<f64>()
    };

    const SLOTS: [Slot; 8] = [
        Slot::of::<i8>(),
        Slot::of::<u32>(),
        Slot::of::<i64>(),
        Slot::of::<*mut u8>(),
        Slot::of::<i128>(),
        Slot::of::<f32>(),
        Slot::of::<f64>(),
        VECTOR,
    ];

    fn isa(target: &str) -> OwnedTargetIsa {
        let mut flags = settings::builder();
        flags.enable("enable_llvm_abi_extensions").unwrap();
        let builder = isa::lookup_by_name(target).unwrap();
        builder.finish(settings::Flags::new(flags)).unwrap()
    }

    /// Are all values where the fork's convention has them? `None` if they are refused.
    fn agrees(isa: &OwnedTargetIsa, params: &[Slot], results: &[Slot]) -> Option<()> {
        let in_memory = results.len() > 1;
        let lower = |back_end: BackEnd| back_end.lower_slots(&**isa, params, results, in_memory);
        let stock = lower(BackEnd::ExplicitPointer).ok()?;
        let fork = lower(BackEnd::MultiOut).unwrap();
        let target = isa.name();
        let context = || format!("{} and {} on {target}", stock.signature, fork.signature);
        let locate = |signature| isa.abi_locations(signature);
        let in_stock = locate(&stock.signature).unwrap_or_else(|e| panic!("{e}: {}", context()));
        let in_fork = locate(&fork.signature).unwrap_or_else(|e| panic!("{e}: {}", context()));
        let mut params = &in_stock.params[..];
        if let Some(pointer) = in_fork.return_pointer {
            let (first, rest) = params.split_first().unwrap();
            assert_eq!(
                first.kind,
                AbiLocationKind::Parts(vec![pointer]),
                "{}",
                context()
            );
            let (area, known) = (stock.area.as_ref().unwrap(), in_fork.out_area.unwrap());
            assert_eq!(
                (area.size, area.align),
                (known.size, known.align),
                "{}",
                context()
            );
            let fields: Vec<_> = known
                .fields
                .iter()
                .map(|f| (f.ty, f.offset as i32))
                .collect();
            assert_eq!(area.fields, fields, "{}", context());
            params = rest;
        } else {
            assert!(stock.area.is_none(), "{}", context());
            assert_eq!(in_stock.results, in_fork.results, "{}", context());
        }
        assert_eq!(params, in_fork.params, "{}", context());
        assert_eq!(
            in_stock.stack_args_size,
            in_fork.stack_args_size,
            "{}",
            context()
        );
        Some(())
    }

    #[test]
    fn what_is_not_refused_is_where_the_fork_has_it() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut below = |n: usize| random.usize(..n);
        for target in [
            "x86_64",
            "aarch64",
            "riscv64",
            "s390x",
            "x86_64-pc-windows-msvc",
            "aarch64-apple-darwin",
        ] {
            let isa = isa(target);
            let (mut agree, mut refused) = (0, 0);
            for round in 0..4_000 {
                // Mostly integers in every other round, or floats would hide what they do.
                let kinds = if round % 2 == 0 { 8 } else { 5 };
                let mut list = |most: usize| -> Vec<Slot> {
                    (0..below(most + 1)).map(|_| SLOTS[below(kinds)]).collect()
                };
                let (params, results) = (list(16), list(3));
                match agrees(&isa, &params, &results) {
                    Some(()) => agree += 1,
                    None => refused += 1,
                }
            }
            println!("{target}: {agree} agree, {refused} are refused");
            assert!(agree > 500 && refused > 50, "{target}: {agree}, {refused}");
        }
    }
}
