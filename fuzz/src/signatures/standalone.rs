//! A case as a filetest of `test c-abi`.

use super::case::{Case, Direction, SLOT, SLOTS, VALUE};
use super::cases_c::{declaration, give, own_params, pass};
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
         static void show(char name, int n, const void *value, size_t size)\n{{\n    \
         printf(\"%c%d:\", name, n);\n    \
         for (size_t at = 0; at < size; at++)\n        printf(\" %02x\", ((const uint8_t *)value)[at]);\n    \
         printf(\"\\n\");\n}}",
        SLOT - VALUE
    );
    let params = own_params(&declaration);
    let mut main = String::new();
    match setting.direction {
        Direction::CallsC => {
            let prototype = declaration.prototype(&format!("c_callee_{number}"));
            let _ = writeln!(c, "{prototype}\n{{");
            for (n, (_, name)) in params.iter().enumerate() {
                let _ = writeln!(c, "    show('a', {n}, &{name}, sizeof {name});");
            }
            give(&mut c, &declaration);
            let _ = writeln!(c, "}}\nvoid clif_caller_{number}(void);");
            let _ = writeln!(main, "    clif_caller_{number}();");
        }
        Direction::CalledByC => {
            let callee = format!("clif_callee_{number}");
            let _ = writeln!(c, "{};", declaration.prototype(&callee));
            if let Some(out) = &declaration.out {
                let _ = writeln!(
                    main,
                    "    struct {} out;\n    memset(&out, 0xa5, sizeof out);",
                    out.name
                );
            }
            pass(&mut main, &declaration, &callee, "&out");
        }
    }
    if setting.direction == Direction::CalledByC {
        for (n, (_, name)) in params.iter().enumerate() {
            let _ = writeln!(
                main,
                "    show('a', {n}, clif_seen[{n}].value, sizeof {name});"
            );
        }
    }
    for (n, result) in case.signature.returns.iter().enumerate() {
        let (place, size) = match (setting.direction, &declaration.out) {
            (Direction::CallsC, _) => {
                let size = result.value_type.bytes().to_string();
                (format!("clif_got[{n}].value"), size)
            }
            (Direction::CalledByC, Some(_)) => (format!("&out.r{n}"), format!("sizeof out.r{n}")),
            (Direction::CalledByC, None) => ("&result".to_owned(), "sizeof result".to_owned()),
        };
        let _ = writeln!(main, "    show('r', {n}, {place}, {size});");
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
