//! The same functions in C, see [`crate::clif`].

use crate::shapes::{CALLS, Pattern, Shape, Step};
use std::fmt::Write;

/// Declarations that the functions of a shape need.
pub fn declarations(shape: Shape) -> String {
    let lane = shape.lane.c();
    let fields: String = (0..shape.count).map(|i| format!(" {lane} r{i};")).collect();
    let function = match shape.count {
        1 => format!("typedef {lane} function(void *vmctx, {lane} x);"),
        _ => format!("typedef void function(struct out *out, void *vmctx, {lane} x);"),
    };
    format!("#include <stdint.h>\nstruct out {{{fields} }};\n{function}\n")
}

/// As [`crate::clif::caller_loop`].
pub fn caller_loop(shape: Shape, pattern: Pattern) -> String {
    let lane = shape.lane.c();
    let next = match pattern {
        Pattern::Dependent => "state = fold",
        Pattern::Independent => "state += fold",
    };
    let argument = match pattern {
        Pattern::Dependent => "state",
        Pattern::Independent => "left",
    };
    let one = format!(
        "    {{\n    {}\n    {}\n    {next};\n    }}\n",
        call(shape, argument),
        fold(shape)
    );
    format!(
        "{lane} caller(function *f, void *vmctx, uint64_t left, {lane} state) {{\n  struct out out;\n  do {{\n{}  }} while \
         (--left);\n  return state;\n}}\n",
        one.repeat(CALLS)
    )
}

/// As [`crate::clif::caller`] with one call.
pub fn caller(shape: Shape) -> String {
    let lane = shape.lane.c();
    format!(
        "{lane} caller(function *f, void *vmctx, {lane} x) {{\n  struct out out;\n  {}\n  {}\n  return fold;\n}}\n",
        call(shape, "x"),
        fold(shape)
    )
}

/// As [`crate::clif::callee`].
pub fn callee(shape: Shape) -> String {
    let lane = shape.lane.c();
    let mut body = String::new();
    for index in 0..shape.count {
        let (step, constant) = (Step::at(index).c(), Shape::constant(index));
        write!(body, "  x = x {step} {constant};").expect("a string takes any text");
        body += &match shape.count {
            1 => "\n  return x;\n".to_owned(),
            _ => format!(" out->r{index} = x;\n"),
        };
    }
    match shape.count {
        1 => format!("{lane} callee(void *vmctx, {lane} x) {{\n{body}}}\n"),
        _ => format!("void callee(struct out *out, void *vmctx, {lane} x) {{\n{body}}}\n"),
    }
}

fn call(shape: Shape, argument: &str) -> String {
    match shape.count {
        1 => format!("out.r0 = f(vmctx, {argument});"),
        _ => format!("f(&out, vmctx, {argument});"),
    }
}

/// Assigns the fold of the results to a variable, in a statement for each: compilers limit how deep parentheses nest.
fn fold(shape: Shape) -> String {
    let rest = (1..shape.count).map(|i| format!(" fold = fold {} out.r{i};", Step::at(i).c()));
    let lane = shape.lane.c();
    format!("{lane} fold = out.r0;{}", rest.collect::<String>())
}
