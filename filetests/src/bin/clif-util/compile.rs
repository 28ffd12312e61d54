//! `clif-util compile`: compiles functions, and shows or writes the result.

use crate::input::{self, Unreadable, Usage};
use anyhow::{Result, anyhow};
use clap::Args;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_codegen::multi_out::make_out_pointers_explicit;
use cranelift_codegen::{CompiledCode, Context};
use cranelift_reader::{Details, IsaSpec, OwnedFlagsOrIsa, TestFile};
use filetests::abi::target_name;
use filetests::disassemble::{Instruction, instructions};
use filetests::errors::describe_codegen_error;
use filetests::object::{ObjectError, ObjectFile};
use filetests::report::located;
use filetests::{Failure, panics, timings};
use std::cell::Cell;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Compile every function of some files, and print what is asked for.
///
/// Without -p, -D and -o this only checks that the functions compile. Settings are the compiler's
/// defaults; the `set` lines of a file count only if its own target is used.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cargo clif-util compile --target x86_64 -D function.clif
  cargo clif-util compile --target 'aarch64 has_lse' --set opt_level=speed -pD function.clif
  cargo clif-util compile --target x86_64-linux --set is_pic --c-names -o f.o f.clif")]
pub struct Options {
    /// Files; `-` is the standard input.
    #[arg(default_value = "-")]
    files: Vec<PathBuf>,

    /// The target triple with its flags; an empty text means the file's only target.
    #[arg(long, value_name = "TARGET")]
    target: String,

    /// A setting, shared or of the target: `name` or `name=value`.
    #[arg(long = "set", value_name = "SETTING")]
    settings: Vec<String>,

    /// Print each function as the backend gets it: optimized, and with out pointers explicit.
    #[arg(short)]
    print: bool,

    /// Print the machine code: bytes and disassembly.
    #[arg(short = 'D', long = "disasm")]
    disassemble: bool,

    /// Show the time that each pass of the compiler took.
    #[arg(short = 'T', long)]
    timings: bool,

    /// Write an object file, in which functions have their names as printed (`%f`, `u0:5`).
    ///
    /// Names with `%` that no file defines become undefined symbols without the `%`.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// In the object file, name functions without the `%`, as a header of `clif-util abi` does.
    #[arg(long, requires = "output")]
    c_names: bool,
}

/// Compiles, and prints and writes what is asked for.
pub fn run(options: &Options) -> Result<ExitCode> {
    if options.timings {
        timings::enable();
    }
    let settings = input::target(&options.target, &options.settings)?;
    if options.target.is_empty() && !options.settings.is_empty() {
        let message = "--set needs a --target: a file's own target has the file's settings";
        return Err(Usage(message.to_owned()).into());
    }
    let mut texts = Vec::new();
    for path in &options.files {
        texts.push((path.as_path(), input::read(path)?));
    }
    let mut files = Vec::new();
    let mut of_first: Option<OwnedTargetIsa> = None;
    for (path, text) in &texts {
        let file = input::parse(path, text)?;
        let isa = isa(&settings, &file, path)?;
        for (func, details) in &file.functions {
            compile(func, details, &isa, options).map_err(|failure| error(path, &isa, failure))?;
        }
        let of_first = of_first.get_or_insert_with(|| isa.clone());
        if options.output.is_some() && !is_same_target(&**of_first, &*isa) {
            let message = "its target or settings are not those of the first file; an object file \
                           has one target, see --target";
            return Err(Usage(format!("{}: {message}", path.display())).into());
        }
        files.push((*path, file));
    }
    if let (Some(path), Some(isa)) = (&options.output, of_first) {
        let bytes = object(&files, &isa, options)?;
        std::fs::write(path, bytes).map_err(|error| {
            Unreadable::new(format!("{}: cannot write it: {error}", path.display()))
        })?;
    }
    if options.timings {
        timings::harvest();
        print!("{}", timings::report());
    }
    Ok(ExitCode::SUCCESS)
}

/// The contents of an object file with the functions of all files.
fn object(
    files: &[(&Path, TestFile<'_>)],
    isa: &OwnedTargetIsa,
    options: &Options,
) -> Result<Vec<u8>> {
    let functions: Vec<_> = files
        .iter()
        .flat_map(|(path, file)| file.functions.iter().map(move |function| (*path, function)))
        .collect();
    let mut object = ObjectFile::new(isa.clone()).map_err(|message| {
        let path = files.first().map_or(Path::new("-"), |(path, _)| *path);
        error(path, isa, Failure::at(1, message))
    })?;
    if options.c_names {
        object.name_as_c("");
    }
    object.add(functions.iter().map(|(_, (func, _))| func));
    let current = Cell::new(0);
    let result = panics::contain(|| object.finish_with(|index| current.set(index)));
    result
        .unwrap_or_else(|panic| {
            Err(ObjectError {
                function: Some(current.get()),
                message: format!("the object writer {panic}"),
                codegen: None,
            })
        })
        .map_err(
            |problem| match functions.get(problem.function.unwrap_or_default()) {
                Some((path, (func, details))) => {
                    let failure = problem
                        .describe(func, details)
                        .about(&func.name.to_string());
                    error(path, isa, failure)
                }
                None => anyhow!(problem.message),
            },
        )
}

fn error(path: &Path, isa: &OwnedTargetIsa, failure: Failure) -> anyhow::Error {
    let failure = Failure {
        job: Some("compile".to_owned()),
        target: Some(target_name(isa.triple())),
        ..failure
    };
    anyhow!(located(path, &failure))
}

/// The target of the command line, or else the file's only one.
fn isa(settings: &OwnedFlagsOrIsa, file: &TestFile<'_>, path: &Path) -> Result<OwnedTargetIsa> {
    if let OwnedFlagsOrIsa::Isa(isa) = settings {
        return Ok(isa.clone());
    }
    match &file.isa_spec {
        IsaSpec::Some(isas) if isas.len() == 1 => Ok(isas[0].clone()),
        IsaSpec::Some(isas) => {
            let count = isas.len();
            let message = format!(
                "{} has {count} targets; choose one with --target",
                path.display()
            );
            Err(Usage(message).into())
        }
        IsaSpec::None(_) => {
            let message = format!("{} has no target; give one with --target", path.display());
            Err(Usage(message).into())
        }
    }
}

fn is_same_target(one: &dyn TargetIsa, other: &dyn TargetIsa) -> bool {
    let flags = |isa: &dyn TargetIsa| {
        let flags = isa.isa_flags();
        flags.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    one.triple() == other.triple() && one.flags() == other.flags() && flags(one) == flags(other)
}

/// Compiles a function, and prints what is asked for.
fn compile(
    func: &Function,
    details: &Details<'_>,
    isa: &OwnedTargetIsa,
    options: &Options,
) -> Result<(), Failure> {
    let fail = |error: String| {
        Failure::at(
            details.location.line_number,
            format!("{}: {error}", func.name),
        )
    };
    let text = panics::contain(|| {
        let mut context = Context::for_function(func.clone());
        context
            .compile(&**isa, &mut ControlPlane::default())
            .map_err(|error| describe_codegen_error(func, details, &error.inner))?;
        let compiled = context.take_compiled_code();
        let compiled = compiled.ok_or_else(|| fail("the compiler gave no code".to_owned()))?;
        show(func, &context.func, &compiled, &**isa, options).map_err(fail)
    });
    print!(
        "{}",
        text.unwrap_or_else(|panic| Err(fail(format!("the compiler {panic}"))))?
    );
    Ok(())
}

/// What is asked for of a compiled function.
fn show(
    func: &Function,
    optimized: &Function,
    compiled: &CompiledCode,
    isa: &dyn TargetIsa,
    options: &Options,
) -> Result<String, String> {
    let mut text = String::new();
    if options.print {
        let mut explicit = optimized.clone();
        make_out_pointers_explicit(&mut explicit, isa).map_err(|error| error.to_string())?;
        let _ = writeln!(text, "{}", explicit.display());
    }
    if options.disassemble {
        let listing = instructions(isa, compiled)?;
        disassembly(&mut text, func, compiled, &listing);
        if options.print {
            relocations_and_traps(&mut text, func, compiled);
        }
    }
    Ok(text)
}

/// The code as `.byte` directives, and as instructions with offset and bytes.
fn disassembly(
    text: &mut String,
    func: &Function,
    compiled: &CompiledCode,
    listing: &[Instruction],
) {
    let code = compiled.code_buffer();
    text.push_str(".byte ");
    let bytes: Vec<String> = code.iter().map(u8::to_string).collect();
    text.push_str(&bytes.join(", "));
    let _ = writeln!(
        text,
        "\n\nDisassembly of {} bytes <{}>:",
        code.len(),
        func.name
    );
    for instruction in listing {
        let bytes: Vec<String> = instruction
            .bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let line = format!(
            "{:4x}:  {:<32}  {}",
            instruction.offset,
            bytes.join(" "),
            instruction.text
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push('\n');
}

fn relocations_and_traps(text: &mut String, func: &Function, compiled: &CompiledCode) {
    for reloc in compiled.buffer.relocs() {
        let target = reloc.target.display(Some(&func.params));
        let _ = writeln!(
            text,
            "reloc_external: {} {target} {} at {:#x}",
            reloc.kind, reloc.addend, reloc.offset
        );
    }
    for trap in compiled.buffer.traps() {
        let _ = writeln!(text, "trap: {} at {:#x}", trap.code, trap.offset);
    }
}
