//! `clif-util abi`: tells where the values of signatures go, or declares them for C or Rust.

use crate::input::{self, Usage};
use anyhow::Result;
use clap::{Args, ValueEnum};
use cranelift_codegen::isa::{self, OwnedTargetIsa, TargetIsa};
use cranelift_reader::{IsaSpec, OwnedFlagsOrIsa, TestFile};
use filetests::abi::{self, Names, Refusal, Section, UsedSignature, c, rust, text};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use target_lexicon::Triple;

/// Tell where every parameter and result goes, or declare functions for C or Rust.
///
/// For each signature of a file, those of its functions (`%f`) and those that they call
/// (`sig0`, `fn0`), on each of the file's targets. Signatures that are the same are shown once.
///
/// As text, a line says for each parameter and result: name, type, and register or stack slot.
/// `[sp + 8]` is 8 bytes above the stack pointer at the call instruction; on x86-64, where the call
/// pushes the return address, the offset at the function's entry is shown as well. A value in two
/// places has its low half in the first. Results that `system_v_multi_out` returns in memory are
/// shown as a table of that memory, padding included.
///
/// For C and Rust there are struct, assertions on its layout, function pointer type and
/// declarations, for those signatures that the language can say.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cargo clif-util abi --target x86_64 functions.clif
  cargo clif-util abi --target 'riscv64 has_v' functions.clif
  cargo clif-util abi --lang c functions.clif > functions.h
  cargo clif-util abi --lang rust --target aarch64 functions.clif > functions.rs

The first, for `function %f(i64 vmctx, i32) -> i32, f64 system_v_multi_out`, prints

  functions.clif:1: %f
  (i64 vmctx, i32) -> i32, f64 system_v_multi_out

    x86_64
      out    i64        rdi  address of the out area
      vmctx  i64 vmctx  rsi
      a0     i32        rdx
      out area: 16 bytes, alignment 8
      +--------+------+---------+------+
      | offset | size | field   | type |
      +--------+------+---------+------+
      |      0 |    4 | r0      | i32  |
      |      4 |    4 | padding |      |
      |      8 |    8 | r1      | f64  |
      +--------+------+---------+------+

What the backend, or the language, does not have is shown with the reason, and the exit status is 1.")]
pub struct Options {
    /// Files; `-` is the standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// A target triple with its flags, instead of the targets of the files.
    #[arg(
        long,
        value_name = "TARGET",
        default_value = "",
        hide_default_value = true
    )]
    target: String,

    /// A setting for --target, shared or of the target: `name` or `name=value`.
    #[arg(long = "set", value_name = "SETTING", requires = "target")]
    settings: Vec<String>,

    /// What to write.
    #[arg(long, value_name = "LANGUAGE", default_value = "text")]
    lang: Language,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    Text,
    C,
    Rust,
}

/// Prints what is asked for. Status 1 if some of it does not exist.
pub fn run(options: &Options) -> Result<ExitCode> {
    let settings = input::target(&options.target, &options.settings)?;
    let mut files = Vec::new();
    for path in &options.files {
        let text = input::read(path)?;
        let file = input::parse(path, &text)?;
        files.push(File {
            shown: shown(path),
            isas: isas(&settings, &file, path)?,
            signatures: abi::signatures(&file, &text),
        });
    }
    let is_complete = match options.lang {
        Language::Text => print_text(&files),
        Language::C => print_declarations::<c::Section>(&files),
        Language::Rust => print_declarations::<rust::Section>(&files),
    };
    Ok(ExitCode::from(u8::from(!is_complete)))
}

struct File {
    shown: String,
    isas: Vec<OwnedTargetIsa>,
    signatures: Vec<UsedSignature>,
}

fn shown(path: &Path) -> String {
    match path.to_str() {
        Some("-") => "<stdin>".to_owned(),
        _ => path.display().to_string(),
    }
}

/// The target of the command line, or else those of the file.
fn isas(
    settings: &OwnedFlagsOrIsa,
    file: &TestFile<'_>,
    path: &Path,
) -> Result<Vec<OwnedTargetIsa>> {
    match (settings, &file.isa_spec) {
        (OwnedFlagsOrIsa::Isa(isa), _) => Ok(vec![isa.clone()]),
        (OwnedFlagsOrIsa::Flags(_), IsaSpec::Some(isas)) => Ok(isas.clone()),
        (OwnedFlagsOrIsa::Flags(_), IsaSpec::None(_)) => {
            let shown = path.display();
            Err(Usage(format!("{shown} has no target; give one with --target")).into())
        }
    }
}

fn print_text(files: &[File]) -> bool {
    let mut is_complete = true;
    let mut gap = "";
    for file in files {
        for used in &file.signatures {
            println!("{gap}{}\n{}", place_and_users(file, used), used.signature);
            gap = "\n";
            for (heading, body) in bodies(&file.isas, used, &mut is_complete) {
                println!("\n  {heading}");
                for line in body.lines() {
                    println!("    {line}");
                }
            }
        }
    }
    is_complete
}

/// What to print for each target. Targets whose flags make no difference are shown once.
fn bodies(
    isas: &[OwnedTargetIsa],
    used: &UsedSignature,
    is_complete: &mut bool,
) -> Vec<(String, String)> {
    let mut bodies: Vec<(String, String, String)> = Vec::new();
    for isa in isas {
        let body = match abi::locate(&**isa, &used.signature) {
            Ok(locations) => text::locations(&used.signature, &locations),
            Err(error) => {
                *is_complete = false;
                format!("error: {error}\n")
            }
        };
        let triple = abi::target_name(isa.triple());
        if !bodies.iter().any(|(t, _, b)| (t, b) == (&triple, &body)) {
            bodies.push((triple, heading(&**isa), body));
        }
    }
    // Without a difference to be explained the flags would only mislead.
    let count = |triple: &String| bodies.iter().filter(|(t, ..)| t == triple).count();
    let counts: Vec<_> = bodies.iter().map(|(triple, ..)| count(triple)).collect();
    let shown = bodies.into_iter().zip(counts);
    shown
        .map(|((triple, heading, body), count)| match count {
            1 => (triple, body),
            _ => (heading, body),
        })
        .collect()
}

/// The triple, and the flags that are not as the triple alone has them.
fn heading(isa: &dyn TargetIsa) -> String {
    let mut heading = abi::target_name(isa.triple());
    let plain = isa::lookup(isa.triple().clone())
        .ok()
        .and_then(|builder| builder.finish(isa.flags().clone()).ok());
    let plain = plain.map_or_else(Vec::new, |plain| plain.isa_flags());
    for value in isa.isa_flags() {
        let value = value.to_string();
        if !plain.iter().any(|plain| plain.to_string() == value) {
            let value = value.replace(" = ", "=");
            heading.push(' ');
            heading.push_str(value.strip_suffix("=true").unwrap_or(&value));
        }
    }
    heading
}

/// Prints the declarations of all signatures, in a section for each kind of target.
fn print_declarations<S: Section>(files: &[File]) -> bool {
    let mut sections: Vec<(S, Names)> = Vec::new();
    let mut is_complete = true;
    for file in files {
        for used in &file.signatures {
            let comment = format!("{}\n{}", place_and_users(file, used), used.signature);
            // Targets that differ in flags alone have the same declarations, if they have them.
            let mut done = Vec::new();
            let mut refused = Vec::new();
            // What one set of flags lacks another may have.
            let mut isas: Vec<_> = file.isas.iter().collect();
            isas.sort_by_key(|isa| abi::check::<S>(&***isa, &used.signature).is_err());
            for isa in isas {
                let index = section_for(&mut sections, isa.triple());
                let result = match index {
                    Some(_) => abi::check::<S>(&**isa, &used.signature),
                    None => Err(Refusal::NoCompiler(abi::target_name(isa.triple()))),
                };
                match (result, index) {
                    (Ok(()), Some(index)) if !done.contains(&index) => {
                        done.push(index);
                        let (section, names) = &mut sections[index];
                        section.blank_line();
                        section.comment(&comment);
                        if let Err(refusal) = abi::declare(section, names, &**isa, used) {
                            unreachable!("checked before: {refusal}");
                        }
                    }
                    (Err(_), Some(index)) if done.contains(&index) => {}
                    (Err(refusal), index) if !refused.contains(&(index, refusal.clone())) => {
                        is_complete = false;
                        let place = place(file, used);
                        eprintln!(
                            "{place}: {}: {}: {refusal}",
                            used.users[0].text,
                            abi::target_name(isa.triple())
                        );
                        if let Some(index) = index {
                            let (section, _) = &mut sections[index];
                            section.blank_line();
                            section.comment(&comment);
                            section.comment(&format!("refused: {refusal}"));
                        }
                        refused.push((index, refusal));
                    }
                    _ => {}
                }
            }
        }
    }
    let sections: Vec<S> = sections.into_iter().map(|(section, _)| section).collect();
    print!("{}", S::file(&sections));
    is_complete
}

/// The section that a target belongs to, if the language has the target.
fn section_for<S: Section>(sections: &mut Vec<(S, Names)>, triple: &Triple) -> Option<usize> {
    let section = S::new(triple)?;
    let known = sections
        .iter()
        .position(|(known, _)| known.condition() == section.condition());
    Some(known.unwrap_or_else(|| {
        sections.push((section, S::names()));
        sections.len() - 1
    }))
}

/// `functions.clif:1`, the line being that of the first user.
fn place(file: &File, used: &UsedSignature) -> String {
    format!("{}:{}", file.shown, used.users[0].line)
}

/// `functions.clif:1: %f, fn0 = %f in %g`.
fn place_and_users(file: &File, used: &UsedSignature) -> String {
    let users: Vec<&str> = used.users.iter().map(|user| user.text.as_str()).collect();
    format!("{}: {}", place(file, used), users.join(", "))
}
