//! A program as a filetest: settings, target, functions, and a `run` line.

use crate::generator::calls::{Callee, Way};
use crate::generator::host::host_target;
use crate::generator::settings::Settings;
use crate::generator::signature::arguments;
use crate::generator::{Case, Form, Machine, Program};
use crate::interpreter::{Outcome, interpret};
use cranelift_codegen::data_value::DataValue;
use cranelift_codegen::ir::{Function, InstBuilder, UserFuncName};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use filetests::panics::contain;
use std::fmt::{self, Write};

/// As a filetest for where it runs.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.machine() {
            Some(machine) => f.write_str(&print(self, machine, Form::MultiOut)),
            None => f.debug_list().entries(&self.0).finish(),
        }
    }
}

/// The filetest that calls the program's first function on this machine, and expects what the
/// interpreter says.
///
/// No directive expects a trap. A program that traps is called all the same: who runs the filetest sees how it
/// ends.
pub fn print(case: &Case, machine: Machine, form: Form) -> String {
    let program = case.program(machine, form);
    let mut settings = program.settings.clone();
    let mut all = Vec::new();
    if program.shapes[0].takes_out_pointer(form) {
        all.push(caller(&program, form));
        settings.suit(&all);
    }
    all.extend(program.functions);
    let text = head("run", &settings, &host_target(&settings));
    let (called, rest) = all.split_at(1);
    text + &functions(called) + &directive(case, machine, &called[0]) + &functions(rest)
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

/// `%call`, a `tail` function that returns what the program's first function stores through a pointer, which no
/// directive can give.
fn caller(program: &Program, form: Form) -> Function {
    let (shape, machine) = (&program.shapes[0], program.machine);
    let signature = shape.signature(Form::Tail, machine);
    let mut func = Function::with_name_signature(UserFuncName::testcase("call"), signature);
    let mut context = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut func, &mut context);
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    let callee = Callee {
        index: 0,
        shape,
        form,
        machine,
        unused: None,
        catches: &[],
        unwind: None,
    };
    let params = builder.block_params(entry).to_vec();
    let imported = callee.import(&mut builder);
    let results = callee.call(Way::Direct, imported, &params, &mut builder);
    builder.ins().return_(&results);
    builder.seal_all_blocks();
    builder.finalize(machine.frontend_config());
    func
}

/// Functions below each other.
pub fn functions(functions: &[Function]) -> String {
    let print = |function: &Function| format!("\n{}\n", function.to_string().trim_end());
    functions.iter().map(print).collect()
}

/// What a filetest says of a program that traps.
const TRAPS: &str =
    "interpreted, this call traps; compiled, a crash with SIGILL is right, and results are wrong";

fn directive(case: &Case, machine: Machine, called: &Function) -> String {
    let program = case.program(machine, Form::Interpreted);
    let call = format!("{}({})", called.name, list(&arguments(&called.signature)));
    match contain(|| interpret(&program)) {
        Ok(Ok(Outcome::Returned(values))) if values.is_empty() => format!("; print: {call}\n"),
        Ok(Ok(Outcome::Returned(values))) => {
            let results = match values.len() {
                1 => list(&values),
                _ => format!("[{}]", list(&values)),
            };
            format!("; run: {call} == {results}\n")
        }
        Ok(Ok(Outcome::Trapped)) => format!(";; {TRAPS}\n; print: {call}\n"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use filetests::file::run_bytes;
    use filetests::{FileOutcome, JobOptions};
    use oracles::seed::Seed;
    use std::path::Path;

    fn outcome(text: &str) -> FileOutcome {
        run_bytes(Path::new("f.clif"), text.as_bytes(), &JobOptions::default()).outcome
    }

    #[test]
    fn the_harness_runs_what_is_printed() {
        let mut calls = 0;
        let mut callers = 0;
        for number in 0..40 {
            let mut seed = Seed::new(1, number);
            let length = 32 << seed.below(5);
            let bytes: Vec<u8> = (0..length).map(|_| seed.below(256) as u8).collect();
            let case = Case::new(&bytes);
            let machine = case.machine().expect("a host with a backend");
            for form in [Form::MultiOut, Form::OutPointer, Form::Tail] {
                let text = print(&case, machine, form);
                assert!(text.contains("\n; run: ") || text.contains("\n; print: "));
                // A trap ends the process.
                if text.contains(TRAPS) {
                    continue;
                }
                calls += 1;
                callers += usize::from(text.contains("\nfunction %call("));
                assert_eq!(outcome(&text), FileOutcome::Passed, "{text}");
            }
        }
        assert!(calls > 60, "only {calls} programs do not trap");
        assert!(callers > 10, "only {callers} programs have an out pointer");
    }

    #[test]
    fn a_wrong_result_behind_an_out_pointer_fails() {
        let machine = Machine::host().expect("a host with a backend");
        // A function with two results.
        let mut bytes = [0; 33];
        bytes[21] = 1;
        let text = print(&Case::new(&bytes), machine, Form::OutPointer);
        let (before, after) = text.split_once(" == [").expect("a list of results");
        let wrong = format!("{before} == [1{after}");
        assert!(text.contains("; run: %call("), "{text}");
        assert_eq!(outcome(&text), FileOutcome::Passed, "{text}");
        assert!(outcome(&wrong) != FileOutcome::Passed, "{wrong}");
    }
}
