//! The interface between the runner and the test commands, and the list of commands.

use crate::commands::*;
use crate::job::Job;
use crate::outcome::{Failure, Verdict};
use cranelift_reader::TestOption;

/// One `test NAME [OPT…]` line, ready to run.
///
/// The three properties decide the order of a file's jobs and what is done before each of them.
pub struct TestCommand {
    /// The name, as it is written after `test`.
    pub name: &'static str,
    /// Whether there is one job per `target` line, rather than one per file.
    pub needs_target: bool,
    /// Whether every function must pass the IR verifier before the command runs.
    pub verifies_first: bool,
    /// Whether the command changes functions; such commands run last.
    pub mutates: bool,
    /// Runs the command over every function of the file, in file order.
    pub run: Run,
}

type Run = Box<dyn Fn(&Job<'_, '_>) -> Result<Verdict, Failure>>;

/// The commands, in alphabetic order.
const COMMANDS: [Kind; 13] = [
    Kind::new("alias-analysis", |line| line.bare(alias_analysis::run))
        .verifies()
        .mutates(),
    Kind::new("c-abi", |line| {
        let command = c_abi::CAbi::new(&line.parsed.options)?;
        Ok(Box::new(move |job| command.run(job)))
    })
    .needs_target()
    .verifies(),
    Kind::new("cat", |line| line.bare(cat::run)),
    Kind::new("compile", |line| {
        let [precise_output, expect_fail] = line.flags(["precise-output", "expect-fail"])?;
        let command = compile::Compile {
            precise_output,
            expect_fail,
        };
        Ok(Box::new(move |job| command.run(job)))
    })
    .needs_target()
    .verifies()
    .mutates(),
    Kind::new("domtree", |line| line.bare(domtree::run)).verifies(),
    Kind::new("inline", |line| {
        let [precise_output, optimize] = line.flags(["precise-output", "optimize"])?;
        let command = inline::InlineCalls {
            precise_output,
            optimize,
        };
        Ok(Box::new(move |job| command.run(job)))
    })
    .needs_target()
    .verifies()
    .mutates(),
    INTERPRET,
    Kind::new("optimize", |line| {
        let [precise_output] = line.flags(["precise-output"])?;
        let command = optimize::Optimize { precise_output };
        Ok(Box::new(move |job| command.run(job)))
    })
    .needs_target()
    .verifies()
    .mutates(),
    Kind::new("print-cfg", |line| line.bare(print_cfg::run)),
    RUN,
    Kind::new("safepoint", |line| line.bare(safepoint::run)).verifies(),
    Kind::new("unwind", |line| line.bare(unwind::run))
        .needs_target()
        .verifies(),
    Kind::new("verifier", |line| line.bare(verifier::run)),
];

const RUN: Kind = Kind::new("run", |line| line.bare(run::run))
    .needs_target()
    .verifies();
const INTERPRET: Kind = Kind::new("interpret", |line| line.bare(interpret::run)).verifies();

/// What is known of a command before its line is read.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    needs_target: bool,
    verifies_first: bool,
    mutates: bool,
    make: fn(&Line<'_>) -> Result<Run, String>,
}

impl Kind {
    const fn new(name: &'static str, make: fn(&Line<'_>) -> Result<Run, String>) -> Self {
        Kind {
            name,
            needs_target: false,
            verifies_first: false,
            mutates: false,
            make,
        }
    }

    const fn needs_target(mut self) -> Self {
        self.needs_target = true;
        self
    }

    const fn verifies(mut self) -> Self {
        self.verifies_first = true;
        self
    }

    const fn mutates(mut self) -> Self {
        self.mutates = true;
        self
    }

    fn with(self, run: Run) -> TestCommand {
        TestCommand {
            name: self.name,
            needs_target: self.needs_target,
            verifies_first: self.verifies_first,
            mutates: self.mutates,
            run,
        }
    }
}

/// The names of all commands, in alphabetic order.
pub fn names() -> [&'static str; COMMANDS.len()] {
    COMMANDS.map(|kind| kind.name)
}

/// Makes the command that a `test` line asks for; the error is a sentence.
pub fn instantiate(parsed: &cranelift_reader::TestCommand<'_>) -> Result<TestCommand, String> {
    let kind = COMMANDS.iter().find(|kind| kind.name == parsed.command);
    match (kind, parsed.command) {
        (Some(kind), _) => Ok(kind.with((kind.make)(&Line { parsed })?)),
        (None, "") => Err(format!(
            "`test` needs the name of a command: {}",
            names().join(", ")
        )),
        (None, other) => Err(format!(
            "unknown test command `{other}`; the commands are {}",
            names().join(", ")
        )),
    }
}

/// `test run` natively with all features of this host, and with the shared settings of the file's
/// first target of this architecture.
pub fn run_here() -> TestCommand {
    TestCommand {
        needs_target: false,
        ..RUN.with(Box::new(run::run_here))
    }
}

/// `test interpret`.
pub fn interpret() -> TestCommand {
    INTERPRET.with(Box::new(interpret::run))
}

/// A `test` line.
struct Line<'a> {
    parsed: &'a cranelift_reader::TestCommand<'a>,
}

impl Line<'_> {
    /// A command without options.
    fn bare(&self, run: fn(&Job<'_, '_>) -> Result<Verdict, Failure>) -> Result<Run, String> {
        self.flags([]).map(|[]| -> Run { Box::new(run) })
    }

    /// Checks that all options are among `known`, and says which of those are given.
    fn flags<const N: usize>(&self, known: [&str; N]) -> Result<[bool; N], String> {
        let name = self.parsed.command;
        let mut given = [false; N];
        for option in &self.parsed.options {
            let position = match option {
                TestOption::Flag(flag) => known.iter().position(|name| name == flag),
                TestOption::Value(..) => None,
            };
            match position {
                Some(position) => given[position] = true,
                None if N == 0 => {
                    return Err(format!(
                        "`test {name}` takes no options, but `{option}` is given"
                    ));
                }
                None => {
                    return Err(format!(
                        "`test {name}` has no option `{option}`; its options are {}",
                        known.join(", ")
                    ));
                }
            }
        }
        Ok(given)
    }
}
