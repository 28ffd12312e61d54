//! The program of `c/unwind.cpp` and two chains of compiled functions.

use crate::calls::config::Config;
use crate::calls::functions::import;
use crate::toolchain::CTarget;
use crate::unwinding::chain::{self, define_chain};
use crate::workshop::Workshop;
use anyhow::{Error, Result};
use cranelift_module::default_libcall_names;
use cranelift_object::{ObjectBuilder, ObjectModule};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What to ask gdb for: a backtrace, and the registers of the frame that pins them.
pub const GDB_COMMANDS: [&str; 5] = [
    "break innermost",
    "run",
    "bt",
    "frame function call_pinned",
    "info registers rbx rbp r12 r13 r14 r15",
];

/// Compile both sides and link them, with debugging information for the C++ side.
///
/// # Errors
///
/// Those of the tools.
pub fn build(workshop: &Workshop, target: CTarget, config: Config) -> Result<PathBuf> {
    let name = format!("unwind-{config}");
    let mut builder = ObjectBuilder::new(config.isa(target)?, &*name, default_libcall_names())?;
    builder.unwind_info(true);
    let mut module = ObjectModule::new(builder);
    let mut links = String::new();
    for (prefix, last) in [("outer", "middle"), ("inner", "innermost")] {
        let last = import(&mut module, last, &chain::last())?;
        for (index, link) in define_chain(&mut module, prefix, last)?.iter().enumerate() {
            writeln!(links, "LINK({prefix}_{index}, {})", link.size)?;
        }
    }
    workshop.write("links.inc", links)?;
    let object = workshop.write(&format!("{name}.clif.o"), module.finish().emit()?)?;

    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("c");
    let program = workshop.path(&name);
    let mut compiler = target.cpp_compiler().map_err(Error::msg)?;
    compiler
        .args(["-std=gnu++17", "-g", "-O2", "-fPIC"])
        .args(["-Wall", "-Wextra", "-Werror"])
        .arg(if config.is_pic { "-pie" } else { "-no-pie" })
        .args(["-I".as_ref(), workshop.path("").as_path()])
        .args([&sources.join("unwind.cpp"), &object])
        .arg("-o")
        .arg(&program);
    workshop.build(&mut compiler, &program)?;
    Ok(program)
}

/// What the program prints.
pub fn expected_output() -> String {
    let links = |prefix: &'static str| {
        (0..chain::LINKS)
            .rev()
            .map(move |index| format!(" {prefix}_{index}"))
    };
    let frames: String = links("inner")
        .chain([" host".to_owned()])
        .chain(links("outer"))
        .collect();
    let caught = "payload: right\nlocals of the catcher: right\ndestructor: right\n".repeat(3);
    format!(
        "results: right\nlive values: right\nregisters after the call: right\n\
         frames: host{frames} host\nframes with pinned registers: 2\n{caught}0 failures\n"
    )
}
