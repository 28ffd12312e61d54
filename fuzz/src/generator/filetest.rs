//! A program as a filetest: settings, target, functions, and a `run` line.

use super::settings::Settings;
use super::{Case, Form, Machine};
use crate::run::{Outcome, host_target, interpret};
use cranelift_codegen::data_value::DataValue;
use cranelift_codegen::ir::{Function, Signature, Type};
use filetests::panics::contain;
use std::fmt::Write;

/// The filetest that calls the program's first function on this machine, and expects what the
/// interpreter says. A program that traps is not called.
pub fn print(case: &Case, machine: Machine, form: Form) -> String {
    let program = case.program(machine, form);
    let text = head("run", &program.settings, &host_target(&program.settings));
    let [entry, rest @ ..] = &program.functions[..] else {
        return text;
    };
    text + &functions(std::slice::from_ref(entry)) + &directive(case, machine) + &functions(rest)
}

/// The filetest that compiles functions.
pub fn print_compiled(settings: &Settings, target: &str, all: &[Function]) -> String {
    head("compile", settings, target) + &functions(all)
}

fn head(command: &str, settings: &Settings, target: &str) -> String {
    let mut text = format!("test {command}\n") + &header(settings, target);
    if settings.is_chaotic {
        text += ";; chaos mode was on, which a filetest cannot say\n";
    }
    text
}

/// Functions below each other.
pub fn functions(functions: &[Function]) -> String {
    let print = |function: &Function| format!("\n{}\n", function.to_string().trim_end());
    functions.iter().map(print).collect()
}

fn directive(case: &Case, machine: Machine) -> String {
    let program = case.program(machine, Form::Interpreted);
    let args = arguments(&program.functions[0].signature);
    let call = format!("%f0({})", list(&args));
    match contain(|| interpret(&program)) {
        Ok(Ok(Outcome::Returned(values))) if values.is_empty() => format!("; print: {call}\n"),
        Ok(Ok(Outcome::Returned(values))) => {
            let results = match values.len() {
                1 => list(&values),
                _ => format!("[{}]", list(&values)),
            };
            format!("; run: {call} == {results}\n")
        }
        Ok(Ok(Outcome::Trapped)) => format!(";; {call} traps\n"),
        Ok(Err(error)) => format!(";; the interpreter: {error}\n; print: {call}\n"),
        Err(panic) => format!(";; the interpreter {panic}\n; print: {call}\n"),
    }
}

fn list(values: &[DataValue]) -> String {
    let values: Vec<_> = values.iter().map(DataValue::to_string).collect();
    values.join(", ")
}

/// The lines with the settings and the target.
pub fn header(settings: &Settings, target: &str) -> String {
    let mut text = String::new();
    for (name, value) in &settings.shared {
        let _ = writeln!(text, "set {name}={value}");
    }
    text + "target " + target + "\n"
}

/// Arguments for a function: graffiti, of which no float is a NaN.
pub fn arguments(signature: &Signature) -> Vec<DataValue> {
    let params = signature.params.iter().enumerate();
    params
        .map(|(index, param)| argument(index, param.value_type))
        .collect()
}

fn argument(index: usize, ty: Type) -> DataValue {
    let bytes: [u8; 16] = std::array::from_fn(|byte| ((index << 4) | byte) as u8);
    DataValue::read_from_slice_le(&bytes, ty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use filetests::job::run_bytes;
    use filetests::signatures::{Choices, Seed};
    use filetests::{FileOutcome, JobOptions};
    use std::path::Path;

    #[test]
    fn the_harness_runs_what_is_printed() {
        let machine = Machine::host().expect("a host with a backend");
        let mut calls = 0;
        for number in 0..40 {
            let mut seed = Seed::new(1, number);
            let length = 32 << seed.below(5);
            let bytes: Vec<u8> = (0..length).map(|_| seed.below(256) as u8).collect();
            let text = print(&Case::new(&bytes), machine, Form::MultiOut);
            calls += usize::from(!text.contains(" traps\n"));
            let report = run_bytes(Path::new("f.clif"), text.as_bytes(), &JobOptions::default());
            assert_eq!(report.outcome, FileOutcome::Passed, "{text}");
        }
        assert!(calls > 20, "only {calls} programs do not trap");
    }
}
