//! Many programs in one executable.

use super::Report;
use super::program::{CALLER, Expected, compile, machine, print};
use crate::generator::{Case, Form};
use crate::random;
use filetests::c_abi::toolchain::{CTarget, Compiler};
use filetests::c_abi::workshop::{BuildError, Run, Workshop};
use filetests::panics::contain;
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A program that is linked and waits for its judgement.
struct Linked {
    number: u64,
    case: Case,
    expected: Expected,
    object: PathBuf,
}

/// Judges the programs with these numbers.
///
/// # Errors
///
/// If gcc, qemu or the system fails.
pub fn check(target: CTarget, seed: u64, numbers: Range<u64>) -> Result<Report, String> {
    let workshop = Workshop::new().map_err(|error| error.to_string())?;
    let mut report = Report::default();
    let mut linked = Vec::new();
    for number in numbers {
        report.programs += 1;
        let case = Case::new(&random::bytes(seed, number));
        let mut find = |what: String, expected: Option<&Expected>| {
            let text = print(&case, target, expected);
            let finding = format!("{target}: program {number} of seed {seed}: {what}\n{text}");
            report.findings.push(finding);
        };
        let expected = match contain(|| Expected::new(&case, machine(target))) {
            Ok(Ok(expected)) => expected,
            Ok(Err(error)) => {
                find(format!("the interpreter: {error}"), None);
                continue;
            }
            Err(panic) => {
                find(format!("the interpreter {panic}"), None);
                continue;
            }
        };
        let build = |form| contain(|| compile(&case, target, form, &prefix(number)));
        match build(Form::MultiOut) {
            Ok(Ok(object)) => {
                let object = workshop.write(&format!("{number}.o"), object);
                linked.push(Linked {
                    number,
                    expected,
                    object: object.map_err(|error| error.to_string())?,
                    case,
                });
            }
            Ok(Err(refusal)) => report.reject(target, &refusal),
            // Backends panic on a few functions that have nothing to do with us.
            Err(panic) if build(Form::Tail).is_err() => report.reject(target, &panic.to_string()),
            Err(panic) => find(panic.to_string(), Some(&expected)),
        }
    }
    if linked.is_empty() {
        return Ok(report);
    }
    let run = run(&workshop, target, &linked).map_err(|error| error.to_string())?;
    let mut printed: HashMap<u64, Vec<&str>> = HashMap::new();
    for line in run.output.lines() {
        let number = line.split(' ').next().and_then(|word| word.parse().ok());
        printed
            .entry(number.unwrap_or(u64::MAX))
            .or_default()
            .push(line);
    }
    for program in &linked {
        let Linked {
            number, expected, ..
        } = program;
        let got = printed.remove(number).unwrap_or_default();
        match difference(&got, &expected.lines(*number)) {
            None => report.traps += u64::from(expected.traps()),
            Some(what) => report.findings.push(format!(
                "{target}: program {number} of seed {seed}: {what}\n{}",
                print(&program.case, target, Some(expected))
            )),
        }
    }
    Ok(report)
}

impl Report {
    fn reject(&mut self, target: CTarget, why: &str) {
        self.rejected += 1;
        if std::env::var_os("FUZZ_EXPLAIN").is_some() {
            eprintln!("{target}: rejected: {why}");
        }
    }
}

/// What the symbols of a program begin with.
fn prefix(number: u64) -> String {
    format!("p{number}_")
}

fn run(workshop: &Workshop, target: CTarget, linked: &[Linked]) -> Result<Run, BuildError> {
    let entries = linked.iter();
    let entries: Vec<String> = entries
        .map(|program| {
            program
                .expected
                .entry(program.number, &prefix(program.number))
        })
        .collect();
    let source = format!("#define PROGRAMS \\\n{}\n{CALLER}", entries.join(" \\\n"));
    workshop.write("programs.c", source)?;
    let with = (target, Compiler::Gcc);
    let caller = workshop.compile(with, "programs.c", "programs.o", "-O1", &["-fmax-errors=3"])?;
    let objects = linked.iter().map(|program| program.object.as_path());
    let objects: Vec<&Path> = objects.chain([caller.as_path()]).collect();
    let program = workshop.link(target, &objects, "programs")?;
    workshop.run(target, &program, &[])
}

/// The first line that is another than it should be.
fn difference(got: &[&str], want: &[String]) -> Option<String> {
    if got == want {
        return None;
    }
    let place = got.iter().zip(want).take_while(|(a, b)| a == b).count();
    let line = |line: Option<&str>| line.unwrap_or("nothing").to_owned();
    Some(format!(
        "compiled, it prints `{}`; interpreted, `{}`",
        line(got.get(place).copied()),
        line(want.get(place).map(String::as_str))
    ))
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn a_difference_names_the_first_line() {
        let want = ["0 0 ff", "0 returns"].map(String::from);
        assert_eq!(difference(&["0 0 ff", "0 returns"], &want), None);
        for (got, what) in [
            (
                &["0 0 fe", "0 returns"][..],
                "`0 0 fe`; interpreted, `0 0 ff`",
            ),
            (&["0 0 ff"], "`nothing`; interpreted, `0 returns`"),
            (&[], "`nothing`; interpreted, `0 0 ff`"),
            (
                &["0 0 ff", "0 returns", "0 x"],
                "`0 x`; interpreted, `nothing`",
            ),
        ] {
            let text = difference(got, &want).expect("a difference");
            assert!(text.ends_with(what), "{text}");
        }
    }
}
