//! `test c-abi`: a C program in the file's comments calls the functions, or is called by them.
//!
//! Each compiler at each optimization level makes a program of the C and the compiled functions. It
//! must print what the file says. Programs run natively, under qemu or under Wine. `"clif.h"`, if included, is
//! what `clif-util abi --lang c` prints of the file.
//!
//! A missing compiler or emulator is a skip, but a failure where the variable `CI` is set.

mod driver;

use self::driver::Driver;
use crate::abi::{self, Section, c};
use crate::job::Job;
use crate::object::ObjectFile;
use crate::outcome::{Failure, Verdict};
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_reader::{IsaSpec, TestOption};
use oracles::platform::Platform;
use oracles::toolchain::Compiler;
use oracles::workshop::{BuildError, Ending, Workshop};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// See the module.
pub struct CAbi {
    compilers: Vec<Compiler>,
    levels: Vec<String>,
    flags: Vec<String>,
}

/// About everything that a driver can be told at one go; gcc once changed how it passes vectors.
const WARNINGS: [&str; 5] = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-psabi",
    "-Wno-unused-parameter",
];

impl CAbi {
    /// Reads the options of a `test` line.
    pub fn new(options: &[TestOption<'_>]) -> Result<Self, String> {
        let mut command = CAbi {
            compilers: Compiler::OF_C.to_vec(),
            levels: vec!["-O0".to_owned(), "-O2".to_owned()],
            flags: Vec::new(),
        };
        for option in options {
            let (name, values) = match option {
                TestOption::Flag(flag) => (*flag, ""),
                TestOption::Value(name, values) => (*name, *values),
            };
            let list = || values.split(',').map(str::to_owned).collect::<Vec<_>>();
            match name {
                "compilers" => {
                    command.compilers = values
                        .split(',')
                        .map(|name| {
                            let mut known = Compiler::OF_C.into_iter();
                            known.find(|compiler| compiler.to_string() == name).ok_or_else(|| {
                                format!("`{name}` is no compiler of `test c-abi`; these are gcc, clang")
                            })
                        })
                        .collect::<Result<_, _>>()?;
                }
                "opt" if list().iter().all(|level| level.starts_with("-O")) => {
                    command.levels = list()
                }
                "flags" if list().iter().all(|flag| flag.starts_with('-')) => {
                    command.flags = list()
                }
                _ => {
                    return Err(format!(
                        "`test c-abi` has no option `{option}`; its options are \
                         compilers=gcc,clang, opt=-O0,-O2 and flags=-f,…"
                    ));
                }
            }
        }
        Ok(command)
    }
}

impl CAbi {
    /// Checks every function of the file.
    pub fn run(&self, job: &Job<'_, '_>) -> Result<Verdict, Failure> {
        let isa = job.target()?;
        let driver = Driver::parse(job.path, job.source.text(), job.line)?;
        let signatures = abi::signatures(job.file, job.source.text());
        let signatures: Vec<_> = signatures.iter().map(|used| &used.signature).collect();
        let target = Platform::of(isa, &signatures).map_err(|error| job.fail(error))?;
        let test = Test {
            job,
            isa,
            target,
            driver: &driver,
            workshop: Workshop::new().map_err(|error| job.fail(error.to_string()))?,
        };
        let object = test.compile_functions()?;
        test.write_sources()?;
        let mut skips = Vec::new();
        let mut is_run = false;
        for &compiler in &self.compilers {
            if let Err(missing) = target.check_tools(compiler) {
                if std::env::var_os("CI").is_some_and(|value| !value.is_empty()) {
                    return Err(job.fail(missing));
                }
                skips.push((missing, true));
                continue;
            }
            if let Some(reason) = test.difference_of(compiler) {
                skips.push((reason, false));
                continue;
            }
            for level in &self.levels {
                test.check(compiler, level, &self.flags, &object)?;
            }
            is_run = true;
        }
        // What C cannot do is no news if another compiler can; a missing one may be installed.
        match skips
            .into_iter()
            .find(|(_, is_missing)| *is_missing || !is_run)
        {
            Some((reason, _)) => Ok(Verdict::Skipped(reason)),
            None => Ok(Verdict::Passed),
        }
    }
}

struct Test<'a> {
    job: &'a Job<'a, 'a>,
    isa: &'a dyn TargetIsa,
    target: Platform,
    driver: &'a Driver,
    workshop: Workshop,
}

impl Test<'_> {
    /// A failure of the C program, which is about all functions.
    fn fail(&self, message: impl Into<String>) -> Failure {
        Failure::at(self.driver.line, message).about(&self.functions())
    }

    /// The names of the functions, the first few of many.
    fn functions(&self) -> String {
        const SHOWN: usize = 3;
        let names = self.job.functions().map(|(func, _)| func.name.to_string());
        let names: Vec<String> = names.collect();
        let mut text = names[..names.len().min(SHOWN)].join(", ");
        if names.len() > SHOWN {
            let _ = write!(text, " and {} more", names.len() - SHOWN);
        }
        text
    }

    fn note(&self, doing: &str) {
        crate::activity::note(
            self.driver.line,
            format_args!("{doing} of {} for {}", self.functions(), self.target),
        );
    }

    fn build_failure(&self, compiler: Compiler, level: &str, error: &BuildError) -> Failure {
        self.fail(format!("{compiler} {level}: {error}"))
    }

    /// An object file with all functions, which C knows by their names without `%`.
    fn compile_functions(&self) -> Result<PathBuf, Failure> {
        let functions: Vec<_> = self.job.functions().collect();
        let mut object =
            ObjectFile::new(self.owned_isa()?).map_err(|error| self.job.fail(error))?;
        object.name_as_c("");
        object.add(functions.iter().map(|(func, _)| *func));
        let contents = object.finish_with(|index| {
            let (func, details) = functions[index];
            self.job.note("compiling", func, details);
        });
        let contents = contents.map_err(|error| {
            let (func, details) = functions[error.function.unwrap_or_default()];
            error.describe(func, details)
        })?;
        let written = self.workshop.write("functions.o", contents);
        written.map_err(|error| self.job.fail(error.to_string()))
    }

    /// The target of the job once more, as an object file keeps it.
    fn owned_isa(&self) -> Result<OwnedTargetIsa, Failure> {
        let isas = match &self.job.file.isa_spec {
            IsaSpec::Some(isas) => isas.as_slice(),
            IsaSpec::None(_) => &[],
        };
        let same = |isa: &&OwnedTargetIsa| std::ptr::addr_eq(&***isa, self.isa);
        isas.iter()
            .find(same)
            .cloned()
            .ok_or_else(|| self.fail("the target of this job is not of this file"))
    }

    fn write_sources(&self) -> Result<(), Failure> {
        self.note("writing the declarations");
        let header = self.header();
        self.workshop
            .write("driver.c", &self.driver.source)
            .and_then(|_| self.workshop.write("clif.h", header))
            .map_err(|error| self.fail(error.to_string()))?;
        Ok(())
    }

    /// What C can say of the signatures of the file; the rest is in comments.
    fn header(&self) -> String {
        let Some(mut section) = c::Section::new(self.isa.triple()) else {
            return String::new();
        };
        let mut names = c::Section::names();
        for used in abi::signatures(self.job.file, self.job.source.text()) {
            if let Err(refusal) = abi::declare(&mut section, &mut names, self.isa, &used) {
                section.comment(&format!("{}: {refusal}", used.users[0].text));
            }
        }
        c::Section::file(&[section])
    }

    /// Why the compiler cannot agree with the file's signatures.
    fn difference_of(&self, compiler: Compiler) -> Option<String> {
        if !self.target.has(compiler) {
            return Some(format!("{compiler} is no compiler for {}", self.target));
        }
        let signatures = abi::signatures(self.job.file, self.job.source.text());
        let mut signatures = signatures.iter().map(|used| &used.signature);
        signatures.find_map(|signature| compiler.difference(self.target, signature))
    }

    /// Makes and runs one program.
    fn check(
        &self,
        compiler: Compiler,
        level: &str,
        flags: &[String],
        functions: &Path,
    ) -> Result<(), Failure> {
        self.note(&format!("running {compiler} {level} with the C program"));
        let fail = |error| self.build_failure(compiler, level, &error);
        let warnings = WARNINGS.iter().copied();
        let flags: Vec<&str> = warnings.chain(flags.iter().map(String::as_str)).collect();
        let with = (self.target, compiler);
        let compiled = self
            .workshop
            .compile(with, "driver.c", "driver.o", level, &flags);
        let objects = [functions, &compiled.map_err(fail)?];
        let program = self.workshop.link(self.target, &objects, "program");
        let program = program.map_err(fail)?;
        let run = self.workshop.run(self.target, &program, &[]);
        let run = run.map_err(fail)?;
        let lines: Vec<String> = run
            .output
            .lines()
            .map(|l| l.trim_end().to_owned())
            .collect();
        let is_ending = matches!(run.ending, Ending::Ended(status) if status.code() == Some(self.driver.status));
        if is_ending && lines == self.driver.output {
            return Ok(());
        }
        let mut message = format!("{compiler} {level}: ");
        if is_ending {
            message.push_str("the program prints something else");
        } else {
            let wanted = self.driver.status;
            let _ = write!(
                message,
                "the program ends by {}, not with status {wanted}",
                run.ending
            );
        }
        if !run.errors.trim().is_empty() {
            let _ = write!(message, "\n{}", run.errors.trim_end());
        }
        let mut failure = self.fail(message);
        if lines != self.driver.output {
            // Not `with_diff`: these are not for `--bless`, which knows functions alone.
            let _ = write!(
                failure.message,
                "{}",
                differences(&self.driver.output, &lines)
            );
        }
        Err(failure)
    }
}

/// Lines that are not the same, `-` for those of the file.
fn differences(expected: &[String], actual: &[String]) -> String {
    let (expected, actual) = (expected.join("\n"), actual.join("\n"));
    let diff = similar::TextDiff::from_lines(&expected, &actual);
    let mut text = String::new();
    for change in diff.iter_all_changes() {
        let _ = write!(
            text,
            "\n{}{}",
            change.tag(),
            change.value().trim_end_matches('\n')
        );
    }
    text
}
