//! The program of the object example: `object/seed.c` and the functions of [`demo`].

use crate::config::Config;
use crate::demo::{self, Demo};
use crate::program::{Run, Workshop};
use crate::target::Target;
use anyhow::Result;
use cranelift_codegen::ir::Type;
use cranelift_codegen::isa::multi_out::{OutArea, compute_out_area};

/// The structs of `seed.c`, and the results that they are made of.
pub const STRUCTS: [(&str, &[Type]); 3] = [
    ("pair", demo::PAIR),
    ("mixed", demo::MIXED),
    ("sums", demo::SUMS),
];

/// The layout of one of the structs, which C confirms when `seed.c` is compiled.
///
/// # Errors
///
/// If it has none on the target.
pub fn out_area(results: &[Type], target: Target) -> Result<OutArea> {
    Ok(compute_out_area(results, target.out_target())?)
}

/// Compile both sides, link them and run the program.
///
/// # Errors
///
/// If the C compiler, the linker or code generation says so.
pub fn build_and_run(workshop: &Workshop, target: Target, config: Config) -> Result<Run> {
    let mut macros = Vec::new();
    for (name, results) in STRUCTS {
        let area = out_area(results, target)?;
        let name = name.to_uppercase();
        let fields: Vec<String> = area
            .fields
            .iter()
            .enumerate()
            .map(|(index, field)| format!("F({index},{})", field.offset))
            .collect();
        macros.push(format!("-D{name}_FIELDS(F)={}", fields.join(" ")));
        macros.push(format!("-D{name}_SIZE={}", area.size));
        macros.push(format!("-D{name}_ALIGN={}", area.align));
    }
    let c_object = workshop.compile_c("seed.c", &macros)?;
    let name = format!("seed-{config}");
    let clif_object =
        workshop.compile_clif(&name, config, |module| Demo::define(module).map(drop))?;
    let program = workshop.link(&name, config, &[&c_object, &clif_object])?;
    workshop.run(&program)
}
