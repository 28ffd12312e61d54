//! What C and Rust compilers can say, and where they have the values.

use crate::locate::{locate, param_names, target_name};
use crate::text;
use cranelift_codegen::ir::{AbiParam, ArgumentExtension, ArgumentPurpose, Signature, Type, types};
use cranelift_codegen::isa::abi_locations::{AbiLocation, AbiLocations, AbiPart, AbiPlace};
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
    #[error("C has no function with {0} results; those of `{1}` are a struct to it")]
    Results(usize, CallConv),
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
    /// Is it the convention of Windows elsewhere, where functions have to say so?
    pub is_ms_abi: bool,
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
    let not_here = || Refusal::Convention(convention, target_name(triple));
    let as_c = CallConv::triple_multi_out(triple).ok_or_else(not_here)?;
    let is_own = convention == default || convention == as_c;
    let on_windows = CallConv::WindowsFastcallMultiOut;
    let is_ms_abi = !is_own && convention.base() == on_windows.base() && target == OutTarget::X64;
    let as_c = match is_ms_abi {
        true => on_windows,
        false if is_own => as_c,
        false => return Err(not_here()),
    };
    if !convention.is_multi_out() && signature.returns.len() > 1 {
        return Err(Refusal::Results(signature.returns.len(), as_c));
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
    if !convention.is_multi_out() {
        check_agreement(isa, signature, as_c, &locations)?;
    }
    let notes = extension_notes(target, signature, &locations);
    Ok(CSignature {
        locations,
        target,
        is_ms_abi,
        notes,
    })
}

/// The target for which there is a C compiler, if there is.
fn c_target(triple: &Triple) -> Option<OutTarget> {
    OutTarget::from_triple(triple).filter(|target| *target != OutTarget::Pulley)
}

/// A base convention is C's but for a few corners, where the one for several results does what C does.
fn check_agreement(
    isa: &dyn TargetIsa,
    signature: &Signature,
    convention_of_c: CallConv,
    locations: &AbiLocations,
) -> Result<(), Refusal> {
    let disagreement = |what| Refusal::Disagreement(signature.call_conv, what);
    let mut as_c = signature.clone();
    as_c.call_conv = convention_of_c;
    let in_c = locate(isa, &as_c).map_err(disagreement)?;
    let names = param_names(signature);
    for (name, (ours, its)) in names
        .into_iter()
        .zip(locations.params.iter().zip(&in_c.params))
    {
        if ours != its {
            let (ours, its) = (text::place(ours), text::place(its));
            return Err(disagreement(match ours == its {
                true => format!("{name} is wider than C has it in {its}"),
                false => format!("{name} is in {ours}, where C has it in {its}"),
            }));
        }
    }
    if (&locations.results, &locations.return_pointer) != (&in_c.results, &in_c.return_pointer) {
        return Err(disagreement("the result is elsewhere in C".to_owned()));
    }
    Ok(())
}

/// Small integers that C expects extended and that the signature does not extend that way: C may
/// call such a function, but must not be called, and the reverse for a result.
fn extension_notes(
    target: OutTarget,
    signature: &Signature,
    locations: &AbiLocations,
) -> Vec<String> {
    let is_in_area = signature.returns.len() > 1;
    let names = param_names(signature);
    // To Apple the stack is memory, where nothing is extended.
    let is_apple = signature.call_conv.base() == CallConv::AppleAarch64;
    let is_counted = |location: &AbiLocation| {
        let is_stack = |part: &AbiPart| matches!(part.place, AbiPlace::Stack { .. });
        !is_apple || !location.parts().iter().any(is_stack)
    };
    let params = names.into_iter().zip(&signature.params);
    let params = params.zip(&locations.params);
    let params = params.filter_map(|(param, place)| is_counted(place).then_some(param));
    let results = signature.returns.iter().filter(|_| !is_in_area);
    let results = results.map(|result| ("the result".to_owned(), result));
    let mut notes = Vec::new();
    for (is_result, (name, param)) in params
        .map(|param| (false, param))
        .chain(results.map(|result| (true, result)))
    {
        if let Some(wanted) = wanted_extension(target, signature.call_conv, param, is_result) {
            notes.push(format!(
                "{name}: C expects {} to be extended; make it `{wanted}`",
                param.value_type
            ));
        }
    }
    notes
}

fn wanted_extension(
    target: OutTarget,
    convention: CallConv,
    param: &AbiParam,
    is_result: bool,
) -> Option<&'static str> {
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
        (OutTarget::X64, types::I8 | types::I16, NotExtended)
            if convention.base() == CallConv::SystemV && !is_result =>
        {
            Some("sext` or `uext")
        }
        (OutTarget::Aarch64, types::I8 | types::I16, NotExtended)
            if convention.base() == CallConv::AppleAarch64 =>
        {
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
