//! The table of operations in the README.

use crate::generator::ops::operation::Operation;
use crate::generator::ops::table::{INTERPRETED, Row};
use cranelift_codegen::ir::{Opcode, Type, types};
use std::collections::BTreeMap;
use std::io;

/// Before the table, and behind it.
const BEGIN: &str = "<!-- operations -->";
const END: &str = "<!-- end of operations -->";

/// The README with the table of these operations.
pub fn replace(readme: &str, rows: &[Row]) -> io::Result<String> {
    let parts = readme.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let Some((before, after)) = parts else {
        return Err(io::Error::other(format!("`{BEGIN}` or `{END}` is missing")));
    };
    Ok(format!("{before}{BEGIN}\n{}{END}{after}", table(rows)))
}

const HEAD: &str = "\
| what | types | all | interpreter | x86-64 | aarch64 | riscv64 | s390x | Pulley |
|---|---|---|---|---|---|---|---|---|
";

/// Counts what some backend has, what the interpreter has of it, and what each backend has of that.
fn table(rows: &[Row]) -> String {
    let mut counts = BTreeMap::<_, [usize; 7]>::new();
    for Row { operation, who } in rows {
        let counts = counts
            .entry((kind(operation), class(operation)))
            .or_default();
        let is_interpreted = who.contains(INTERPRETED);
        let has = |letter: char| {
            is_interpreted && (who.contains(letter) || who.contains(letter.to_ascii_uppercase()))
        };
        let columns = [true, is_interpreted]
            .into_iter()
            .chain("xarsp".chars().map(has));
        for (count, is_there) in counts.iter_mut().zip(columns) {
            *count += usize::from(is_there);
        }
    }
    let mut text = HEAD.to_owned();
    for ((kind, class), counts) in counts {
        let counts = counts.map(|count| count.to_string()).join(" | ");
        text += &format!("| {} | {} | {counts} |\n", KINDS[kind], CLASSES[class]);
    }
    text
}

const KINDS: [&str; 7] = [
    "integer arithmetic",
    "bits, shifts",
    "comparisons",
    "float arithmetic",
    "conversions",
    "lanes",
    "selections",
];

fn kind(operation: &Operation) -> usize {
    let Operation {
        opcode,
        operands,
        results,
        ..
    } = operation;
    match opcode {
        Opcode::Icmp | Opcode::Fcmp | Opcode::VanyTrue | Opcode::VallTrue | Opcode::VhighBits => 2,
        Opcode::Band | Opcode::Bor | Opcode::Bxor | Opcode::Bnot => 1,
        Opcode::Rotl | Opcode::Rotr | Opcode::Ishl | Opcode::Ushr | Opcode::Sshr => 1,
        Opcode::Bitrev | Opcode::Bswap | Opcode::Clz | Opcode::Cls | Opcode::Ctz => 1,
        Opcode::Popcnt => 1,
        Opcode::Select | Opcode::SelectSpectreGuard | Opcode::Bitselect | Opcode::Blendv => 6,
        Opcode::Splat | Opcode::Swizzle | Opcode::Insertlane | Opcode::Extractlane => 5,
        Opcode::Shuffle | Opcode::X86Pshufb | Opcode::ScalarToVector => 5,
        _ if operands[0] != results[0] => 4,
        _ if results[0].lane_type().is_float() => 3,
        _ => 0,
    }
}

const CLASSES: [&str; 6] = [
    "`i8` to `i64`",
    "`i128`",
    "`f32`, `f64`",
    "`f16`, `f128`",
    "vectors of 128 bits",
    "smaller vectors",
];

/// Of the widest of its types.
fn class(operation: &Operation) -> usize {
    let all = operation.operands.iter().chain(&operation.results);
    all.map(|ty| class_of_type(*ty)).max().unwrap_or_default()
}

fn class_of_type(ty: Type) -> usize {
    match ty {
        _ if ty.is_vector() && ty.bits() < 128 => 5,
        _ if ty.is_vector() => 4,
        types::I128 => 1,
        types::F32 | types::F64 => 2,
        types::F16 | types::F128 => 3,
        _ => 0,
    }
}
