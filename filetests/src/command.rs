//! The interface between the runner and the test commands, and the list of commands.

use crate::commands;
use crate::job::Job;
use crate::outcome::{Failure, Verdict};
use cranelift_reader::TestOption;

/// One `test NAME [OPT…]` line, ready to run.
///
/// The three properties decide the order of a file's jobs and what is done before each of them.
pub trait TestCommand {
    /// The name, as it is written after `test`.
    fn name(&self) -> &'static str;

    /// Whether there is one job per `target` line, rather than one per file.
    fn needs_target(&self) -> bool {
        false
    }

    /// Whether every function must pass the IR verifier before the command runs.
    fn verifies_first(&self) -> bool {
        false
    }

    /// Whether the command changes functions; such commands run last.
    fn mutates(&self) -> bool {
        false
    }

    /// Runs the command over every function of the file, in file order.
    fn run(&self, job: &Job<'_, '_>) -> Result<Verdict, Failure>;
}

/// The names of all commands, in alphabetic order.
pub const COMMAND_NAMES: &[&str] = &[
    "alias-analysis",
    "c-abi",
    "cat",
    "compile",
    "domtree",
    "inline",
    "interpret",
    "optimize",
    "print-cfg",
    "run",
    "safepoint",
    "unwind",
    "verifier",
];

/// Makes the command that a `test` line asks for; the error is a sentence.
pub fn instantiate(
    parsed: &cranelift_reader::TestCommand<'_>,
) -> Result<Box<dyn TestCommand>, String> {
    use commands::*;
    let name = parsed.command;
    let flags = Flags { parsed };
    Ok(match name {
        "alias-analysis" => boxed(flags.none(alias_analysis::AliasAnalysis)?),
        "c-abi" => boxed(c_abi::CAbi::new(&parsed.options)?),
        "cat" => boxed(flags.none(cat::Cat)?),
        "compile" => {
            let [precise_output, expect_fail] = flags.among(["precise-output", "expect-fail"])?;
            boxed(compile::Compile {
                precise_output,
                expect_fail,
            })
        }
        "domtree" => boxed(flags.none(domtree::Domtree)?),
        "inline" => {
            let [precise_output, optimize] = flags.among(["precise-output", "optimize"])?;
            boxed(inline::InlineCalls {
                precise_output,
                optimize,
            })
        }
        "interpret" => boxed(flags.none(interpret::Interpret)?),
        "optimize" => {
            let [precise_output] = flags.among(["precise-output"])?;
            boxed(optimize::Optimize { precise_output })
        }
        "print-cfg" => boxed(flags.none(print_cfg::PrintCfg)?),
        "run" => boxed(flags.none(run::Run)?),
        "safepoint" => boxed(flags.none(safepoint::Safepoint)?),
        "unwind" => boxed(flags.none(unwind::Unwind)?),
        "verifier" => boxed(flags.none(verifier::Verifier)?),
        "" => {
            return Err(format!(
                "`test` needs the name of a command: {}",
                COMMAND_NAMES.join(", ")
            ));
        }
        other => {
            return Err(format!(
                "unknown test command `{other}`; the commands are {}",
                COMMAND_NAMES.join(", ")
            ));
        }
    })
}

fn boxed(command: impl TestCommand + 'static) -> Box<dyn TestCommand> {
    Box::new(command)
}

/// The options of a `test` line of commands that have bare flags alone.
struct Flags<'a> {
    parsed: &'a cranelift_reader::TestCommand<'a>,
}

impl Flags<'_> {
    /// Passes a command on if no options are given.
    fn none<T>(&self, command: T) -> Result<T, String> {
        self.among([]).map(|[]| command)
    }

    /// Checks that all options are among `known`, and says which of those are given.
    fn among<const N: usize>(&self, known: [&str; N]) -> Result<[bool; N], String> {
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
