//! A case as a filetest of `test c-abi`.

use super::case::{Case, Direction, SLOT, SLOTS, VALUE};
use super::cases_c::{declaration, own_params};
use cranelift_codegen::ir::AbiParam;
use cranelift_codegen::isa::TargetIsa;
use filetests::abi::Refusal;
use oracles::platform::Platform;
use oracles::toolchain::Compiler;
use std::fmt::Write;

/// How a case was compiled.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The target.
    pub target: Platform,
    /// The settings of Cranelift, `name=value`.
    pub settings: &'a [&'a str],
    /// The compiler of the C.
    pub compiler: Compiler,
    /// Its optimization level.
    pub level: &'a str,
    /// Who calls.
    pub direction: Direction,
}

/// The filetest of a case. `notes` are put at its beginning.
///
/// # Errors
///
/// If C cannot say the signature.
pub fn write(
    isa: &dyn TargetIsa,
    case: &Case,
    setting: Setting<'_>,
    notes: &[String],
) -> Result<String, Refusal> {
    let declaration = declaration(isa, case)?;
    let Setting {
        compiler, level, ..
    } = setting;
    let mut text = format!("test c-abi compilers={compiler} opt={level}\n");
    for set in setting.settings {
        let _ = writeln!(text, "set {set}");
    }
    let _ = writeln!(text, "target {}\n", setting.target.spec());
    for note in notes {
        for line in note.lines() {
            let _ = writeln!(text, ";; {line}");
        }
    }
    let number = case.number;
    let function = case.function(isa, setting.direction);
    let _ = write!(text, "\n{}\n", function.display());

    let mut c = String::new();
    let _ = writeln!(
        c,
        "#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <string.h>"
    );
    c.push_str(&filetests::abi::c::Declaration::prelude([&declaration]));
    c.push_str(&declaration.structs());
    let _ = writeln!(
        c,
        "struct slot {{ uint8_t before[{VALUE}], value[{}]; }} __attribute__((aligned(16)));\n\
         struct slot clif_args[{SLOTS}], clif_seen[{SLOTS}], clif_results[{SLOTS}], clif_got[{SLOTS}];\n\
         static void show(const char *name, int n, const void *value, size_t size)\n{{\n    \
         printf(\"%s%d:\", name, n);\n    \
         for (size_t at = 0; at < size; at++)\n        printf(\" %02x\", ((const uint8_t *)value)[at]);\n    \
         printf(\"\\n\");\n}}",
        SLOT - VALUE
    );
    let params = own_params(&declaration);
    let mut main = String::new();
    match setting.direction {
        Direction::CallsC => {
            let _ = writeln!(
                c,
                "{}\n{{",
                declaration.prototype(&format!("c_callee_{number}"))
            );
            for (n, (_, name)) in params.iter().enumerate() {
                let _ = writeln!(c, "    show(\"a\", {n}, &{name}, sizeof {name});");
            }
            match &declaration.out {
                Some(out) => {
                    for n in 0..out.fields.len() {
                        let _ = writeln!(
                            c,
                            "    memcpy(&out->r{n}, clif_results[{n}].value, sizeof out->r{n});"
                        );
                    }
                }
                None if declaration.result != "void" => {
                    let result = &declaration.result;
                    let _ = writeln!(
                        c,
                        "    {result} result;\n    memcpy(&result, clif_results[0].value, sizeof result);\n    return result;"
                    );
                }
                None => {}
            }
            let _ = writeln!(c, "}}\nvoid clif_caller_{number}(void);");
            let _ = writeln!(main, "    clif_caller_{number}();");
            for (n, result) in case.signature.returns.iter().enumerate() {
                let _ = writeln!(
                    main,
                    "    show(\"r\", {n}, clif_got[{n}].value, {});",
                    result.value_type.bytes()
                );
            }
        }
        Direction::CalledByC => {
            let callee = format!("clif_callee_{number}");
            let _ = writeln!(c, "{};", declaration.prototype(&callee));
            let mut args = Vec::new();
            if let Some(out) = &declaration.out {
                let _ = writeln!(
                    main,
                    "    struct {} out;\n    memset(&out, 0xa5, sizeof out);",
                    out.name
                );
                args.push("&out");
            }
            for (n, (ty, name)) in params.iter().enumerate() {
                let _ = writeln!(
                    main,
                    "    {ty} {name};\n    memcpy(&{name}, clif_args[{n}].value, sizeof {name});"
                );
                args.push(name);
            }
            let args = args.join(", ");
            match &declaration.result {
                result if result == "void" => {
                    let _ = writeln!(main, "    {callee}({args});");
                }
                result => {
                    let _ = writeln!(main, "    {result} result = {callee}({args});");
                }
            }
            for (n, (_, name)) in params.iter().enumerate() {
                let _ = writeln!(
                    main,
                    "    show(\"a\", {n}, clif_seen[{n}].value, sizeof {name});"
                );
            }
            match &declaration.out {
                Some(out) => {
                    for n in 0..out.fields.len() {
                        let _ = writeln!(main, "    show(\"r\", {n}, &out.r{n}, sizeof out.r{n});");
                    }
                }
                None if declaration.result != "void" => {
                    main.push_str("    show(\"r\", 0, &result, sizeof result);\n");
                }
                None => {}
            }
        }
    }
    let _ = write!(
        c,
        "int main(void)\n{{\n    \
         for (unsigned n = 0; n < {SLOTS}; n++)\n        for (unsigned byte = 0; byte < 16; byte++) {{\n            \
         clif_results[n].value[byte] = (uint8_t)(n << 4 | byte);\n            \
         clif_args[n].value[byte] = (uint8_t)~(n << 4 | byte);\n        }}\n{main}    return 0;\n}}\n"
    );
    for line in c.lines() {
        let _ = writeln!(text, ";; c: {line}");
    }
    let show = |text: &mut String, name: &str, values: &[AbiParam], invert: u8| {
        for (n, value) in values.iter().enumerate() {
            let bytes =
                (0..value.value_type.bytes()).map(|byte| ((n as u32) << 4 | byte) as u8 ^ invert);
            let bytes: String = bytes.map(|byte| format!(" {byte:02x}")).collect();
            let _ = writeln!(text, ";; out: {name}{n}:{bytes}");
        }
    };
    show(&mut text, "a", &case.signature.params, 0xff);
    show(&mut text, "r", &case.signature.returns, 0);
    Ok(text)
}
