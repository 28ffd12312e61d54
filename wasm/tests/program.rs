//! The program: what it prints, and how it ends.

use anyhow::{Context as _, Result, ensure};
use std::io::Write as _;
use std::process::{Command, Stdio};

const MODULE: &str = r#"(module
    (func (export "divide") (param i32 i32) (result i32 i32)
        (i32.div_s (local.get 0) (local.get 1)) (i32.rem_s (local.get 0) (local.get 1)))
    (func (export "add") (param i64 f32) (result f64)
        (f64.add (f64.convert_i64_s (local.get 0)) (f64.promote_f32 (local.get 1))))
    (func (export "wide") (param i64) (result i64) (local.get 0))
    (func (export "null") (param externref) (result i32 externref funcref)
        (ref.is_null (local.get 0)) (local.get 0) (ref.null func))
    (memory (export "memory") 1))"#;

const IMPORTS: &str = r#"(module
    (import "" "" (func (result i32 i32)))
    (import "env" "int" (func (param i64 externref) (result f32)))
    (import "env" "refs" (func (param externref) (result externref i32)))
    (import "env" "func" (func (param i32) (result funcref)))
    (import "env" "many" (func (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "env" "table" (table 1 2 funcref))
    (import "env" "count" (global (mut i32)))
    (func (export "swap") (result f64 i32) (unreachable))
    (func (export "opaque") (param externref) (result funcref) (unreachable)))"#;

struct Ended {
    status: Option<i32>,
    out: String,
    err: String,
}

fn program(args: &[&str], input: &[u8]) -> Result<Ended> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_multi-out-wasm"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // It may have ended without reading.
    let _ = child.stdin.take().context("a pipe")?.write_all(input);
    let output = child.wait_with_output()?;
    Ok(Ended {
        status: output.status.code(),
        out: String::from_utf8(output.stdout)?,
        err: String::from_utf8(output.stderr)?,
    })
}

#[test]
fn run_prints_results() -> Result<()> {
    for (args, out) in [
        (&["divide", "7", "-2"][..], "-3\n1\n"),
        (&["divide", "0xffffffff", "1"], "-1\n0\n"),
        (&["add", "-9223372036854775808", "inf"], "inf\n"),
        (&["add", "2", "0.5"], "2.5\n"),
        (&["wide", "18446744073709551615"], "-1\n"),
        (&["null", "null"], "1\nnull\nnull\n"),
        (&["null", "7"], "0\n7\nnull\n"),
        // A name after the file, and an argument that looks like an option.
        (&["wide", "-1"], "-1\n"),
    ] {
        let args: Vec<_> = ["run", "-", "--invoke"]
            .iter()
            .chain(args)
            .copied()
            .collect();
        let ended = program(&args, MODULE.as_bytes())?;
        assert_eq!((ended.status, &*ended.out), (Some(0), out), "{}", ended.err);
    }
    let ended = program(&["run", "-"], MODULE.as_bytes())?;
    assert_eq!((ended.status, &*ended.out), (Some(0), ""), "{}", ended.err);
    // As the usage has it: options first.
    let ended = program(
        &["run", "--invoke", "divide", "-", "7", "-2"],
        MODULE.as_bytes(),
    )?;
    assert_eq!(
        (ended.status, &*ended.out),
        (Some(0), "-3\n1\n"),
        "{}",
        ended.err
    );
    Ok(())
}

#[test]
fn errors_say_what_is_wrong_and_where() -> Result<()> {
    let run = |args: &[&str], input: &[u8], status, words: &[&str]| -> Result<()> {
        let ended = program(args, input)?;
        let says = words.iter().all(|word| ended.err.contains(word));
        let wrong = format!("{args:?}: {:?}: {}", ended.status, ended.err);
        ensure!(
            says && ended.status == Some(status) && ended.out.is_empty(),
            "{wrong}"
        );
        Ok(())
    };
    let call = |args: &[&str], status, words: &[&str]| {
        let args: Vec<_> = ["run", "-", "--invoke"]
            .iter()
            .chain(args)
            .copied()
            .collect();
        run(&args, MODULE.as_bytes(), status, words)
    };
    call(
        &["divide", "1", "0"],
        1,
        &["`divide` traps: integer divide by zero"],
    )?;
    call(
        &["divide", "1"],
        2,
        &["`divide` takes 2 values, but 1 are given"],
    )?;
    call(
        &["divide", "1", "4294967296"],
        2,
        &["`4294967296` is no value of type i32"],
    )?;
    call(
        &["wide", "-9223372036854775809"],
        2,
        &["no value of type i64"],
    )?;
    for wrong in ["-+5", "0x+5", "-0x-5", "5x", "0x", "-", ""] {
        call(&["wide", wrong], 2, &["no value of type i64"])?;
    }
    run(&["run", "-", "7"], b"(module)", 2, &["--invoke <NAME>"])?;
    call(
        &["memory"],
        2,
        &["no exported function `memory`; it exports `divide`, `add`, `wide`, `null`\n"],
    )?;
    run(
        &["run", "-"],
        IMPORTS.as_bytes(),
        1,
        &["unknown import \"\" \"\", a function () -> (i32, i32)"],
    )?;
    run(
        &["run", "-"],
        b"(module\n  (fun))",
        1,
        &["<stdin>:2:4", "(fun)"],
    )?;
    run(
        &["run", "-"],
        b"\0asm\x01\0\0\0\x01\x05\x01",
        1,
        &["<stdin>: ", "(at offset 0x"],
    )?;
    run(
        &["run", "-"],
        b"(module (func (result i32)))",
        1,
        &["<stdin>, in the binary format: "],
    )?;
    run(
        &["run", "-"],
        b"\xff\xfe",
        1,
        &["<stdin>: neither a module nor a text"],
    )?;
    run(&["explain", "-"], b"", 1, &["<stdin>"])?;
    run(
        &["run", "-"],
        b"(module (func $f (call $f)) (start $f))",
        1,
        &["error: the start function: call stack exhausted\n"],
    )?;
    run(
        &["run", "-"],
        b"(module (table 4294967295 funcref))",
        1,
        &["not enough memory for a table of 4294967295 or more funcref"],
    )?;
    run(
        &["run", "-", "--invoke", "f"],
        b"(module)",
        2,
        &["no exported function `f`; it exports no functions"],
    )?;
    run(
        &["run", "no/such/file.wasm"],
        b"",
        2,
        &["no/such/file.wasm: No such file"],
    )?;
    run(&["walk"], b"", 2, &["unrecognized subcommand 'walk'"])?;
    run(&[], b"", 2, &["Usage: multi-out-wasm <COMMAND>"])?;
    Ok(())
}

#[test]
fn help_teaches() -> Result<()> {
    for (args, words) in [
        (
            &["--help"][..],
            "multi-out-wasm run add.wat --invoke add 1 2",
        ),
        (&["run", "--help"], "hexadecimal with `0x`"),
        (&["explain", "--help"], "--lang c swap.wat > swap.h"),
    ] {
        let ended = program(args, b"")?;
        ensure!(
            ended.status == Some(0) && ended.out.contains(words),
            "{}",
            ended.out
        );
    }
    Ok(())
}

#[test]
fn explain_tells_what_imports_and_exports_are() -> Result<()> {
    let ended = program(&["explain", "-"], IMPORTS.as_bytes())?;
    let text = "\
import \"\" \"\": a function () -> (i32, i32)
  C     struct nameless_out { int32_t r0; int32_t r1; };
        void nameless(struct nameless_out *out, void *vmctx);
  Rust  #[repr(C)] struct NamelessOut { r0: i32, r1: i32 }
        unsafe extern \"C\" fn nameless(out: *mut NamelessOut, vmctx: *mut core::ffi::c_void)
import \"env\" \"int\": a function (i64, externref) -> (f32)
  C     float env_int(void *vmctx, int64_t a0, void *a1);
  Rust  unsafe extern \"C\" fn env_int(vmctx: *mut core::ffi::c_void, a0: i64, a1: *mut core::ffi::c_void) -> f32
import \"env\" \"refs\": a function (externref) -> (externref, i32)
  C     struct env_refs_out { void *r0; int32_t r1; };
        void env_refs(struct env_refs_out *out, void *vmctx, void *a0);
  Rust  #[repr(C)] struct EnvRefsOut { r0: *mut core::ffi::c_void, r1: i32 }
        unsafe extern \"C\" fn env_refs(out: *mut EnvRefsOut, vmctx: *mut core::ffi::c_void, a0: *mut core::ffi::c_void)
import \"env\" \"func\": a function (i32) -> (funcref)
  no host function can be this: one of its types is funcref
import \"env\" \"many\": a function (i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32) -> ()
  no host function can be this: it has more than 16 parameters
import \"env\" \"table\": a table of 1 to 2 funcref
import \"env\" \"count\": a global i32 variable
export \"swap\": a function () -> (f64, i32)
  C     struct swap_out { double r0; int32_t r1; };
        void swap(struct swap_out *out, void *vmctx);
  Rust  #[repr(C)] struct SwapOut { r0: f64, r1: i32 }
        unsafe extern \"C\" fn swap(out: *mut SwapOut, vmctx: *mut core::ffi::c_void)
export \"opaque\": a function (externref) -> (funcref)
  C     void *opaque(void *vmctx, void *a0);
  Rust  unsafe extern \"C\" fn opaque(vmctx: *mut core::ffi::c_void, a0: *mut core::ffi::c_void) -> *mut core::ffi::c_void
";
    assert_eq!(
        (ended.status, &*ended.out),
        (Some(0), text),
        "{}",
        ended.err
    );
    Ok(())
}

/// The files are whole, and compilers take them.
#[test]
fn explain_writes_files_for_compilers() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for (lang, name, compiler) in [
        (
            "c",
            "module.h",
            &["cc", "-Wall", "-Werror", "-fsyntax-only", "module.h"][..],
        ),
        (
            "rust",
            "module.rs",
            &["rustc", "--crate-type=lib", "--emit=metadata", "module.rs"],
        ),
    ] {
        let ended = program(&["explain", "--lang", lang, "-"], IMPORTS.as_bytes())?;
        ensure!(ended.status == Some(0), "{}", ended.err);
        ensure!(
            ended.out.contains("import \"env\" \"count\": a global"),
            "{}",
            ended.out
        );
        std::fs::write(folder.path().join(name), &ended.out)?;
        let mut command = Command::new(compiler[0]);
        let command = command.args(&compiler[1..]).current_dir(folder.path());
        let compiled = command.output().with_context(|| compiler[0].to_owned())?;
        let errors = String::from_utf8_lossy(&compiled.stderr);
        ensure!(compiled.status.success(), "{}\n{errors}", ended.out);
    }
    Ok(())
}
