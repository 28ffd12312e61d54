//! One file: its expansion into jobs, commands × targets, and their execution in order.

use crate::abi::target_name;
use crate::activity;
use crate::bless::Blessings;
use crate::command::{self, TestCommand};
use crate::errors::describe_verifier_errors;
use crate::job::{Commands, Job, JobOptions};
use crate::outcome::{Failure, FileOutcome, FileReport, Verdict};
use crate::panics;
use crate::parse::parse;
use crate::source::Source;
use crate::timings;
use cranelift_codegen::ir::{Function, Type};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_codegen::settings::Flags;
use cranelift_codegen::verifier::verify_function;
use cranelift_reader::{
    Details, IsaSpec, OwnedFlagsOrIsa, ParseOptions, TestFile, parse_sets_and_triple,
};
use std::cell::RefCell;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

/// The contents of a file, or of the standard input if the path is `-`.
pub fn read_input(path: &Path) -> std::io::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        Ok(bytes)
    } else {
        std::fs::read(path)
    }
}

/// Runs every job of one file.
///
/// Panics are contained; they and all other failures are in the report.
pub fn run_file(path: &Path, options: &JobOptions) -> FileReport {
    let start = Instant::now();
    activity::begin_file();
    activity::note(1, "reading the file");
    match read_input(path) {
        Ok(bytes) => run_bytes(path, &bytes, options),
        Err(error) => FileReport {
            elapsed: start.elapsed(),
            ..FileReport::new(
                path.to_owned(),
                FileOutcome::Unreadable(format!("cannot read it: {error}")),
            )
        },
    }
}

/// As [`run_file`], for contents that are not read from `path`. Only blessing writes there.
pub fn run_bytes(path: &Path, bytes: &[u8], options: &JobOptions) -> FileReport {
    let start = Instant::now();
    timings::begin();
    activity::begin_file();
    let mut report = FileReport::new(path.to_owned(), FileOutcome::NotSelected);
    let outcome = panics::contain(|| {
        let text = utf8(bytes)?;
        let (outcome, blessings) = run_text(path, text, options, &mut report)?;
        if !blessings.is_empty() {
            activity::note(1, "blessing");
            report.blessed = blessings.write(path, text)?;
        }
        Ok(outcome)
    });
    report.outcome = match outcome {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(failure)) => FileOutcome::Failed(Box::new(failure)),
        Err(panic) => FileOutcome::Failed(Box::new(panic_failure(&panic))),
    };
    timings::harvest();
    report.elapsed = start.elapsed();
    report
}

fn panic_failure(panic: &panics::CaughtPanic) -> Failure {
    let note = activity::current().latest().unwrap_or_default();
    Failure::at(note.line, format!("{}: {panic}", note.doing))
}

fn utf8(bytes: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = &bytes[..error.valid_up_to()];
        let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count();
        Failure::at(line, "not UTF-8 text, so not a filetest")
    })
}

/// Parses `text` and runs its jobs in order until one fails.
fn run_text(
    path: &Path,
    text: &str,
    options: &JobOptions,
    report: &mut FileReport,
) -> Result<(FileOutcome, Blessings), Failure> {
    activity::note(1, "parsing");
    let passes = match &options.commands {
        Commands::Passes { passes, .. } => Some(passes.as_slice()),
        _ => None,
    };
    let parsed = parse(
        text,
        ParseOptions {
            passes,
            target: None,
            default_calling_convention: CallConv::Fast,
            unwind_info: false,
            machine_code_cfg_info: true,
        },
    );
    let mut file = match parsed {
        Ok(file) => file,
        // Nothing of such a file runs, and it is no failure.
        Err(error) if error.is_unsupported_target => {
            report.skips.push(error.failure.message);
            return Ok((FileOutcome::Skipped, Blessings::default()));
        }
        Err(error) => return Err(error.failure),
    };
    if file.functions.is_empty() {
        return Err(Failure::at(
            1,
            "the file has no functions; add one, or remove the file",
        ));
    }
    if let Commands::Passes { target, .. } = &options.commands {
        file.isa_spec = isa_spec(target)
            .map_err(|error| Failure::at(1, format!("in the target `{target}`: {error:#}")))?;
    }
    let source = Source::new(text);
    let commands = commands_of(&file, &source, options)?;

    let blessings = RefCell::default();
    let printed = RefCell::default();
    let mut verified = Vec::new();
    let mut is_whole = true;
    let mut run_all = || -> Result<(), Failure> {
        for (command, label, place) in &commands {
            let line = source.line_of(place).unwrap_or(1);
            let settings = settings_of(command, &file).map_err(|error| Failure::at(line, error))?;
            for (isa, flags) in settings {
                if !is_selected(command, isa, options) {
                    is_whole = false;
                    continue;
                }
                let target = isa.filter(|_| command.needs_target);
                let target = target.map(|isa| target_name(isa.triple()));
                activity::begin_job(line, label, target.as_deref());
                let job = Job {
                    path,
                    line,
                    file: &file,
                    source: &source,
                    isa,
                    flags,
                    options,
                    blessings: &blessings,
                    printed: &printed,
                };
                let verdict = panics::contain(|| run_job(command, &job, &mut verified))
                    .unwrap_or_else(|panic| Err(panic_failure(&panic)))
                    .map_err(|failure| Failure {
                        job: Some(label.clone()),
                        target,
                        ..about_function(&file, failure)
                    })?;
                match verdict {
                    Verdict::Passed => report.jobs_passed += 1,
                    Verdict::Skipped(reason) => report.skips.push(reason),
                }
            }
        }
        Ok(())
    };
    let result = run_all();
    report.printed = printed.take();
    result?;
    let blessings: Blessings = blessings.take();
    if !is_whole && !blessings.is_empty() {
        return Err(Failure::at(
            1,
            "cannot bless this file: --target leaves out jobs that may expect something else of the \
             same functions; bless without it",
        ));
    }
    let outcome = if report.jobs_passed > 0 {
        FileOutcome::Passed
    } else if !report.skips.is_empty() {
        FileOutcome::Skipped
    } else {
        FileOutcome::NotSelected
    };
    Ok((outcome, blessings))
}

/// Names the function that a failure is in, if its message does not.
fn about_function(file: &TestFile<'_>, failure: Failure) -> Failure {
    let begins_before =
        |(_, details): &&(Function, Details<'_>)| details.location.line_number <= failure.line;
    match file.functions.iter().take_while(begins_before).last() {
        Some((func, _)) => failure.about(&func.name.to_string()),
        None => failure,
    }
}

/// A target with its flags, and the compiler's default settings; no target for an empty text.
fn isa_spec(target: &str) -> anyhow::Result<IsaSpec> {
    Ok(match parse_sets_and_triple(&[], target)? {
        OwnedFlagsOrIsa::Flags(flags) => IsaSpec::None(flags),
        OwnedFlagsOrIsa::Isa(isa) => IsaSpec::Some(vec![isa]),
    })
}

/// A command, how it is written, and its name where it is in the file, if it is.
type CommandLine<'text> = (TestCommand, String, &'text str);

/// The commands to run on a file, in the order in which they run.
fn commands_of<'text>(
    file: &TestFile<'text>,
    source: &Source<'text>,
    options: &JobOptions,
) -> Result<Vec<CommandLine<'text>>, Failure> {
    match options.commands {
        Commands::OfFile | Commands::Passes { .. } => {}
        Commands::RunHere => {
            return Ok(vec![(command::run_here(), "run".to_owned(), "")]);
        }
        Commands::Interpret => {
            return Ok(vec![(command::interpret(), "interpret".to_owned(), "")]);
        }
    }
    if file.commands.is_empty() {
        return Err(Failure::at(
            1,
            "the file has no test commands; begin it with a line such as `test compile`",
        ));
    }
    let mut commands = Vec::new();
    for parsed in &file.commands {
        let command = command::instantiate(parsed)
            .map_err(|error| Failure::at(source.line_of(parsed.command).unwrap_or(1), error))?;
        let label = parsed.to_string().trim_end().to_owned();
        commands.push((command, label, parsed.command));
    }
    commands.sort_by_key(|(command, _, _)| (command.mutates, command.verifies_first));
    Ok(commands)
}

/// The target of a job, if it has one, and its shared settings.
type Settings<'a> = (Option<&'a dyn TargetIsa>, &'a Flags);

/// The target and settings of each job that a command expands to.
fn settings_of<'a>(
    command: &TestCommand,
    file: &'a TestFile<'_>,
) -> Result<Vec<Settings<'a>>, String> {
    match &file.isa_spec {
        IsaSpec::Some(isas) if command.needs_target && !isas.is_empty() => {
            Ok(isas.iter().map(|isa| (Some(&**isa), isa.flags())).collect())
        }
        _ if command.needs_target => Err(format!(
            "`test {}` needs a target; add a line such as `target x86_64`",
            command.name
        )),
        IsaSpec::None(flags) => Ok(vec![(None, flags)]),
        IsaSpec::Some(isas) => match isas.last() {
            Some(last) => Ok(vec![(file.isa_spec.unique_isa(), last.flags())]),
            None => {
                Err("every target of this file is left out of this build of Cranelift".to_owned())
            }
        },
    }
}

fn is_selected(command: &TestCommand, isa: Option<&dyn TargetIsa>, options: &JobOptions) -> bool {
    match &options.target {
        None => true,
        Some(wanted) => command.needs_target && isa.is_some_and(|isa| wanted.matches(isa.triple())),
    }
}

fn run_job(
    command: &TestCommand,
    job: &Job<'_, '_>,
    verified: &mut Vec<VerifierView>,
) -> Result<Verdict, Failure> {
    if command.verifies_first {
        let view = verifier_view(job);
        if !verified.contains(&view) {
            for (func, details) in job.functions() {
                job.note("verifying", func, details);
                verify_function(func, job.flags_or_isa())
                    .map_err(|errors| describe_verifier_errors(func, details, &errors))?;
            }
            verified.push(view);
        }
    }
    (command.run)(job)
}

/// All that the verifier asks of a target: the pointer type, if there is a target, and the shared
/// settings. Jobs alike in this need the same functions verified only once.
type VerifierView = (Option<Type>, Flags);

fn verifier_view(job: &Job<'_, '_>) -> VerifierView {
    (job.isa.map(|isa| isa.pointer_type()), job.flags.clone())
}
