//! Many programs in one executable.
//!
//! A program that does not do what the interpreter says is upstream's fault if it does not either with
//! `tail` functions in place of ours: then it is counted, and no finding.

use super::program::{CALLER, Expected, compile, machine, print, verify};
use super::throw::{self, Handlers};
use super::{Finding, Report};
use crate::blame::{is_upstreams, kind};
use crate::explain;
use crate::generator::{Case, Form};
use crate::random;
use crate::reduce::reduce_while;
use filetests::panics::contain;
use oracles::toolchain::{CTarget, Compiler};
use oracles::workshop::{BuildError, Run, Workshop};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A program that is linked and waits for its judgement.
struct Linked {
    number: u64,
    case: Case,
    expected: Expected,
    object: PathBuf,
    handlers: Handlers,
}

/// What a program is that has not passed.
enum Flaw {
    Rejected(String),
    Upstreams(String),
    Wrong(String),
}

/// How long a finding is made smaller. An attempt is one or two runs of gcc and of the program.
const REDUCING: Duration = Duration::from_secs(30);

/// Judges the programs with these numbers, after the first finding among those that run none.
///
/// # Errors
///
/// If gcc, qemu or the system fails.
pub fn check(target: CTarget, seed: u64, numbers: Range<u64>) -> Result<Report, String> {
    let workshop = workshop()?;
    let mut report = Report::default();
    let mut linked = Vec::new();
    for number in numbers {
        let case = Case::new(&random::bytes(seed, number));
        match link(&workshop, target, number, &case)? {
            Ok(program) => linked.push(program),
            Err(flaw) => report.count(target, number, &case, flaw),
        }
    }
    if linked.is_empty() {
        return Ok(report);
    }
    let output = run(&workshop, target, &linked).map_err(|error| error.to_string())?;
    let mut printed = lines_by_number(&output.output);
    for program in &linked {
        let Linked {
            number,
            case,
            expected,
            ..
        } = program;
        let got = printed.remove(&Some(*number)).unwrap_or_default();
        let flaw = match difference(&got, &expected.lines(*number)) {
            None => None,
            Some(what) => match examine(&workshop, target, program)? {
                // Where a block of code begins, and so what an emulator translates, depends on what is around it.
                None if is_killed(&got) && failure_of_emulator(&output.errors).is_some() => None,
                None => {
                    report.findings.push(Finding {
                        number: None,
                        what: format!("program {number}, which is right by itself: {what}"),
                        text: text(case, target),
                    });
                    return Ok(report);
                }
                flaw => flaw,
            },
        };
        let Some(flaw) = flaw else {
            report.passed += 1;
            report.traps += u64::from(expected.traps());
            continue;
        };
        let findings = report.findings.len();
        report.count(target, *number, case, flaw);
        if report.findings.len() > findings {
            return Ok(report);
        }
    }
    if let Some(line) = printed.into_values().flatten().next() {
        report.findings.push(Finding {
            number: None,
            what: format!("`{line}` is printed by no program"),
            text: String::new(),
        });
    }
    Ok(report)
}

/// A smaller program with the same finding, as far as one is found in some time, and what is wrong with that. As it is
/// if by itself it is right.
///
/// # Errors
///
/// If the system fails.
pub fn reduce(target: CTarget, seed: u64, number: u64, what: &str) -> Result<Finding, String> {
    let workshop = workshop()?;
    let wrong = |bytes: &[u8]| {
        let case = Case::new(bytes);
        let flaw = match link(&workshop, target, number, &case).ok()? {
            Ok(program) => examine(&workshop, target, &program).ok()??,
            Err(flaw) => flaw,
        };
        match flaw {
            Flaw::Wrong(other) if kind(&other) == kind(what) => Some(other),
            _ => None,
        }
    };
    let mut bytes = random::bytes(seed, number);
    if wrong(&bytes).is_some() {
        bytes = reduce_while(&bytes, REDUCING, |bytes| wrong(bytes).is_some());
    }
    Ok(Finding {
        number: Some(number),
        what: wrong(&bytes).unwrap_or_else(|| what.to_owned()),
        text: text(&Case::new(&bytes), target),
    })
}

fn workshop() -> Result<Workshop, String> {
    Workshop::new().map_err(|error| error.to_string())
}

/// The filetest of a case.
fn text(case: &Case, target: CTarget) -> String {
    let expected = contain(|| Expected::new(case, machine(target)));
    print(case, target, expected.ok().and_then(Result::ok).as_ref())
}

/// Interprets and compiles a program.
fn link(
    workshop: &Workshop,
    target: CTarget,
    number: u64,
    case: &Case,
) -> Result<Result<Linked, Flaw>, String> {
    let wrong = |what: String| Ok(Err(Flaw::Wrong(what)));
    let expected = match contain(|| Expected::new(case, machine(target))) {
        Ok(Ok(expected)) => expected,
        Ok(Err(error)) => return wrong(format!("the interpreter: {error}")),
        Err(panic) => return wrong(format!("the interpreter {panic}")),
    };
    let build = |form| contain(|| compile(case, target, form, &prefix(number)));
    let (object, handlers) = match build(Form::MultiOut) {
        Ok(Ok(built)) => built,
        Ok(Err(refusal)) => return Ok(Err(Flaw::Rejected(refusal))),
        Err(panic) => {
            let invalid = verify(case, target);
            if invalid.is_empty() && is_upstreams(&panic, build(Form::Tail)) {
                return Ok(Err(Flaw::Rejected(panic.to_string())));
            }
            return wrong(format!("{panic}\n{invalid}"));
        }
    };
    let object = workshop.write(&format!("{number}.o"), object);
    Ok(Ok(Linked {
        number,
        case: case.clone(),
        expected,
        object: object.map_err(|error| error.to_string())?,
        handlers,
    }))
}

/// Runs a program by itself, and with `tail` functions. Nothing if it is right by itself.
fn examine(workshop: &Workshop, target: CTarget, program: &Linked) -> Result<Option<Flaw>, String> {
    let invalid = verify(&program.case, target);
    if !invalid.is_empty() {
        return Ok(Some(Flaw::Wrong(format!("invalid: {invalid}"))));
    }
    let ours = run_alone(workshop, target, program, Form::MultiOut)?;
    if ours.difference.is_none() {
        return Ok(None);
    }
    Ok(flaw(
        ours,
        run_alone(workshop, target, program, Form::Tail)?,
    ))
}

/// Whose a difference is, if there is one. An emulator that ends itself has judged nothing.
fn flaw(ours: Alone, tail: Alone) -> Option<Flaw> {
    let what = ours.difference?;
    let also = (tail.difference).filter(|_| failure_of_emulator(&tail.errors).is_none());
    Some(match (failure_of_emulator(&ours.errors), also) {
        (Some(failure), _) => Flaw::Rejected(failure.to_owned()),
        (None, Some(also)) => Flaw::Upstreams(format!("{what}; with `tail` functions too: {also}")),
        (None, None) => Flaw::Wrong(what),
    })
}

/// What is printed, by the number at the beginning of the line.
fn lines_by_number(output: &str) -> BTreeMap<Option<u64>, Vec<&str>> {
    let mut lines = BTreeMap::<_, Vec<&str>>::new();
    for line in output.lines() {
        let number = line.split(' ').next().and_then(|word| word.parse().ok());
        lines.entry(number).or_default().push(line);
    }
    lines
}

/// What came of a program by itself.
#[derive(Default)]
struct Alone {
    /// What it does otherwise than interpreted.
    difference: Option<String>,
    errors: String,
}

/// Runs a program by itself in a form. If it does not compile in that form there is no difference.
fn run_alone(
    workshop: &Workshop,
    target: CTarget,
    program: &Linked,
    form: Form,
) -> Result<Alone, String> {
    let Linked { number, case, .. } = program;
    let compiled = contain(|| compile(case, target, form, &prefix(*number)));
    let Ok(Ok((object, handlers))) = compiled else {
        return Ok(Alone::default());
    };
    let alone = Linked {
        number: *number,
        case: case.clone(),
        expected: program.expected.in_form(case, form),
        object: workshop
            .write("alone.o", object)
            .map_err(|error| error.to_string())?,
        handlers,
    };
    let want = alone.expected.lines(*number);
    let run = run(workshop, target, &[alone]).map_err(|error| error.to_string())?;
    let got: Vec<&str> = run.output.lines().collect();
    Ok(Alone {
        difference: difference(&got, &want),
        errors: run.errors,
    })
}

/// What qemu says that has ended itself. 7.2, which Debian 12 has, does where a block of riscv64 code has a vector conversion that
/// truncates before any other instruction that rounds.
fn failure_of_emulator(errors: &str) -> Option<&str> {
    const KNOWN: &str = "decode_save_opc: Assertion `ctx->insn_start != NULL' failed";
    errors.lines().find(|line| line.contains(KNOWN))
}

impl Report {
    fn count(&mut self, target: CTarget, number: u64, case: &Case, flaw: Flaw) {
        match flaw {
            Flaw::Rejected(why) => {
                self.rejected += 1;
                explain(&format!("{target}: program {number}: rejected: {why}"));
            }
            Flaw::Upstreams(what) => {
                self.upstreams += 1;
                let text = text(case, target);
                explain(&format!("{target}: program {number}: {what}\n{text}"));
            }
            Flaw::Wrong(what) => self.findings.push(Finding {
                number: Some(number),
                what,
                text: text(case, target),
            }),
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
    let thrower = throw::source(linked.iter().map(|program| &program.handlers));
    let entries = entries.join(" \\\n");
    let source = format!("#define PROGRAMS \\\n{entries}\n{CALLER}\n{thrower}");
    workshop.write("programs.c", source)?;
    let with = (target, Compiler::Gcc);
    let flags = ["-fmax-errors=3", throw::FLAG];
    let caller = workshop.compile(with, "programs.c", "programs.o", "-O1", &flags)?;
    let objects = linked.iter().map(|program| program.object.as_path());
    let objects: Vec<&Path> = objects.chain([caller.as_path()]).collect();
    let program = workshop.link(target, &objects, "programs")?;
    workshop.run(target, &program, &[])
}

/// Does what is printed end by a signal?
fn is_killed(got: &[&str]) -> bool {
    got.last()
        .is_some_and(|line| line.contains(" ends by signal "))
}

/// The first line that is another than it should be, after what kind of difference that is.
fn difference(got: &[&str], want: &[String]) -> Option<String> {
    if got == want {
        return None;
    }
    let place = got.iter().zip(want).take_while(|(a, b)| a == b).count();
    let line = |line: Option<&str>| line.unwrap_or("nothing").to_owned();
    let how = match got.get(place) {
        None => "stops",
        Some(line) if line.ends_with(" traps") => "traps",
        Some(line) if line.contains(" ends by signal ") => "is killed",
        Some(_) => "goes on",
    };
    Some(format!(
        "compiled, it {how}: it prints `{}`; interpreted, `{}`",
        line(got.get(place).copied()),
        line(want.get(place).map(String::as_str))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cross::native;

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
        // A reduction does not go from one of these to another.
        let ends: [&[&str]; 4] = [&[], &["0 traps"], &["0 ends by signal 11"], &["0 0 fe"]];
        let texts = ends.map(|got| difference(got, &want).expect("a difference"));
        let kinds: Vec<_> = texts.iter().map(|text| kind(text)).collect();
        for (index, one) in kinds.iter().enumerate() {
            assert!(!kinds[..index].contains(one), "{one:?}");
        }
        assert!(is_killed(&["0 0 ff", "0 ends by signal 11"]));
        assert!(!is_killed(&[]) && !is_killed(&["0 returns"]));
    }

    #[test]
    fn lines_without_a_number_are_kept_apart() {
        let lines = lines_by_number("3 0 ff\nError\n3 returns\n");
        let want = [
            (None, vec!["Error"]),
            (Some(3), vec!["3 0 ff", "3 returns"]),
        ];
        assert_eq!(lines, BTreeMap::from(want));
    }

    #[test]
    fn an_emulator_that_fails_says_so() {
        let line = "qemu-riscv64: translate.c:213: decode_save_opc: Assertion `ctx->insn_start != NULL' failed.";
        let errors = format!("a\n{line}\n");
        assert_eq!(failure_of_emulator(&errors), Some(line));
        let signal = "qemu: uncaught target signal 11 (Segmentation fault) - core dumped\n";
        assert_eq!(failure_of_emulator(signal), None);

        let alone = |difference: bool, errors: &str| Alone {
            difference: difference.then(|| "x".to_owned()),
            errors: errors.to_owned(),
        };
        let right = || alone(false, "");
        let wrong = || alone(true, "");
        let fails = || alone(true, line);
        assert!(flaw(right(), wrong()).is_none());
        for tail in [right(), wrong(), fails()] {
            assert!(matches!(flaw(fails(), tail), Some(Flaw::Rejected(_))));
        }
        for tail in [right(), fails()] {
            assert!(matches!(flaw(wrong(), tail), Some(Flaw::Wrong(_))));
        }
        assert!(matches!(flaw(wrong(), wrong()), Some(Flaw::Upstreams(_))));
    }

    #[test]
    fn a_difference_of_tail_functions_is_told() {
        let Some(target) = native() else {
            return;
        };
        let workshop = Workshop::new().expect("a folder");
        // A function with two results, and one statement, which traps or not.
        let case = |unlikely: u8| {
            let mut bytes = [&[0; 33][..], &[31, 0, 1, unlikely, 0, 0, 0, 0]].concat();
            bytes[21] = 1;
            Case::new(&bytes)
        };
        let [returns, traps] = [0x7e, 0x7f].map(case);
        let as_tail = |expected: &Case| {
            let program = Linked {
                number: 3,
                expected: Expected::new(expected, machine(target)).expect("a sound program"),
                case: returns.clone(),
                object: PathBuf::new(),
                handlers: None,
            };
            let alone = run_alone(&workshop, target, &program, Form::Tail);
            alone.expect("gcc").difference
        };
        assert_eq!(as_tail(&returns), None);
        let difference = as_tail(&traps).expect("a difference");
        assert!(
            difference.ends_with("interpreted, `3 traps`"),
            "{difference}"
        );
    }
}
