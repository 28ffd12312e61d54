//! `multi-out-wasm explain`.

use crate::input;
use anyhow::{Result, anyhow};
use clap::{Args, ValueEnum};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::settings::{self, Flags};
use multi_out_declare::{Names, Refusal, Section, c, declare, rust};
use multi_out_wasm::{FuncType, Item, ValType};
use std::io::Write as _;
use std::path::PathBuf;

/// Tell what the imports and exports of a module are to C and Rust
///
/// An import is a function that the host gives, and an export one that it may call: both by an ordinary pointer to a
/// function. The parameter `vmctx` is the context: of an import what the host says, of an export the instance's.
#[derive(Args)]
#[command(after_help = "\
Examples:
  multi-out-wasm explain swap.wat
  multi-out-wasm explain --lang c swap.wat > swap.h
  multi-out-wasm explain --lang rust swap.wat > swap.rs

The files declare the functions that a host gives, and have types for all, with assertions on
their layout. An externref is a pointer, which the files have as an integer of its size.")]
pub struct Options {
    /// The module; `-` is the standard input.
    file: PathBuf,

    /// What to write.
    #[arg(long, value_name = "LANGUAGE", default_value = "text")]
    lang: Language,
}

#[derive(Clone, Copy, ValueEnum)]
enum Language {
    Text,
    C,
    Rust,
}

/// Prints what is asked for.
pub fn run(options: &Options) -> Result<()> {
    let module = input::module(&options.file)?;
    let isa = cranelift_native::builder().map_err(|error| anyhow!("this machine: {error}"))?;
    let isa = isa.finish(Flags::new(settings::builder()))?;
    let items: Vec<_> = module.imports().chain(module.exports()).collect();
    let text = match options.lang {
        Language::Text => text(&*isa, &items)?,
        Language::C => file::<c::Section>(&*isa, &items)?,
        Language::Rust => file::<rust::Section>(&*isa, &items)?,
    };
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

fn title(item: &Item<'_>) -> String {
    let (name, what) = (item.name, &item.description);
    match item.module {
        Some(module) => format!("import {module:?} {name:?}: {what}"),
        None => format!("export {name:?}: {what}"),
    }
}

/// The name that types and functions are called after.
fn stem(item: &Item<'_>) -> String {
    let parts = item.module.into_iter().chain([item.name]);
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [] => "%nameless".to_owned(),
        _ => format!("%{}", parts.join("_")),
    }
}

/// Why no function of the host can be this import.
fn impossible(item: &Item<'_>) -> Option<&'static str> {
    let (_, ty) = (item.module?, item.func?);
    if ty
        .params
        .iter()
        .chain(&ty.results)
        .any(|ty| *ty == ValType::FuncRef)
    {
        return Some("no host function can be this: one of its types is funcref");
    }
    (ty.params.len() > 16).then_some("no host function can be this: it has more than 16 parameters")
}

fn file<S: Section>(isa: &dyn TargetIsa, items: &[Item<'_>]) -> Result<String> {
    let mut section = S::new(isa.triple()).ok_or_else(|| anyhow!("no compiler for this target"))?;
    let mut names = S::names();
    for item in items {
        section.blank_line();
        section.comment(&title(item));
        let Some(ty) = item.func else { continue };
        if let Some(why) = impossible(item) {
            section.comment(why);
            continue;
        }
        let name = names.clone().claim(&stem(item));
        let name = format!("%{name}");
        // An export has no symbol.
        let functions: &[&str] = if item.module.is_some() { &[&name] } else { &[] };
        let signature = ty.signature(isa)?;
        if let Err(why) = declare(&mut section, &mut names, isa, &signature, functions, &name) {
            section.comment(&format!("There is no declaration: {why}"));
        }
    }
    Ok(S::file(&[section]))
}

fn text(isa: &dyn TargetIsa, items: &[Item<'_>]) -> Result<String> {
    let (mut for_c, mut for_rust) = (Names::c(), Names::rust());
    let mut text = String::new();
    for item in items {
        text += &format!("{}\n", title(item));
        let Some(ty) = item.func else { continue };
        if let Some(why) = impossible(item) {
            text += &format!("  {why}\n");
            continue;
        }
        let stem = stem(item);
        let c = in_c(isa, ty, &for_c.claim(&stem));
        let (name, types) = (
            for_rust.claim(&stem),
            for_rust.claim_camel_group(&stem, rust::SUFFIXES),
        );
        let rust = in_rust(isa, ty, &name, &types);
        for (language, lines) in [("C", c?), ("Rust", rust?)] {
            let lines = lines.unwrap_or_else(|why| vec![format!("no declaration: {why}")]);
            for (index, line) in lines.iter().enumerate() {
                let language = if index == 0 { language } else { "" };
                text += &format!("  {language:<4}  {line}\n");
            }
        }
    }
    Ok(text)
}

type Lines = Result<Vec<String>, Refusal>;

/// References are integers to the code generator, and pointers to whoever implements the function.
fn point(ty: &FuncType, params: &mut [(String, String)], results: &mut [String], pointer: &str) {
    // The place for results and the context come first.
    let params = params.iter_mut().rev().map(|(name, _)| name);
    let params = ty.params.iter().rev().zip(params);
    for (ty, name) in params.chain(ty.results.iter().zip(results)) {
        if matches!(ty, ValType::ExternRef | ValType::FuncRef) {
            *name = pointer.to_owned();
        }
    }
}

fn in_c(isa: &dyn TargetIsa, ty: &FuncType, name: &str) -> Result<Lines> {
    let signature = ty.signature(isa)?;
    Ok(
        c::Declaration::new(isa, &signature, name).map(|mut declaration| {
            let results = match &mut declaration.out {
                Some(out) => &mut out.fields[..],
                None => std::slice::from_mut(&mut declaration.result),
            };
            point(ty, &mut declaration.params, results, "void *");
            let out = declaration.out.as_ref().map(|out| {
                let fields = (0..).zip(&out.fields).map(|(n, ty)| format!(" {ty} r{n};"));
                let fields = fields.map(|field| field.replace("* ", "*"));
                format!("struct {} {{{} }};", out.name, fields.collect::<String>())
            });
            let prototype = format!("{};", declaration.prototype(name));
            out.into_iter().chain([prototype]).collect()
        }),
    )
}

fn in_rust(isa: &dyn TargetIsa, ty: &FuncType, name: &str, types: &str) -> Result<Lines> {
    let signature = ty.signature(isa)?;
    Ok(
        rust::Declaration::new(isa, &signature, types).map(|mut declaration| {
            let results = match &mut declaration.out {
                Some(out) => &mut out.fields[..],
                None => declaration.result.as_mut_slice(),
            };
            point(
                ty,
                &mut declaration.params,
                results,
                "*mut core::ffi::c_void",
            );
            let out = declaration.out.as_ref().map(|out| {
                let fields = (0..).zip(&out.fields).map(|(n, ty)| format!("r{n}: {ty}"));
                let fields: Vec<_> = fields.collect();
                format!("#[repr(C)] struct {} {{ {} }}", out.name, fields.join(", "))
            });
            let (abi, types) = (declaration.abi, declaration.prototype());
            let prototype = format!("unsafe extern \"{abi}\" fn {name}{types}");
            out.into_iter().chain([prototype]).collect()
        }),
    )
}
