//! C and an object file of compiled functions with several results call each other.
//!
//! Compiles `object/seed.c` with the system's C compiler, links it with an object file that
//! cranelift-object writes, and runs the program: here or, for another target, in an emulator.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use cranelift_codegen::isa::multi_out::OutArea;
use multi_out_examples::config::Config;
use multi_out_examples::program::Workshop;
use multi_out_examples::seed;
use multi_out_examples::target::Target;

/// Compiles C and CLIF for a target, links both and runs the program
#[derive(Parser)]
struct Args {
    /// Target to compile for [default: this machine]
    #[arg(long, value_enum)]
    target: Option<Target>,
}

fn main() -> Result<()> {
    let target = Args::parse()
        .target
        .or_else(Target::host)
        .context("no target is this machine: choose one with --target")?;

    println!("out areas on {}, which C confirms:", target.out_target());
    for (name, results) in seed::STRUCTS {
        let OutArea {
            fields,
            size,
            align,
        } = seed::out_area(results, target)?;
        let fields: Vec<String> = fields
            .iter()
            .map(|field| format!("{} at {}", field.ty, field.offset))
            .collect();
        println!(
            "  {name}: {} (size {size}, alignment {align})",
            fields.join(", ")
        );
    }

    let folder = std::env::current_exe()?.with_file_name(format!("object-{target:?}"));
    let workshop = Workshop::new(target, folder)?;
    let run = seed::build_and_run(&workshop, target, Config::SPEED)?;
    print!("the program says:\n{}", run.output);
    ensure!(
        run.status.success(),
        "the program ended with {}",
        run.status
    );
    Ok(())
}
