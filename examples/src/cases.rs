//! Shapes for C, and the compiled functions that C's test of them links with.
//!
//! `object/cases.c` is the C side. It includes `cases.inc`, which says for each shape what
//! `object/case.h` asks for.

use crate::functions::{Callee, consume, import, produce, relay};
use crate::shape::Shape;
use crate::target::Target;
use anyhow::Result;
use cranelift_codegen::isa::CallConv;
use cranelift_codegen::isa::multi_out::compute_out_area;
use cranelift_module::Module;
use std::fmt::Write;

/// The file `cases.inc` for these shapes.
///
/// # Errors
///
/// If a shape has no layout on the target.
pub fn write_cases(shapes: &[Shape], target: Target) -> Result<String> {
    let mut text = String::new();
    for shape in shapes {
        write_case(&mut text, shape, target)?;
    }
    text.push_str("#define ALL_CASES(C)");
    for shape in shapes {
        write!(text, " C({})", shape.name)?;
    }
    text.push('\n');
    Ok(text)
}

fn write_case(text: &mut String, shape: &Shape, target: Target) -> Result<()> {
    let area = compute_out_area(&shape.results, target.out_target())?;
    let result_type = match &shape.results[..] {
        [single] => single.to_string(),
        _ => "void".to_owned(),
    };
    writeln!(text, "#define CASE {}", shape.name)?;
    text.push_str("#define PARAMS(P)");
    for (index, ty) in shape.params.iter().enumerate() {
        write!(text, " P({index}, {ty})")?;
    }
    text.push_str("\n#define FIELDS(F)");
    for (index, field) in area.fields.iter().enumerate() {
        write!(text, " F({index}, {}, {})", field.ty, field.offset)?;
    }
    writeln!(text, "\n#define OUT_SIZE {}", area.size)?;
    writeln!(text, "#define OUT_ALIGN {}", area.align)?;
    writeln!(text, "#define RESULTS {}", shape.results.len())?;
    writeln!(text, "#define RESULT_TYPE {result_type}")?;
    writeln!(text, "#include \"case.h\"\n")?;
    Ok(())
}

/// Compile what `case.h` declares for a shape.
///
/// # Errors
///
/// Those of the module and of code generation.
pub fn define_case<M: Module>(module: &mut M, shape: &Shape) -> Result<()> {
    let name = &shape.name;
    let c_produce = import(module, &format!("c_produce_{name}"), shape)?;
    let clif_produce = format!("clif_produce_{name}");
    produce(module, &clif_produce, shape, CallConv::SystemVMultiOut)?;
    for (how, callee) in [
        ("symbol", Callee::Symbol(c_produce)),
        ("address", Callee::Address(c_produce)),
        ("pointer", Callee::Pointer),
    ] {
        relay(module, &format!("clif_relay_{how}_{name}"), shape, callee)?;
        consume(module, &format!("clif_consume_{how}_{name}"), shape, callee)?;
    }
    Ok(())
}
