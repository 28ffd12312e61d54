//! `multi-out-wasm run`.

use crate::input::{self, Usage};
use anyhow::Result;
use clap::Args;
use multi_out_wasm::{Error, Extern, Instance, Linker, Store, ValType, Value};
use std::io::Write as _;
use std::path::PathBuf;

/// Run a module: its start function, and then an exported function
///
/// Nothing is there to import. A module that imports anything needs a program of its own, which gives it functions of Rust or
/// C: see the library, and the example `wasm`.
#[derive(Args)]
#[command(after_help = "\
Example:
  multi-out-wasm run numbers.wat --invoke div 7 -2

prints the results of the export `div`, a line each. Integers may be negative or not, and in
hexadecimal with `0x`; floats are as Rust has them, with `inf` and `nan`; a reference is `null`,
or a number for an externref.")]
pub struct Options {
    /// The module; `-` is the standard input.
    file: PathBuf,

    /// Call an exported function.
    #[arg(long, value_name = "NAME")]
    invoke: Option<String>,

    /// The values to call it with.
    #[arg(requires = "invoke", allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Prints the results.
pub fn run(options: &Options) -> Result<()> {
    let module = input::module(&options.file)?;
    let mut store = Store::new()?;
    let instance = Instance::new(&mut store, &module, &Linker::new())?;
    let (Some(name), args) = (&options.invoke, &options.args) else {
        return Ok(());
    };
    let func = instance.func(name).map_err(|error| {
        let functions = instance.exports().filter_map(|(name, item)| match item {
            Extern::Func(_) => Some(format!("`{name}`")),
            _ => None,
        });
        let functions: Vec<_> = functions.collect();
        let functions = match functions.join(", ") {
            none if none.is_empty() => "it exports no functions".to_owned(),
            functions => format!("it exports {functions}"),
        };
        Usage(format!("{error}; {functions}"))
    })?;
    let params = &func.ty().params;
    if params.len() != args.len() {
        let (wanted, given) = (params.len(), args.len());
        let usage = format!("`{name}` takes {wanted} values, but {given} are given");
        return Err(Usage(usage).into());
    }
    let args = params.iter().zip(args).map(|(&ty, text)| {
        value(ty, text).ok_or_else(|| Usage(format!("`{text}` is no value of type {ty}")))
    });
    let args: Vec<_> = args.collect::<Result<_, _>>()?;
    let results = func.call(&mut store, &args);
    let results = results.map_err(|error| match error {
        Error::Trap(trap) => anyhow::anyhow!("`{name}` traps: {trap}"),
        error => error.into(),
    })?;
    let mut out = std::io::stdout().lock();
    for result in results {
        match result {
            Value::I32(value) => writeln!(out, "{value}")?,
            Value::I64(value) => writeln!(out, "{value}")?,
            Value::F32(value) => writeln!(out, "{value}")?,
            Value::F64(value) => writeln!(out, "{value}")?,
            Value::FuncRef(None) | Value::ExternRef(0) => writeln!(out, "null")?,
            Value::FuncRef(Some(func)) => writeln!(out, "{func:?}")?,
            Value::ExternRef(value) => writeln!(out, "{value}")?,
        }
    }
    Ok(())
}

fn value(ty: ValType, text: &str) -> Option<Value> {
    Some(match ty {
        ValType::I32 => {
            let value = integer(text)?;
            let unsigned = u32::try_from(value).map(|value| value as i32);
            Value::I32(unsigned.or_else(|_| value.try_into()).ok()?)
        }
        ValType::I64 => {
            let value = integer(text)?;
            let unsigned = u64::try_from(value).map(|value| value as i64);
            Value::I64(unsigned.or_else(|_| value.try_into()).ok()?)
        }
        ValType::F32 => Value::F32(text.parse().ok()?),
        ValType::F64 => Value::F64(text.parse().ok()?),
        ValType::FuncRef if text == "null" => Value::FuncRef(None),
        ValType::FuncRef => return None,
        ValType::ExternRef if text == "null" => Value::ExternRef(0),
        ValType::ExternRef => Value::ExternRef(integer(text)?.try_into().ok()?),
    })
}

fn integer(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (digits, radix) = match digits.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    // The library takes a sign here, too.
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    (!digits.starts_with('+')).then_some(sign * i128::from(magnitude))
}
