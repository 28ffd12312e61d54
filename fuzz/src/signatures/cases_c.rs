//! The C side of cases: what `runtime.c` asks for.

use super::case::Case;
use cranelift_codegen::ir::{AbiParam, ArgumentExtension, ArgumentPurpose, Signature};
use cranelift_codegen::isa::TargetIsa;
use filetests::abi::Refusal;
use filetests::abi::c::Declaration;
use std::fmt::Write;

/// The C file for some cases.
///
/// # Errors
///
/// If C cannot say one of the signatures.
pub fn write(isa: &dyn TargetIsa, cases: &[Case]) -> Result<String, Refusal> {
    let declarations = cases.iter().map(|case| declaration(isa, case));
    let declarations = declarations.collect::<Result<Vec<_>, _>>()?;
    let mut text = "#include <string.h>\n#include \"runtime.h\"\n".to_owned();
    text.push_str(&Declaration::prelude(&declarations));
    for (case, declaration) in cases.iter().zip(&declarations) {
        let _ = write!(text, "\n// {}\n", case.signature);
        text.push_str(&declaration.structs());
        let number = case.number;
        let _ = write!(
            text,
            "{};\nvoid clif_caller_{number}(void);\n",
            declaration.prototype(&format!("clif_callee_{number}"))
        );
        callee(&mut text, case, declaration);
        call(&mut text, case, declaration);
        tables(&mut text, case, declaration);
    }
    text.push_str("\nconst struct test clif_tests[] = {\n");
    for (case, declaration) in cases.iter().zip(&declarations) {
        let number = case.number;
        let (params, results) = (case.signature.params.len(), case.signature.returns.len());
        let size = match &declaration.out {
            Some(out) => format!("sizeof(struct {})", out.name),
            None => "0".to_owned(),
        };
        let _ = writeln!(
            text,
            "    {{call_{number}, clif_caller_{number}, params_{number}, results_{number}, \
             {params}, {results}, {size}}},"
        );
    }
    let _ = writeln!(
        text,
        "}};\nconst uint32_t clif_test_count = {};",
        cases.len()
    );
    Ok(text)
}

/// How C says the signature of a case.
///
/// # Errors
///
/// If it cannot.
pub fn declaration(isa: &dyn TargetIsa, case: &Case) -> Result<Declaration, Refusal> {
    Declaration::new(isa, &case.signature, &format!("case_{}", case.number))
}

/// The parameters of the signature as C has them, without the out pointer: type and name.
pub fn own_params(declaration: &Declaration) -> &[(String, String)] {
    &declaration.params[usize::from(declaration.out.is_some())..]
}

/// Does C extend such a value to a register?
pub fn is_small(param: &AbiParam) -> bool {
    let ty = param.value_type;
    ty.is_int() && ty.bits() < 64 && param.purpose == ArgumentPurpose::Normal
}

/// The small parameters, by their places.
pub fn small_params(signature: &Signature) -> impl Iterator<Item = usize> {
    let params = signature.params.iter().enumerate();
    params.filter(|(_, param)| is_small(param)).map(|(n, _)| n)
}

fn callee(text: &mut String, case: &Case, declaration: &Declaration) {
    let prototype = declaration.prototype(&format!("c_callee_{}", case.number));
    let _ = writeln!(text, "{prototype}\n{{\n    clif_calls++;");
    let params = own_params(declaration);
    for (n, (_, name)) in params.iter().enumerate() {
        let _ = writeln!(
            text,
            "    memcpy(clif_seen[{n}].value, &{name}, sizeof {name});"
        );
    }
    for n in small_params(&case.signature) {
        let _ = writeln!(text, "    clif_wide[{n}] = {};", params[n].1);
    }
    if let Some(out) = &declaration.out {
        let _ = writeln!(
            text,
            "    clif_misalignment = (uintptr_t)out % _Alignof(struct {});",
            out.name
        );
        // C may write to padding, and what a caller makes of it must not matter.
        text.push_str("    memset(out, 0x5a, sizeof *out);\n");
    }
    give(text, declaration);
    text.push_str("}\n");
}

/// At the end of a callee: returns `clif_results`.
pub fn give(text: &mut String, declaration: &Declaration) {
    let result = &declaration.result;
    if let Some(out) = &declaration.out {
        for n in 0..out.fields.len() {
            let _ = writeln!(
                text,
                "    memcpy(&out->r{n}, clif_results[{n}].value, sizeof out->r{n});"
            );
        }
    } else if result != "void" {
        let _ = writeln!(
            text,
            "    {result} result;\n    memcpy(&result, clif_results[0].value, sizeof result);\n    \
             return result;"
        );
    }
}

/// In a caller: calls a function with `clif_args`, and `out` for its results in memory. A single one is then `result`.
pub fn pass(text: &mut String, declaration: &Declaration, callee: &str, out: &str) {
    let mut args: Vec<_> = declaration.out.iter().map(|_| out).collect();
    for (n, (ty, name)) in own_params(declaration).iter().enumerate() {
        let _ = writeln!(
            text,
            "    {ty} {name};\n    memcpy(&{name}, clif_args[{n}].value, sizeof {name});"
        );
        args.push(name);
    }
    let result = match declaration.result.as_str() {
        "void" => String::new(),
        result => format!("{result} result = "),
    };
    let _ = writeln!(text, "    {result}{callee}({});", args.join(", "));
}

fn call(text: &mut String, case: &Case, declaration: &Declaration) {
    let number = case.number;
    let mut callee = format!("clif_callee_{number}");
    if case.is_indirect {
        text.push_str(&declaration.pointer_type(&format!("pointer_{number}")));
        let _ = writeln!(
            text,
            "static volatile pointer_{number} indirect_{number} = {callee};"
        );
        callee = format!("indirect_{number}");
    }
    let _ = writeln!(text, "static void call_{number}(void *memory)\n{{");
    pass(text, declaration, &callee, "memory");
    if declaration.result != "void" {
        text.push_str("    memcpy(clif_got[0].value, &result, sizeof result);\n");
        if is_small(&case.signature.returns[0]) {
            text.push_str("    clif_wide[0] = result;\n");
        }
    }
    text.push_str("}\n");
}

fn tables(text: &mut String, case: &Case, declaration: &Declaration) {
    let number = case.number;
    let value = |offset: &str, ty: &str, param: &AbiParam| {
        let is_signed = param.extension != ArgumentExtension::Uext;
        let (is_small, is_signed) = (u8::from(is_small(param)), u8::from(is_signed));
        format!(" {{{offset}, sizeof({ty}), {is_small}, {is_signed}}},")
    };
    let _ = write!(text, "static const struct value params_{number}[] = {{");
    for ((ty, _), param) in own_params(declaration).iter().zip(&case.signature.params) {
        text.push_str(&value("0", ty, param));
    }
    let _ = write!(
        text,
        " {{0}}}};\nstatic const struct value results_{number}[] = {{"
    );
    for (n, result) in case.signature.returns.iter().enumerate() {
        text.push_str(&match &declaration.out {
            Some(out) => {
                let offset = format!("offsetof(struct {}, r{n})", out.name);
                value(&offset, &out.fields[n], result)
            }
            None => value("0", &declaration.result, result),
        });
    }
    text.push_str(" {0}};\n");
}
