//! What is no WebAssembly 2.0, or has vectors, is refused where it stands.

use anyhow::{Context as _, Result, bail, ensure};
use multi_out_wasm::{Error, Module};
use wast::parser::{ParseBuffer, parse};

/// A module, what its refusal says, and the opcode that the offset is of.
const REFUSED: &[(&str, &str, Option<u8>)] = &[
    ("(func $f (return_call $f))", "tail calls", Some(0x12)),
    (
        "(type (func)) (table 1 funcref) (func (return_call_indirect (type 0) (i32.const 0)))",
        "tail calls",
        Some(0x13),
    ),
    ("(func (drop (v128.const i64x2 1 2)))", "SIMD", Some(0xfd)),
    ("(func (param v128))", "SIMD", None),
    ("(global v128 (v128.const i64x2 1 2))", "SIMD", None),
    ("(memory 1 1 shared)", "threads", None),
    (
        "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))",
        "threads",
        Some(0xfe),
    ),
    ("(memory i64 1)", "memory64", None),
    ("(table i64 1 funcref)", "memory64", None),
    ("(tag)", "exceptions", None),
    ("(tag $t) (func (throw $t))", "exceptions", None),
    ("(func try_table end)", "exceptions", Some(0x1f)),
    ("(memory 1) (memory 1)", "multiple memories", None),
    ("(type (struct))", "gc", None),
    (
        "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
        "constant expression",
        Some(0x6a),
    ),
];

fn encode(text: &str) -> Result<Vec<u8>> {
    let buffer = ParseBuffer::new(text)?;
    Ok(parse::<wast::Wat<'_>>(&buffer)?.encode()?)
}

#[test]
fn later_proposals_are_refused_with_an_offset() -> Result<()> {
    for (fields, words, opcode) in REFUSED {
        let bytes = encode(&format!("(module {fields})"))?;
        let error = match Module::new(&bytes) {
            Ok(_) => bail!("{fields} is no module of 2.0, but is accepted"),
            Err(error) => error,
        };
        let text = error.to_string();
        let Error::Invalid { offset, .. } = error else {
            bail!("{fields}: {text}");
        };
        let found = bytes.get(offset as usize);
        let is_there = found.is_some() && opcode.is_none_or(|opcode| found == Some(&opcode));
        ensure!(
            text.contains(words) && is_there,
            "{fields}: {text}, where {found:02x?} is"
        );
    }
    Ok(())
}

/// Limits are numbers of 32 bits, of five bytes at most, wherever they stand.
#[test]
fn limits_of_too_many_bytes_are_refused() -> Result<()> {
    const ZERO: &[u8] = &[0];
    const LONG_ZERO: &[u8] = &[0x80, 0x80, 0x80, 0x80, 0x80, 0];
    // The identifier of a section, and what comes before the limits of its only item.
    let sections: [(&str, u8, &[u8]); 4] = [
        ("a memory", 5, &[1]),
        ("a table", 4, &[1, 0x70]),
        ("an imported memory", 2, b"\x01\x01m\x01n\x02"),
        ("an imported table", 2, b"\x01\x01m\x01n\x01\x6f"),
    ];
    for (what, id, before) in sections {
        let module = |limits: &[&[u8]]| {
            let content = [&[before], limits].concat().concat();
            let header = [id, content.len() as u8];
            Module::new(&[&b"\0asm\x01\0\0\0"[..], &header, &content].concat())
        };
        for (flags, limits) in [(0, &[LONG_ZERO][..]), (1, &[ZERO, LONG_ZERO])] {
            let short = vec![ZERO; limits.len()];
            module(&[&[&[flags][..]], &*short].concat()).with_context(|| what.to_owned())?;
            let error = module(&[&[&[flags][..]], limits].concat()).err();
            ensure!(
                matches!(&error, Some(Error::Invalid { message, .. }) if message.contains("too long")),
                "{what}: {error:?}"
            );
        }
    }
    // What else is imported is no limit.
    let others = r#"(import "m" "f" (func)) (import "m" "g" (global (mut i64))) (import "m" "t" (table 1 2 funcref))"#;
    Module::new(&encode(&format!("(module {others} (table 1 externref))"))?)?;
    Ok(())
}

/// Some are modules all the same.
#[test]
fn damaged_modules_are_no_panic() -> Result<()> {
    let bytes = encode(
        r#"(module
            (type $t (func (param i32) (result i32 i64)))
            (import "a" "b" (func $import (type $t)))
            (memory 1) (data (i32.const 0) "abc") (table 2 funcref) (elem (i32.const 0) $f)
            (global (mut i64) (i64.const 1))
            (func $f (export "f") (type $t) (local f64)
                (if (result i32 i64) (local.get 0)
                    (then (call $import (i32.load8_u (local.get 0))))
                    (else (call_indirect (type $t) (i32.const 1) (i32.const 0))))))"#,
    )?;
    Module::new(&bytes)?;
    for end in 0..bytes.len() {
        let _ = Module::new(&bytes[..end]);
    }
    let mut damaged = bytes.clone();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            damaged[at] = bytes[at] ^ (1 << bit);
            let _ = Module::new(&damaged);
        }
        damaged[at] = bytes[at];
    }
    Ok(())
}
