//! Instructions that make values out of others, as Cranelift itself describes them.

use crate::generator::signature::TYPES;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::instructions::{InstructionFormat, ResolvedConstraint};
use cranelift_codegen::ir::{Opcode, Type, types};
use std::fmt;

/// An instruction, for certain types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What it does.
    pub opcode: Opcode,
    /// Of a comparison: which one, in the order of `IntCC::all()` or `FloatCC::all()`.
    pub condition: usize,
    /// The type that others depend on, or of the first result if none does.
    pub ty: Type,
    /// The operand whose type does not depend on it, or `INVALID`.
    pub free: Type,
    /// The types of all operands.
    pub operands: Vec<Type>,
    /// The types of all results.
    pub results: Vec<Type>,
}

impl Operation {
    /// The instruction, if it has these types.
    pub fn new(opcode: Opcode, condition: usize, ty: Type, free: Type) -> Option<Self> {
        let constraints = opcode.constraints();
        let variable = match constraints.ctrl_typeset() {
            Some(set) if !set.contains(ty) => return None,
            Some(_) => ty,
            None => types::INVALID,
        };
        let mut is_free = false;
        let mut operands = Vec::new();
        for index in 0..constraints.num_fixed_value_arguments() {
            operands.push(
                match constraints.value_argument_constraint(index, variable) {
                    ResolvedConstraint::Bound(ty) => ty,
                    ResolvedConstraint::Free(set)
                        if free == types::INVALID || !set.contains(free) =>
                    {
                        return None;
                    }
                    ResolvedConstraint::Free(_) => {
                        is_free = true;
                        free
                    }
                },
            );
        }
        let results = 0..constraints.num_fixed_results();
        let results: Vec<Type> = results
            .map(|index| constraints.result_type(index, variable))
            .collect();
        let is_whole = is_free == (free != types::INVALID);
        let is_bound = constraints.is_polymorphic() || results.first() == Some(&ty);
        (is_whole && is_bound && has_same_lanes(opcode, &operands, &results)).then_some(Operation {
            opcode,
            condition,
            ty,
            free,
            operands,
            results,
        })
    }

    /// All that there are for the types of programs, in Cranelift's order.
    pub fn all() -> Vec<Self> {
        let mut known = Vec::new();
        for ty in TYPES {
            if !known.contains(&ty) {
                known.push(ty);
            }
        }
        let is_known = |ty: &Type| known.contains(ty);
        let mut all = Vec::new();
        for opcode in Opcode::all().iter().copied().filter(|o| is_operation(*o)) {
            for condition in 0..conditions(opcode).len().max(1) {
                for ty in &known {
                    let free = [types::INVALID].into_iter().chain(known.iter().copied());
                    let some = free.filter_map(|free| Self::new(opcode, condition, *ty, free));
                    all.extend(some.filter(|operation| {
                        operation.operands.iter().all(is_known)
                            && operation.results.iter().all(is_known)
                    }));
                }
            }
        }
        all
    }

    /// The types as the list of operations has them.
    pub fn types(&self) -> String {
        match self.free {
            types::INVALID => self.ty.to_string(),
            free => format!("{}({free})", self.ty),
        }
    }
}

/// As in CLIF, but for the types of operands.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.opcode, self.types())?;
        match conditions(self.opcode).get(self.condition) {
            Some(condition) => write!(f, " {condition}"),
            None => Ok(()),
        }
    }
}

/// Whether nothing but values goes in and out. It may be that divisions trap, which are made safe.
fn is_operation(opcode: Opcode) -> bool {
    let is_of_values = match opcode.format() {
        InstructionFormat::Unary
        | InstructionFormat::Binary
        | InstructionFormat::Ternary
        | InstructionFormat::IntCompare
        | InstructionFormat::FloatCompare
        | InstructionFormat::BinaryImm8
        | InstructionFormat::TernaryImm8
        | InstructionFormat::Shuffle => true,
        _ => opcode == Opcode::Bitcast,
    };
    let has_effects = opcode.other_side_effects() || opcode.can_load() || opcode.can_store();
    // That is for dynamic vectors.
    let is_dynamic = opcode == Opcode::ExtractVector;
    is_of_values
        && !is_dynamic
        && opcode.constraints().num_fixed_results() > 0
        && !has_effects
        && (!opcode.can_trap() || is_division(opcode))
}

/// What Cranelift demands of conversions of vectors, and its verifier does not check: as many lanes, as wide.
fn has_same_lanes(opcode: Opcode, operands: &[Type], results: &[Type]) -> bool {
    let is_conversion = matches!(
        opcode,
        Opcode::FcvtFromSint | Opcode::FcvtFromUint | Opcode::FcvtToSintSat | Opcode::FcvtToUintSat
    );
    let [from, to] = [operands[0], results[0]];
    let is_of_vectors = from.is_vector() || to.is_vector();
    !(is_conversion && is_of_vectors) || from.as_int() == to.as_int()
}

/// Whether it traps for some divisors.
pub fn is_division(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::Udiv | Opcode::Sdiv | Opcode::Urem | Opcode::Srem
    )
}

/// The names of the conditions that a comparison has.
pub fn conditions(opcode: Opcode) -> Vec<String> {
    match opcode.format() {
        InstructionFormat::IntCompare => IntCC::all().iter().map(IntCC::to_string).collect(),
        InstructionFormat::FloatCompare => FloatCC::all().iter().map(FloatCC::to_string).collect(),
        _ => Vec::new(),
    }
}
