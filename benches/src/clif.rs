//! The functions under test as CLIF text: callers and callees, with the convention, with an explicit out pointer as a front end
//! would write it, and with the shim that stock Cranelift needs.

use crate::shapes::{CALLS, Lane, Pattern, Shape, Step};
use oracles::toolchain::CTarget;
use std::fmt::Write;

/// How the results travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// The convention `system_v_multi_out`.
    MultiOut,
    /// An ordinary parameter with the address of a stack slot.
    Explicit,
    /// Several results of one of stock Cranelift's conventions, by its name in CLIF. C knows no such function.
    Stock(&'static str),
}

/// A function in the making, whose values are numbered.
struct Writer {
    text: String,
    next: usize,
    shape: Shape,
    /// Of `sig0` and so on, and of the stack slot with the same number.
    callee: usize,
}

impl Writer {
    fn new(shape: Shape) -> Self {
        Writer {
            text: String::new(),
            next: 0,
            shape,
            callee: 0,
        }
    }

    /// A value that no instruction has defined yet.
    fn value(&mut self) -> String {
        self.next += 1;
        format!("v{}", self.next - 1)
    }

    fn line(&mut self, text: &str) {
        writeln!(self.text, "    {text}").expect("a string takes any text");
    }

    fn assign(&mut self, instruction: &str) -> String {
        let value = self.value();
        self.line(&format!("{value} = {instruction}"));
        value
    }

    /// Calls and returns the results. `area` is the stack slot's address in [`Style::Explicit`].
    fn call(&mut self, style: Style, function: &str, vmctx: &str, x: &str) -> Vec<String> {
        let lane = self.shape.lane;
        let explicit = style == Style::Explicit && self.shape.count > 1;
        if !explicit {
            let results: Vec<_> = (0..self.shape.count).map(|_| self.value()).collect();
            self.line(&format!(
                "{} = call_indirect sig{}, {function}({vmctx}, {x})",
                results.join(", "),
                self.callee
            ));
            return results;
        }
        let area = self.assign(&format!("stack_addr.i64 ss{}", self.callee));
        self.line(&format!(
            "call_indirect sig{}, {function}({area}, {vmctx}, {x})",
            self.callee
        ));
        (0..self.shape.count)
            .map(|index| self.assign(&load(lane, &area, index)))
            .collect()
    }

    /// Folds results into one value.
    fn fold(&mut self, results: &[String]) -> String {
        let mut fold = results[0].clone();
        for (index, result) in results.iter().enumerate().skip(1) {
            fold = self.assign(&format!("{} {fold}, {result}", Step::at(index).clif()));
        }
        fold
    }
}

/// The signature of what is called, and the stack slot for its results.
fn preamble(style: Style, shape: Shape, target: CTarget, callee: usize) -> String {
    let slot = match style {
        Style::Explicit if shape.count > 1 => {
            let (size, align) = (shape.count * shape.lane.bytes(), shape.lane.bytes());
            format!("    ss{callee} = explicit_slot {size}, align = {align}\n")
        }
        _ => String::new(),
    };
    format!(
        "{slot}    sig{callee} = {}\n",
        signature(style, shape, target)
    )
}

fn load(lane: Lane, base: &str, index: usize) -> String {
    let offset = index * lane.bytes();
    format!("load.{} notrap aligned {base}+{offset}", lane.clif())
}

/// The type as a parameter or single result of a C function: some targets extend what is narrower than a register.
fn extended(lane: Lane, target: CTarget) -> &'static str {
    match (lane, target) {
        (Lane::I32, CTarget::Riscv64) => "i32 sext",
        (Lane::I32, CTarget::S390x) => "i32 uext",
        _ => lane.clif(),
    }
}

/// The signature of a function that is called.
pub fn signature(style: Style, shape: Shape, target: CTarget) -> String {
    let param = extended(shape.lane, target);
    let results = match shape.count {
        1 => param.to_owned(),
        _ => vec![shape.lane.clif(); shape.count].join(", "),
    };
    match style {
        Style::Explicit if shape.count > 1 => format!("(i64, i64 vmctx, {param}) system_v"),
        Style::Explicit => format!("(i64 vmctx, {param}) -> {results} system_v"),
        Style::MultiOut => format!("(i64 vmctx, {param}) -> {results} system_v_multi_out"),
        Style::Stock(convention) => format!("(i64 vmctx, {param}) -> {results} {convention}"),
    }
}

/// A C function `T caller(void *function, void *vmctx, uint64_t iterations, T seed)` that calls in a loop, [`CALLS`] times in each
/// iteration.
pub fn caller_loop(style: Style, shape: Shape, pattern: Pattern, target: CTarget) -> String {
    let lane = shape.lane.clif();
    let mut w = Writer::new(shape);
    let [function, vmctx, iterations, seed, left, state] = [(); 6].map(|()| w.value());
    w.line(&format!("jump block1({iterations}, {seed})"));
    w.text += &format!("\nblock1({left}: i64, {state}: {lane}):\n");
    let argument = match (pattern, shape.lane) {
        (Pattern::Dependent, _) => state.clone(),
        (Pattern::Independent, Lane::I64) => left.clone(),
        (Pattern::Independent, Lane::I32) => w.assign(&format!("ireduce.i32 {left}")),
    };
    let mut next = state.clone();
    for _ in 0..CALLS {
        let argument = match pattern {
            Pattern::Dependent => &next,
            Pattern::Independent => &argument,
        };
        let results = w.call(style, &function, &vmctx, argument);
        let fold = w.fold(&results);
        next = match pattern {
            Pattern::Dependent => fold,
            Pattern::Independent => w.assign(&format!("iadd {next}, {fold}")),
        };
    }
    let extended = extended(shape.lane, target);
    let one = w.assign("iconst.i64 1");
    let fewer = w.assign(&format!("isub {left}, {one}"));
    w.line(&format!("brif {fewer}, block1({fewer}, {next}), block2"));
    format!(
        "function %caller(i64, i64, i64, {extended}) -> {extended} system_v {{\n{}\n\
         block0({function}: i64, {vmctx}: i64, {iterations}: i64, {seed}: {lane}):\n{}\n\
         block2:\n    return {next}\n}}\n",
        preamble(style, shape, target, 0),
        w.text
    )
}

/// A C function `T caller(void *function, void *vmctx, T x)` that calls functions of these shapes, which have one lane. An argument
/// is the fold of the results before it.
pub fn caller(style: Style, shapes: &[Shape], target: CTarget) -> String {
    caller_using(style, shapes, target, usize::MAX)
}

/// The same with the first `used` results of each call.
pub fn caller_using(style: Style, shapes: &[Shape], target: CTarget, used: usize) -> String {
    let lane = shapes[0].lane;
    let mut w = Writer::new(shapes[0]);
    let mut distinct: Vec<Shape> = Vec::new();
    let [function, vmctx, x] = [(); 3].map(|()| w.value());
    let mut state = x.clone();
    for shape in shapes {
        w.shape = *shape;
        w.callee = distinct.iter().position(|s| s == shape).unwrap_or_else(|| {
            distinct.push(*shape);
            distinct.len() - 1
        });
        let results = w.call(style, &function, &vmctx, &state);
        state = w.fold(&results[..used.min(results.len())]);
    }
    w.line(&format!("return {state}"));
    let preambles = distinct.iter().enumerate();
    let preambles: String = preambles
        .map(|(callee, shape)| preamble(style, *shape, target, callee))
        .collect();
    let extended = extended(lane, target);
    format!(
        "function %caller(i64, i64, {extended}) -> {extended} system_v {{\n{preambles}\n\
         block0({function}: i64, {vmctx}: i64, {x}: {}):\n{}}}\n",
        lane.clif(),
        w.text
    )
}

/// A function of the shape: its results are the chain that begins with the argument.
pub fn callee(style: Style, shape: Shape, target: CTarget) -> String {
    let lane = shape.lane;
    let explicit = style == Style::Explicit && shape.count > 1;
    let mut w = Writer::new(shape);
    let out = if explicit { w.value() } else { String::new() };
    let [vmctx, x] = [(); 2].map(|()| w.value());
    let mut link = x.clone();
    let mut results = Vec::new();
    for index in 0..shape.count {
        let constant = w.assign(&format!(
            "iconst.{} {}",
            lane.clif(),
            Shape::constant(index)
        ));
        link = w.assign(&format!("{} {link}, {constant}", Step::at(index).clif()));
        if explicit {
            let offset = index * lane.bytes();
            w.line(&format!("store notrap aligned {link}, {out}+{offset}"));
        } else {
            results.push(link.clone());
        }
    }
    w.line(format!("return {}", results.join(", ")).trim_end());
    let out = if explicit {
        format!("{out}: i64, ")
    } else {
        String::new()
    };
    format!(
        "function %callee{} {{\nblock0({out}{vmctx}: i64, {x}: {}):\n{}}}\n",
        signature(style, shape, target),
        lane.clif(),
        w.text
    )
}

/// What stock Cranelift needs between a caller in one of its conventions and a C function at a known address: it calls that with
/// the address of a stack slot, and loads the results.
pub fn shim(convention: &'static str, shape: Shape, host: u64, target: CTarget) -> String {
    let lane = shape.lane.clif();
    let mut w = Writer::new(shape);
    let [vmctx, x] = [(); 2].map(|()| w.value());
    let function = w.assign(&format!("iconst.i64 {}", host as i64));
    let results = w.call(Style::Explicit, &function, &vmctx, &x);
    w.line(&format!("return {}", results.join(", ")));
    format!(
        "function %shim{} {{\n{}\nblock0({vmctx}: i64, {x}: {lane}):\n{}}}\n",
        signature(Style::Stock(convention), shape, target),
        preamble(Style::Explicit, shape, target, 0),
        w.text
    )
}
