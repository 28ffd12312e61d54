//! What the verifier refuses of `CallConv::SystemVMultiOut` signatures.
//!
//! Tail calls are refused where every convention's are, by `CallConv::supports_tail_calls`. What a
//! target cannot express is not an error of the IR: code generation reports it as `Unsupported`.

use crate::ir::{ArgumentExtension, ArgumentPurpose, Signature, Type};
use crate::isa::CallConv;
use core::fmt;

/// A rule of the convention that a signature breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forbidden {
    /// An `sret` parameter and results: there would be two out pointers.
    SretWithResults { results: usize },
    /// More than one `sret` parameter.
    SeveralSrets { srets: usize },
    /// A result with a special purpose.
    SpecialResult { purpose: ArgumentPurpose },
    /// `uext` or `sext` on a value that is no integer.
    ExtensionOfNonInteger { ty: Type },
    /// A dynamic vector among several results: a C struct has no such field.
    DynamicVector { ty: Type },
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conv = CallConv::SystemVMultiOut;
        match self {
            Self::SretWithResults { results } => write!(
                f,
                "Signature with `{conv}` ABI cannot have an `sret` parameter and results \
                 ({results} here)"
            ),
            Self::SeveralSrets { srets } => write!(
                f,
                "Signature with `{conv}` ABI cannot have {srets} `sret` parameters"
            ),
            Self::SpecialResult { purpose } => write!(
                f,
                "Signature with `{conv}` ABI cannot have a result with purpose `{purpose}`"
            ),
            Self::ExtensionOfNonInteger { ty } => write!(
                f,
                "Signature with `{conv}` ABI cannot extend a value of type {ty}"
            ),
            Self::DynamicVector { ty } => write!(
                f,
                "Signature with `{conv}` ABI cannot have the dynamic vector {ty} among several \
                 results"
            ),
        }
    }
}

/// The first rule that a `SystemVMultiOut` signature breaks, if any.
pub(crate) fn find_forbidden(sig: &Signature) -> Option<Forbidden> {
    let special = sig
        .returns
        .iter()
        .find(|ret| ret.purpose != ArgumentPurpose::Normal);
    if let Some(ret) = special {
        let purpose = ret.purpose;
        return Some(Forbidden::SpecialResult { purpose });
    }
    let extended = sig
        .params
        .iter()
        .chain(&sig.returns)
        .find(|param| param.extension != ArgumentExtension::None && !param.value_type.is_int());
    if let Some(param) = extended {
        let ty = param.value_type;
        return Some(Forbidden::ExtensionOfNonInteger { ty });
    }
    let is_sret = |param: &&crate::ir::AbiParam| param.purpose == ArgumentPurpose::StructReturn;
    let srets = sig.params.iter().filter(is_sret).count();
    let results = sig.returns.len();
    if srets > 1 {
        return Some(Forbidden::SeveralSrets { srets });
    }
    if srets == 1 && results > 0 {
        return Some(Forbidden::SretWithResults { results });
    }
    let types = || sig.returns.iter().map(|ret| ret.value_type);
    let dynamic = types().find(|ty| ty.is_dynamic_vector());
    match dynamic {
        Some(ty) if results > 1 => Some(Forbidden::DynamicVector { ty }),
        _ => None,
    }
}
