//! Programs without functions of `system_v_multi_out`, as files for Cranelift without our patches.

use crate::filetest::functions;
use crate::generator::settings::{PULLEYS, TARGETS};
use crate::generator::{Case, Form, Machine};
use crate::random;
use std::path::Path;
use std::{fs, io};

/// Writes the functions of programs to `ARCHITECTURE.clif` in a folder, for every architecture, below
/// each other: functions of two programs may have one name.
///
/// # Errors
///
/// If a file cannot be written.
pub fn write(folder: &Path, seed: u64, count: u64) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let targets = TARGETS.into_iter().chain(PULLEYS);
    for architecture in targets.filter_map(|target| target.split(' ').next()) {
        let triple = architecture.parse().expect("a triple");
        let machine = Machine::of(&triple).expect("a target with a backend");
        // They would need a setting.
        let machine = Machine {
            has_thrower: false,
            ..machine
        };
        let programs = (0..count).map(|number| print(seed, number, machine));
        let text = programs.collect::<String>();
        fs::write(folder.join(format!("{architecture}.clif")), text)?;
    }
    Ok(())
}

fn print(seed: u64, number: u64, machine: Machine) -> String {
    let case = Case::new(&random::bytes(seed, number));
    let form = [Form::Tail, Form::OutPointer][(number % 2) as usize];
    functions(&case.program(machine, form).functions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cranelift_codegen::isa::CallConv;
    use cranelift_reader::parse_functions;

    #[test]
    fn stock_cranelift_knows_all_conventions_of_the_files() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(folder.path(), 1, 8).expect("files");
        for file in fs::read_dir(folder.path()).expect("the folder") {
            let text = fs::read_to_string(file.expect("a file").path()).expect("text");
            let functions = parse_functions(&text).expect("functions");
            let signatures = |ours: &cranelift_codegen::ir::Function| {
                let called = ours.dfg.signatures.values();
                called.chain([&ours.signature]).cloned().collect::<Vec<_>>()
            };
            let all: Vec<_> = functions.iter().flat_map(signatures).collect();
            let count = |conv| all.iter().filter(|s| s.call_conv == conv).count();
            assert!(count(CallConv::Tail) > 0 && count(CallConv::SystemV) > 0);
            assert_eq!(count(CallConv::SystemVMultiOut), 0);
        }
    }
}
