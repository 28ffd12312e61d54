//! What is refused of multi-out signatures, by the verifier and on a target.
//!
//! Tail calls are refused where every convention's are, by `CallConv::supports_tail_calls`. What a
//! target cannot express is not an error of the IR: code generation reports it as `Unsupported`.

use crate::ir::{AbiParam, ArgumentExtension, ArgumentPurpose, Function, Signature, types};
use crate::isa::CallConv;
use crate::isa::multi_out::OutTarget;
use crate::result::{CodegenError, CodegenResult};
use alloc::format;
use alloc::string::String;

/// Check a multi-out signature that the verifier may not have seen, for a target.
pub(crate) fn check_on(sig: &Signature, target: OutTarget) -> CodegenResult<()> {
    let conv = sig.call_conv;
    let mut values = sig.params.iter().chain(&sig.returns);
    let what = if !conv.is_on(target) {
        format!("`{conv}` is not a convention of {target}")
    } else if conv == CallConv::AppleAarch64MultiOut && values.any(|v| v.value_type == types::F128)
    {
        format!("`{conv}` on {target} cannot have type f128, which C does not have there")
    } else {
        return check(sig).map_err(CodegenError::Unsupported);
    };
    Err(CodegenError::Unsupported(what))
}

/// Check the calls with handlers of a function that the verifier may not have seen.
pub(crate) fn check_exceptions(func: &Function) -> CodegenResult<()> {
    let tables = func.dfg.exception_tables.values();
    let mut convs = tables.map(|table| func.dfg.signatures[table.signature()].call_conv);
    match convs.find(|conv| conv.is_multi_out() && !conv.supports_exceptions()) {
        Some(conv) => Err(CodegenError::Unsupported(format!(
            "`{conv}` does not support exceptions"
        ))),
        None => Ok(()),
    }
}

/// Check a multi-out signature. The error says what it cannot have.
pub(crate) fn check(sig: &Signature) -> Result<(), String> {
    let refuse = |what: String| {
        let conv = sig.call_conv;
        Err(format!("Signature with `{conv}` ABI cannot {what}"))
    };
    let is_special = |ret: &&AbiParam| ret.purpose != ArgumentPurpose::Normal;
    if let Some(ret) = sig.returns.iter().find(is_special) {
        return refuse(format!("have a result with purpose `{}`", ret.purpose));
    }
    let is_extended = |param: &&AbiParam| {
        param.extension != ArgumentExtension::None && !param.value_type.is_int()
    };
    if let Some(param) = sig.params.iter().chain(&sig.returns).find(is_extended) {
        return refuse(format!("extend a value of type {}", param.value_type));
    }
    let is_sret = |param: &&AbiParam| param.purpose == ArgumentPurpose::StructReturn;
    match (sig.params.iter().filter(is_sret).count(), sig.returns.len()) {
        (0, _) | (1, 0) => {}
        (1, results) => {
            return refuse(format!(
                "have an `sret` parameter and results ({results} here)"
            ));
        }
        (srets, _) => return refuse(format!("have {srets} `sret` parameters")),
    }
    let is_dynamic = |ret: &&AbiParam| ret.value_type.is_dynamic_vector();
    match sig.returns.iter().find(is_dynamic) {
        Some(ret) if sig.returns.len() > 1 => refuse(format!(
            "have the dynamic vector {} among several results",
            ret.value_type
        )),
        _ => Ok(()),
    }
}
