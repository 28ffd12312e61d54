//! The program of `object/unwind.cpp` and two chains of compiled functions.

use crate::chain::{self, define_chain};
use crate::config::Config;
use crate::functions::import;
use crate::program::Workshop;
use anyhow::Result;
use std::fmt::Write;
use std::path::PathBuf;

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
pub fn build(workshop: &Workshop, config: Config) -> Result<PathBuf> {
    let mut links = String::new();
    let name = format!("unwind-{config}");
    let object = workshop.compile_clif(&name, config, |module| {
        for (prefix, last) in [("outer", "middle"), ("inner", "innermost")] {
            let last = import(module, last, &chain::last())?;
            for (index, link) in define_chain(module, prefix, last)?.iter().enumerate() {
                writeln!(links, "LINK({prefix}_{index}, {})", link.size)?;
            }
        }
        Ok(())
    })?;
    workshop.write("links.inc", links)?;
    let cpp_object = workshop.compile_cpp("unwind.cpp", &["-g".to_owned()])?;
    workshop.link_cpp(&name, config, &[&cpp_object, &object])
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
