//! What C and Rust compilers can say, and where they have the values.

use crate::locate::{locate, param_names, target_name};
use crate::text;
use cranelift_codegen::ir::{AbiParam, ArgumentExtension, ArgumentPurpose, Signature, Type, types};
use cranelift_codegen::isa::abi_locations::AbiLocations;
use cranelift_codegen::isa::multi_out::OutTarget;
use cranelift_codegen::isa::{CallConv, TargetIsa};
use target_lexicon::{Architecture, Triple};

/// Why a signature has no declaration in a language.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The verifier or the backend refuses the signature.
    #[error("{0}")]
    Backend(String),
    /// There is no compiler of C or Rust for the target.
    #[error("there is no compiler for {0}")]
    NoCompiler(String),
    /// C's functions have another convention.
    #[error("C has no `{0}` convention on {1}")]
    Convention(CallConv, String),
    /// Several results in a convention that has no struct for them.
    #[error("C has no function with {0} results; those of `system_v_multi_out` are a struct to it")]
    Results(usize),
    /// The convention is C's, but this value is not where C has it.
    #[error("`{0}` and C disagree: {1}")]
    Disagreement(CallConv, String),
    /// The pointer to a struct result is not an ordinary parameter.
    #[error("C has no parameter for an `sret` pointer, which is in x8 on aarch64")]
    StructReturn,
    /// C passes a small struct in registers.
    #[error("a struct argument of {0} bytes, which C passes in registers")]
    StructArgument(u32),
    /// No function can have this symbol in a file of declarations.
    #[error("`{0}` is no symbol to declare: {1}")]
    Symbol(String, &'static str),
    /// The language has no such type on this target.
    #[error("{1} has no type {0}{2}")]
    Type(Type, &'static str, &'static str),
}

/// A signature that C can say.
#[derive(Clone, Debug)]
pub struct CSignature {
    /// Where the values go.
    pub locations: AbiLocations,
    /// The target as far as types depend on it.
    pub target: OutTarget,
    /// What a caller should know although the declaration is right.
    pub notes: Vec<String>,
}

/// Checks that C can say the signature: that C compilers for the target have the convention, and
/// put every value where it does.
///
/// # Errors
///
/// The reason why not.
pub fn check_c(isa: &dyn TargetIsa, signature: &Signature) -> Result<CSignature, Refusal> {
    let triple = isa.triple();
    let target = c_target(triple).ok_or_else(|| Refusal::NoCompiler(target_name(triple)))?;
    let convention = signature.call_conv;
    let default = CallConv::triple_default(triple);
    let base = match convention {
        CallConv::SystemVMultiOut => CallConv::SystemV,
        other => other,
    };
    if base != default {
        return Err(Refusal::Convention(convention, target_name(triple)));
    }
    if convention != CallConv::SystemVMultiOut && signature.returns.len() > 1 {
        return Err(Refusal::Results(signature.returns.len()));
    }
    for param in &signature.params {
        match param.purpose {
            ArgumentPurpose::StructReturn if target == OutTarget::Aarch64 => {
                return Err(Refusal::StructReturn);
            }
            ArgumentPurpose::StructArgument(size) if target == OutTarget::X64 && size <= 16 => {
                return Err(Refusal::StructArgument(size));
            }
            _ => {}
        }
    }
    let locations = locate(isa, signature).map_err(Refusal::Backend)?;
    match convention {
        CallConv::SystemVMultiOut => {}
        CallConv::SystemV => check_agreement(isa, signature, &locations)?,
        _ => check_is_scalar(signature)?,
    }
    Ok(CSignature {
        locations,
        target,
        notes: extension_notes(target, signature),
    })
}

/// The target for which there is a C compiler, if there is.
fn c_target(triple: &Triple) -> Option<OutTarget> {
    OutTarget::from_triple(triple).filter(|target| *target != OutTarget::Pulley)
}

/// `system_v` is C's convention but for a few corners, where `system_v_multi_out` does what C does.
fn check_agreement(
    isa: &dyn TargetIsa,
    signature: &Signature,
    locations: &AbiLocations,
) -> Result<(), Refusal> {
    let disagreement = |what| Refusal::Disagreement(signature.call_conv, what);
    let mut as_c = signature.clone();
    as_c.call_conv = CallConv::SystemVMultiOut;
    let in_c = locate(isa, &as_c).map_err(disagreement)?;
    let names = param_names(signature);
    for (name, (ours, its)) in names
        .into_iter()
        .zip(locations.params.iter().zip(&in_c.params))
    {
        if ours != its {
            let (ours, its) = (text::place(ours), text::place(its));
            return Err(disagreement(format!(
                "{name} is in {ours}, where C has it in {its}"
            )));
        }
    }
    if (&locations.results, &locations.return_pointer) != (&in_c.results, &in_c.return_pointer) {
        return Err(disagreement("the result is elsewhere in C".to_owned()));
    }
    Ok(())
}

/// Of the conventions of Windows and Apple platforms no more is taken for granted.
fn check_is_scalar(signature: &Signature) -> Result<(), Refusal> {
    for param in signature.params.iter().chain(&signature.returns) {
        let ty = param.value_type;
        let is_scalar = ty.is_int() || ty == types::F32 || ty == types::F64;
        if !is_scalar || ty.bits() > 64 {
            let what = format!("a value of type {ty} may not be where C has it");
            return Err(Refusal::Disagreement(signature.call_conv, what));
        }
    }
    Ok(())
}

/// Small integers that C expects extended and that the signature does not extend that way: C may
/// call such a function, but must not be called, and the reverse for a result.
fn extension_notes(target: OutTarget, signature: &Signature) -> Vec<String> {
    let is_in_area = signature.returns.len() > 1;
    let names = param_names(signature);
    let params = names.into_iter().zip(&signature.params);
    let results = signature.returns.iter().filter(|_| !is_in_area);
    let results = results.map(|result| ("the result".to_owned(), result));
    let mut notes = Vec::new();
    for (is_result, (name, param)) in params
        .map(|param| (false, param))
        .chain(results.map(|result| (true, result)))
    {
        if let Some(wanted) = wanted_extension(target, param, is_result) {
            notes.push(format!(
                "{name}: C expects {} to be extended; make it `{wanted}`",
                param.value_type
            ));
        }
    }
    notes
}

fn wanted_extension(target: OutTarget, param: &AbiParam, is_result: bool) -> Option<&'static str> {
    use ArgumentExtension::{None as NotExtended, Sext, Uext};
    let ty = param.value_type;
    if !ty.is_int() || ty.bits() >= 64 {
        return None;
    }
    match (target, ty, param.extension) {
        // Even an unsigned int.
        (OutTarget::Riscv64, types::I32, NotExtended | Uext) => Some("sext"),
        (OutTarget::Riscv64 | OutTarget::S390x, _, NotExtended) => Some("sext` or `uext"),
        // Not of the psABI, but clang counts on it and every C compiler does it.
        (OutTarget::X64, types::I8 | types::I16, NotExtended) if !is_result => {
            Some("sext` or `uext")
        }
        (_, _, NotExtended | Sext | Uext) => None,
    }
}

/// The condition of a target's instruction set and floating-point registers for C's preprocessor,
/// and the name of the instruction set in Rust. Neither says the width of pointers.
pub(crate) fn architecture_of(triple: &Triple) -> Option<(&'static str, &'static str)> {
    match triple.architecture {
        Architecture::X86_64 => Some(("defined(__x86_64__)", "x86_64")),
        Architecture::Aarch64(_) => Some(("defined(__aarch64__)", "aarch64")),
        Architecture::Riscv64(_) => Some(("defined(__riscv_float_abi_double)", "riscv64")),
        Architecture::S390x => Some(("defined(__s390x__)", "s390x")),
        _ => None,
    }
}

/// Is an integer of this extension unsigned to C and Rust?
pub(crate) fn is_unsigned(param: &AbiParam) -> bool {
    param.extension == ArgumentExtension::Uext
}
