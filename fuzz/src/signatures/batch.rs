//! A batch: object files of both sides, and a program for each compiler and level.

use super::case::{Case, Direction};
use super::{Campaign, Cell, FieldType, LEVELS, Mismatch, NUMBERS, Report, cases_c, cases_rust};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_reader::{OwnedFlagsOrIsa, parse_sets_and_triple};
use filetests::object::ObjectFile;
use filetests::{abi, panics};
use oracles::platform::Platform;
use oracles::seed::Seed;
use oracles::signatures::{explain_refusal, signature};
use oracles::toolchain::Compiler;
use oracles::workshop::{BuildError, Ending, Workshop};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Cases of one target, compiled together.
pub(super) struct Batch<'a> {
    campaign: &'a Campaign,
    target: Platform,
    pub(super) isa: OwnedTargetIsa,
    settings: &'static [&'static str],
    workshop: Workshop,
    runtime: PathBuf,
    pub(super) report: Report,
}

/// What one program says.
enum Verdict {
    /// The places of those cases that fail, with the reason.
    Ran(Vec<(usize, String)>),
    /// There is no program.
    Unbuilt(String),
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        campaign: &'a Campaign,
        target: Platform,
        settings: &'static [&'static str],
    ) -> Result<Self, String> {
        target.check_tools(Compiler::Gcc)?;
        let isa = isa(target, settings)?;
        let prepare = || -> Result<_, BuildError> {
            let workshop = Workshop::new()?;
            workshop.write("runtime.c", include_str!("runtime.c"))?;
            workshop.write("runtime.h", include_str!("runtime.h"))?;
            let with = (target, Compiler::Gcc);
            let runtime =
                workshop.compile(with, "runtime.c", "runtime.o", "-O1", &[] as &[&str])?;
            Ok((workshop, runtime))
        };
        let (workshop, runtime) = prepare().map_err(|error| error.to_string())?;
        Ok(Batch {
            campaign,
            target,
            isa,
            settings,
            workshop,
            runtime,
            report: Report::default(),
        })
    }

    fn compilers(&self) -> Vec<Compiler> {
        let compilers = self.campaign.compilers.iter().copied();
        compilers
            .filter(|compiler| self.target.has(*compiler))
            .collect()
    }

    fn cell(&mut self, compiler: Compiler, direction: Direction) -> &mut Cell {
        let key = (self.target, compiler, direction);
        self.report.cells.entry(key).or_default()
    }

    fn refuse(&mut self, compiler: Compiler, reason: &str) {
        for direction in self.campaign.directions.clone() {
            let refused = &mut self.cell(compiler, direction).refused;
            *refused.entry(reason.to_owned()).or_default() += 1;
        }
    }

    /// Compares `count` signatures with each compiler, taken from the numbers from `first` on.
    pub(super) fn check(&mut self, first: usize, count: usize) {
        let mut compilers = Vec::new();
        for compiler in self.compilers() {
            match self.target.check_tools(compiler) {
                Ok(()) => compilers.push(compiler),
                Err(missing) => {
                    self.report.broken.insert(missing);
                }
            }
        }
        let mut spoken: BTreeMap<Compiler, Vec<Case>> = BTreeMap::new();
        let mut cases = Vec::new();
        // A signature that is given may never be spoken.
        let numbers = match self.campaign.signature {
            Some(_) => count,
            None => NUMBERS,
        };
        for number in first..first + numbers {
            let is_open = |compiler: &Compiler| spoken.get(compiler).map_or(0, Vec::len) < count;
            let open: Vec<_> = compilers.iter().copied().filter(is_open).collect();
            if open.is_empty() {
                break;
            }
            let random = || {
                let mut seed = Seed::new(self.campaign.seed, number as u64);
                signature(
                    &mut seed,
                    self.target.target().out_target(),
                    self.target.convention(),
                )
            };
            let case = Case {
                number,
                signature: self.campaign.signature.clone().unwrap_or_else(random),
                is_indirect: number % 2 == 1,
                convention: match self.campaign.has_base_convention {
                    true => self.target.convention().base(),
                    false => self.target.convention(),
                },
            };
            if let Err(refusal) = abi::check_c(&*self.isa, &case.signature) {
                self.judge_refusal(&open, &case, &refusal.to_string());
                continue;
            }
            for compiler in open {
                match self.difference_of(compiler, &case) {
                    Some(reason) => self.refuse(compiler, &reason),
                    None => spoken.entry(compiler).or_default().push(case.clone()),
                }
            }
            cases.push(case);
        }
        let object = self.compile_functions(&mut cases);
        for (compiler, mut spoken) in spoken {
            spoken.retain(|case| cases.iter().any(|left| left.number == case.number));
            for direction in self.campaign.directions.clone() {
                self.cell(compiler, direction).checked += spoken.len();
            }
            self.count_fields(&spoken);
            let mut failed = BTreeSet::new();
            for level in LEVELS {
                for (direction, number, text) in self.failures(compiler, level, &spoken, &object) {
                    let Some(case) = spoken.iter().find(|case| case.number == number) else {
                        continue;
                    };
                    if failed.insert((direction, number)) {
                        self.cell(compiler, direction).mismatched += 1;
                        self.add_mismatch(compiler, level, direction, case, text);
                    }
                }
            }
        }
    }

    fn count_fields(&mut self, cases: &[Case]) {
        for case in cases.iter().filter(|case| case.signature.returns.len() > 1) {
            let fields = case.signature.returns.iter();
            let types: BTreeSet<FieldType> = fields.map(|field| field.value_type.into()).collect();
            for ty in types {
                let counts = self.report.fields.entry(ty).or_default();
                *counts.entry(self.target).or_default() += 1;
            }
        }
    }

    fn add_mismatch(
        &mut self,
        compiler: Compiler,
        level: &'static str,
        direction: Direction,
        case: &Case,
        text: String,
    ) {
        self.report.mismatches.push(Mismatch {
            target: self.target,
            compiler,
            level,
            direction,
            number: case.number,
            settings: self.settings,
            case: case.clone(),
            text,
        });
    }

    /// The backend refuses the signature: rightly?
    fn judge_refusal(&mut self, open: &[Compiler], case: &Case, refusal: &str) {
        let target = self.target;
        // No rule lets a backend panic.
        let rule = explain_refusal(&case.signature, target.target().out_target());
        match rule.filter(|_| !refusal.contains("panicked")) {
            Some(rule) => {
                for &compiler in open {
                    self.refuse(compiler, rule);
                }
            }
            None => {
                let Case {
                    number, signature, ..
                } = case;
                let text = format!("{target}: signature {number}: {signature}: {refusal}");
                self.report.unexplained.push(text);
                for &compiler in open {
                    self.refuse(compiler, "unexplained");
                }
            }
        }
    }

    /// An object file with the functions of all cases but those that do not compile.
    fn compile_functions(&mut self, cases: &mut Vec<Case>) -> PathBuf {
        if let Err(error) = self.write_functions(cases) {
            let all = std::mem::take(cases);
            for case in all {
                match self.write_functions(std::slice::from_ref(&case)) {
                    Ok(_) => cases.push(case),
                    Err(error) => {
                        let direction = self.campaign.directions[0];
                        for compiler in self.compilers() {
                            let cell = self.cell(compiler, direction);
                            cell.checked += 1;
                            cell.mismatched += 1;
                        }
                        let text = format!("it does not compile: {error}");
                        self.add_mismatch(Compiler::Gcc, "-O0", direction, &case, text);
                    }
                }
            }
            if let Err(still) = self.write_functions(cases) {
                self.report.broken.insert(format!("{error}; {still}"));
                cases.clear();
            }
        }
        self.workshop.path("functions.o")
    }

    pub(super) fn write_functions(&self, cases: &[Case]) -> Result<PathBuf, String> {
        let isa = &*self.isa;
        panics::contain(|| {
            let mut object = ObjectFile::new(self.isa.clone())?;
            object.name_as_c("");
            for case in cases {
                object.add(Direction::ALL.map(|way| case.function(isa, way)).iter());
            }
            let written = self.workshop.write("functions.o", object.finish()?);
            written.map_err(|error| error.to_string())
        })
        .unwrap_or_else(|panic| Err(panic.to_string()))
    }

    /// Why the compiler has no such function, or another one.
    pub(super) fn difference_of(&self, compiler: Compiler, case: &Case) -> Option<String> {
        let difference = compiler.difference(self.target, &case.signature);
        if difference.is_some() {
            return difference;
        }
        let refusal = match compiler {
            Compiler::Rustc => cases_rust::declaration(&*self.isa, case).err(),
            _ => cases_c::declaration(&*self.isa, case).err(),
        };
        refusal.map(|refusal| refusal.to_string())
    }

    /// The cases that fail: direction, number and what is wrong. What keeps a program from being built
    /// is found by halves.
    pub(super) fn failures(
        &mut self,
        compiler: Compiler,
        level: &'static str,
        cases: &[Case],
        functions: &Path,
    ) -> Vec<(Direction, usize, String)> {
        if cases.is_empty() {
            return Vec::new();
        }
        let directions = self.campaign.directions.clone();
        match self.run_program(compiler, level, cases, functions, &directions, &[]) {
            Ok(verdicts) => {
                let mut failures = Vec::new();
                for (direction, verdict) in verdicts {
                    match verdict {
                        Verdict::Ran(list) => failures.extend(
                            list.into_iter()
                                .map(|(place, text)| (direction, cases[place].number, text)),
                        ),
                        Verdict::Unbuilt(mut text) if cases.len() == 1 => {
                            if let Some(seen) =
                                self.unasserted(compiler, level, cases, functions, direction)
                            {
                                text = format!("{seen} ({text})");
                            }
                            failures.push((direction, cases[0].number, text));
                        }
                        Verdict::Unbuilt(text) => {
                            let (first, second) = cases.split_at(cases.len() / 2);
                            let mut both = self.failures(compiler, level, first, functions);
                            both.extend(self.failures(compiler, level, second, functions));
                            if both.is_empty() {
                                // What is wrong needs more than one call, or the program as a whole.
                                let text = format!(
                                    "{} {compiler} {level} {direction}: the program of signatures \
                                     {} to {} fails, and its halves do not: {text}",
                                    self.target,
                                    cases[0].number,
                                    cases[cases.len() - 1].number
                                );
                                self.report.broken.insert(text);
                            }
                            return both;
                        }
                    }
                }
                failures
            }
            Err(error) => {
                self.report.broken.insert(error.to_string());
                Vec::new()
            }
        }
    }

    /// What is wrong with a case that fails to compile when C's assertions on the layout are left
    /// out: which field is elsewhere.
    fn unasserted(
        &self,
        compiler: Compiler,
        level: &str,
        case: &[Case],
        functions: &Path,
        direction: Direction,
    ) -> Option<String> {
        if compiler == Compiler::Rustc {
            return None;
        }
        let flags = ["-D_Static_assert(...)="];
        let verdicts = self.run_program(compiler, level, case, functions, &[direction], &flags);
        match verdicts.ok()?.pop()? {
            (_, Verdict::Ran(mut failures)) => failures.pop().map(|(_, text)| text),
            _ => None,
        }
    }

    fn run_program(
        &self,
        compiler: Compiler,
        level: &str,
        cases: &[Case],
        functions: &Path,
        directions: &[Direction],
        more_flags: &[&str],
    ) -> Result<Vec<(Direction, Verdict)>, BuildError> {
        let isa = &*self.isa;
        let (name, source) = match compiler {
            Compiler::Rustc => ("cases.rs", cases_rust::write(isa, cases)),
            _ => ("cases.c", cases_c::write(isa, cases)),
        };
        let source = source.map_err(|refusal| {
            BuildError::System("writing cases".to_owned(), refusal.to_string())
        })?;
        self.workshop.write(name, source)?;
        // Warnings would be about vectors, or what is not used.
        let flags: &[&str] = match compiler {
            Compiler::Rustc => &["-Awarnings"],
            _ => &["-w", "-Wno-psabi"],
        };
        let with = (self.target, compiler);
        let built = self
            .workshop
            .compile(with, name, "cases.o", level, &[flags, more_flags].concat())
            .and_then(|object| {
                // Another compiler may have more cases, whose C is not here and is not called.
                let any = Path::new("-Wl,--noinhibit-exec");
                let objects = [any, functions, &object, &self.runtime];
                self.workshop.link(self.target, &objects, "program")
            });
        let program = match built {
            Ok(program) => program,
            Err(BuildError::Refused { program, errors }) => {
                // Without the path, which is gone when it is read.
                let error = errors
                    .lines()
                    .find_map(|line| Some(&line[line.find("error")?..]));
                let error = error.or(errors.lines().next()).unwrap_or_default();
                let text = format!("{program} fails: {error}");
                let unbuilt = |way: &Direction| (*way, Verdict::Unbuilt(text.clone()));
                return Ok(directions.iter().map(unbuilt).collect());
            }
            Err(error) => return Err(error),
        };
        let mut verdicts = Vec::new();
        for direction in directions {
            let mut failures = Vec::new();
            let mut first = 0;
            while first < cases.len() {
                let arguments = [direction.to_string(), first.to_string()];
                let arguments = arguments.each_ref().map(String::as_str);
                let run = self.workshop.run(self.target, &program, &arguments)?;
                let before = failures.len();
                for line in run.output.lines() {
                    let mut words = line.splitn(3, ' ');
                    let (kind, place, text) = (words.next(), words.next(), words.next());
                    if let (Some("FAIL" | "CRASH"), Some(place), Some(text)) = (kind, place, text)
                        && let Ok(place) = place.parse::<usize>()
                        && place < cases.len()
                    {
                        failures.push((place, text.to_owned()));
                    }
                }
                let is_done = run.output.lines().last() == Some("DONE");
                if is_done && matches!(run.ending, Ending::Ended(status) if status.success()) {
                    break;
                }
                // Not even the handler of signals could tell where it was: this program, and then
                // each of its halves, has failed as a whole.
                if failures.len() == before || !run.output.contains("CRASH") {
                    let text = format!("the program ends by {}", run.ending);
                    verdicts.push((*direction, Verdict::Unbuilt(text)));
                    return Ok(verdicts);
                }
                first = failures.last().map_or(cases.len(), |(place, _)| place + 1);
            }
            verdicts.push((*direction, Verdict::Ran(failures)));
        }
        Ok(verdicts)
    }
}

fn isa(target: Platform, settings: &[&str]) -> Result<OwnedTargetIsa, String> {
    let settings = settings.iter().filter(|set| target.has_setting(set));
    let settings: Vec<String> = settings.map(|set| (*set).to_owned()).collect();
    match parse_sets_and_triple(&settings, target.spec()) {
        Ok(OwnedFlagsOrIsa::Isa(isa)) => Ok(isa),
        Ok(OwnedFlagsOrIsa::Flags(_)) => Err(format!("{target} is no target")),
        Err(error) => Err(format!("{target}: {error:#}")),
    }
}
