//! Random signatures, compared with C in batches.
//!
//! A batch is one object file of compiled functions, and for each compiler and optimization level one
//! file of the other side; the program tells which cases fail. One check is a signature with one
//! compiler, in one direction, at all levels.
//!
//! What this does not prove: what happens between calls of one function, spilling above all, as these
//! functions make at most one call; unwinding; and signatures of other conventions.

use super::case::{Case, Direction};
use super::standalone::{self, Setting};
use super::{cases_c, cases_rust};
use crate::abi;
use crate::object::ObjectFile;
use cranelift_codegen::ir::{Signature, Type};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_reader::{OwnedFlagsOrIsa, parse_sets_and_triple};
use oracles::signatures::{Seed, explain_refusal, signature};
use oracles::toolchain::{CTarget, Compiler};
use oracles::workshop::{BuildError, Ending, Workshop};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What to check.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Makes the same signatures again.
    pub seed: u64,
    /// Compare only this signature, again and again.
    pub signature: Option<Signature>,
    /// How many signatures to compare for each target, compiler and direction.
    pub count: usize,
    /// The targets.
    pub targets: Vec<CTarget>,
    /// The compilers; those that a target does not have are left out.
    pub compilers: Vec<Compiler>,
    /// The directions.
    pub directions: Vec<Direction>,
    /// How many batches to work on at a time.
    pub jobs: usize,
    /// How many signatures are in a batch.
    pub batch: usize,
    /// Whether to begin no other batch once there is a mismatch.
    pub stops_at_mismatch: bool,
    /// The convention of compiled code; another than `system_v_multi_out` tests the campaign.
    pub convention: CallConv,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Report {
    /// By target, compiler and direction.
    pub cells: BTreeMap<(CTarget, Compiler, Direction), Cell>,
    /// By type and target, how many signatures were compared that have such a field, each once for
    /// each compiler.
    pub fields: BTreeMap<FieldType, BTreeMap<CTarget, usize>>,
    /// Signatures that somebody sees differently.
    pub mismatches: Vec<Mismatch>,
    /// Refusals that no rule explains.
    pub unexplained: Vec<String>,
    /// Tools that are missing, or failed.
    pub broken: BTreeSet<String>,
}

/// The counts for one target, compiler and direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Signatures that were compared, with those that did not agree.
    pub checked: usize,
    /// Those that did not agree.
    pub mismatched: usize,
    /// Those that were not compared, by reason.
    pub refused: BTreeMap<String, usize>,
}

/// A type in the order of a table: scalars first, by size.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldType {
    is_vector: bool,
    bits: u32,
    name: String,
}

impl From<Type> for FieldType {
    fn from(ty: Type) -> Self {
        FieldType {
            is_vector: ty.is_vector(),
            bits: ty.bits(),
            name: ty.to_string(),
        }
    }
}

/// A disagreement.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// The target.
    pub target: CTarget,
    /// The compiler.
    pub compiler: Compiler,
    /// The optimization level.
    pub level: &'static str,
    /// Who calls.
    pub direction: Direction,
    /// The number of the signature for this seed.
    pub number: usize,
    /// The settings of Cranelift.
    pub settings: &'static [&'static str],
    /// The signature and how calls are made.
    pub case: Case,
    /// What is wrong.
    pub text: String,
}

/// How many signatures there are for each batch, far more than are used.
const NUMBERS: usize = 100_000;

const LEVELS: [&str; 2] = ["-O0", "-O2"];

/// Settings that change how calls are compiled, for one batch after the other.
pub const SETTINGS: [&[&str]; 4] = [
    &["opt_level=speed"],
    &[
        "opt_level=none",
        "regalloc_algorithm=single_pass",
        "is_pic=true",
    ],
    &["opt_level=none"],
    &[
        "opt_level=speed",
        "regalloc_algorithm=single_pass",
        "is_pic=true",
    ],
];

impl Campaign {
    /// How many steps [`Campaign::run`] reports.
    pub fn steps(&self) -> usize {
        self.targets.len() * self.count.div_ceil(self.batch)
    }

    /// Checks everything, and reports how many steps are done.
    pub fn run(&self, progress: &(dyn Fn(usize) + Sync)) -> Report {
        let report = Mutex::new(Report::default());
        let batches = self.count.div_ceil(self.batch);
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || loop {
            let step = next.fetch_add(1, Ordering::Relaxed);
            let is_over = || {
                let report = report.lock().unwrap_or_else(|p| p.into_inner());
                self.stops_at_mismatch && !report.mismatches.is_empty()
            };
            if step >= self.steps() || is_over() {
                return;
            }
            // Targets in turn, so that slow and fast ones are spread.
            let target = self.targets[step % self.targets.len()];
            let batch = step / self.targets.len();
            debug_assert!(batch < batches);
            let count = self.batch.min(self.count - batch * self.batch);
            let part = Batch::new(self, target, SETTINGS[batch % SETTINGS.len()]);
            let part = match part {
                Ok(mut part) => {
                    part.check(batch * NUMBERS, count);
                    part.report
                }
                Err(error) => {
                    let mut report = Report::default();
                    report.broken.insert(error);
                    report
                }
            };
            report.lock().unwrap_or_else(|p| p.into_inner()).add(part);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        };
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(work);
            }
        });
        let mut report = report.into_inner().unwrap_or_else(|p| p.into_inner());
        report
            .mismatches
            .sort_by_key(|m| (m.target, m.compiler, m.direction, m.number));
        report
    }
}

impl Report {
    /// Does everything agree that was compared, and is the rest explained?
    pub fn is_success(&self) -> bool {
        self.mismatches.is_empty() && self.unexplained.is_empty() && self.broken.is_empty()
    }

    fn add(&mut self, other: Report) {
        for (key, cell) in other.cells {
            let sum = self.cells.entry(key).or_default();
            sum.checked += cell.checked;
            sum.mismatched += cell.mismatched;
            for (reason, count) in cell.refused {
                *sum.refused.entry(reason).or_default() += count;
            }
        }
        for (ty, counts) in other.fields {
            let sums = self.fields.entry(ty).or_default();
            for (target, count) in counts {
                *sums.entry(target).or_default() += count;
            }
        }
        self.mismatches.extend(other.mismatches);
        self.unexplained.extend(other.unexplained);
        self.broken.extend(other.broken);
    }

    /// The counts as a table, reasons below it.
    pub fn table(&self) -> String {
        let mut rows = vec![
            [
                "target",
                "compiler",
                "direction",
                "checked",
                "mismatched",
                "refused",
            ]
            .map(str::to_owned),
        ];
        let mut sum = [0; 3];
        let mut reasons: BTreeMap<(CTarget, Compiler, &str), usize> = BTreeMap::new();
        for ((target, compiler, direction), cell) in &self.cells {
            let refused: usize = cell.refused.values().sum();
            let counts = [cell.checked, cell.mismatched, refused];
            let [checked, mismatched, refused] = counts.map(|count| count.to_string());
            for (sum, count) in sum.iter_mut().zip(counts) {
                *sum += count;
            }
            rows.push([
                target.to_string(),
                compiler.to_string(),
                direction.to_string(),
                checked,
                mismatched,
                refused,
            ]);
            for (reason, count) in &cell.refused {
                *reasons.entry((*target, *compiler, reason)).or_default() += count;
            }
        }
        let [checked, mismatched, refused] = sum.map(|count| count.to_string());
        rows.push([
            "all".to_owned(),
            String::new(),
            String::new(),
            checked,
            mismatched,
            refused,
        ]);
        let mut text = aligned(&rows, 3);
        if !reasons.is_empty() {
            text.push_str("\nrefused, in both directions\n");
        }
        for ((target, compiler, reason), count) in reasons {
            text.push_str(&format!("  {target} {compiler}: {count}: {reason}\n"));
        }
        text
    }

    /// How often each type was a field, by target.
    pub fn field_table(&self) -> String {
        let targets: BTreeSet<CTarget> = self.cells.keys().map(|(target, ..)| *target).collect();
        let names = targets.iter().map(CTarget::to_string);
        let head: Vec<String> = ["field".to_owned()].into_iter().chain(names).collect();
        let rows = self.fields.iter().map(|(ty, counts)| {
            let count = |target| counts.get(target).copied().unwrap_or(0).to_string();
            let counts = targets.iter().map(count);
            [ty.name.clone()].into_iter().chain(counts).collect()
        });
        let rows: Vec<Vec<String>> = [head].into_iter().chain(rows).collect();
        aligned(&rows, 1)
    }
}

/// Rows with their columns aligned: the first ones to the left, the numbers after them to the right.
fn aligned<R: AsRef<[String]>>(rows: &[R], first_number: usize) -> String {
    let mut widths = Vec::new();
    for row in rows {
        widths.resize(row.as_ref().len(), 0);
        for (width, cell) in widths.iter_mut().zip(row.as_ref()) {
            *width = cell.len().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        for (column, (cell, width)) in row.as_ref().iter().zip(&widths).enumerate() {
            text.push_str(&match column < first_number {
                true => format!("{cell:<width$}  "),
                false => format!("{cell:>width$}  "),
            });
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// Cases of one target, compiled together.
struct Batch<'a> {
    campaign: &'a Campaign,
    target: CTarget,
    isa: OwnedTargetIsa,
    settings: &'static [&'static str],
    workshop: Workshop,
    runtime: PathBuf,
    report: Report,
}

/// What one program says.
enum Verdict {
    /// The places of those cases that fail, with the reason.
    Ran(Vec<(usize, String)>),
    /// There is no program.
    Unbuilt(String),
}

impl<'a> Batch<'a> {
    fn new(
        campaign: &'a Campaign,
        target: CTarget,
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
            .filter(|compiler| compiler.has_target(self.target))
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
    fn check(&mut self, first: usize, count: usize) {
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
                signature(&mut seed, self.target.out_target())
            };
            let case = Case {
                number,
                signature: self.campaign.signature.clone().unwrap_or_else(random),
                is_indirect: number % 2 == 1,
                convention: self.campaign.convention,
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
        let rule = explain_refusal(&case.signature, target.out_target());
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

    fn write_functions(&self, cases: &[Case]) -> Result<PathBuf, String> {
        let isa = &*self.isa;
        crate::panics::contain(|| {
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
    fn difference_of(&self, compiler: Compiler, case: &Case) -> Option<String> {
        let Signature {
            params, returns, ..
        } = &case.signature;
        let has = |ty| compiler.has_type(self.target, ty);
        let mut types = params.iter().chain(returns).map(|param| param.value_type);
        if let Some(ty) = types.find(|ty| !has(*ty)) {
            return Some(format!(
                "{compiler} has no type for {} on this target",
                ty.lane_type()
            ));
        }
        if let Some(quarrel) = compiler.quarrel(self.target, &case.signature) {
            return Some(quarrel.name.to_owned());
        }
        let refusal = match compiler {
            Compiler::Rustc => cases_rust::declaration(&*self.isa, case).err(),
            _ => cases_c::declaration(&*self.isa, case).err(),
        };
        refusal.map(|refusal| refusal.to_string())
    }

    /// The cases that fail: direction, number and what is wrong. What keeps a program from being built
    /// is found by halves.
    fn failures(
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
                let any = Path::new("-Wl,--unresolved-symbols=ignore-all");
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

impl Mismatch {
    /// Drops parameters and results as long as there is a disagreement, and writes what is left so
    /// that it can be repeated: as a filetest, or for Rust, which filetests do not have, as a command.
    ///
    /// # Errors
    ///
    /// If a tool is missing.
    pub fn shrunk(&self) -> Result<String, String> {
        let campaign = Campaign {
            seed: 0,
            signature: None,
            count: 1,
            targets: vec![self.target],
            compilers: vec![self.compiler],
            directions: vec![self.direction],
            jobs: 1,
            batch: 1,
            stops_at_mismatch: false,
            convention: self.case.convention,
        };
        let mut batch = Batch::new(&campaign, self.target, self.settings)?;
        let mut best = (self.case.clone(), self.text.clone());
        'smaller: loop {
            for candidate in candidates(&best.0) {
                if let Some(text) =
                    batch.mismatch(self.compiler, self.level, self.direction, &candidate)
                {
                    best = (candidate, text);
                    continue 'smaller;
                }
            }
            break;
        }
        let (mut case, text) = best;
        case.number = 0;
        let notes = [
            format!(
                "{} and compiled code disagree when it {} ({}).",
                self.compiler,
                match self.direction {
                    Direction::CallsC => "is called",
                    Direction::CalledByC => "calls",
                },
                self.level
            ),
            format!("Shrunk from signature {}: {text}", self.number),
        ];
        if self.compiler == Compiler::Rustc {
            let lines = notes.map(|note| format!(";; {note}\n")).concat();
            return Ok(format!(
                "{lines}cargo xtask campaign c-abi --target {} --compiler {} --direction {} --signature '{}'\n",
                self.target, self.compiler, self.direction, case.signature
            ));
        }
        let setting = Setting {
            target: self.target,
            settings: self.settings,
            compiler: self.compiler,
            level: self.level,
            direction: self.direction,
        };
        standalone::write(&*batch.isa, &case, setting, &notes).map_err(|error| error.to_string())
    }
}

impl Batch<'_> {
    /// What is wrong with one case, if it is.
    fn mismatch(
        &mut self,
        compiler: Compiler,
        level: &'static str,
        direction: Direction,
        case: &Case,
    ) -> Option<String> {
        abi::check_c(&*self.isa, &case.signature).ok()?;
        if self.difference_of(compiler, case).is_some() {
            return None;
        }
        let cases = std::slice::from_ref(case);
        let functions = match self.write_functions(cases) {
            Ok(functions) => functions,
            Err(error) => return Some(format!("it does not compile: {error}")),
        };
        let failures = self.failures(compiler, level, cases, &functions);
        let mut texts = failures.into_iter().filter(|(way, ..)| *way == direction);
        texts.next().map(|(_, _, text)| text)
    }
}

/// Smaller cases, the smallest first.
fn candidates(case: &Case) -> Vec<Case> {
    let mut candidates = Vec::new();
    let mut add = |change: &dyn Fn(&mut Signature)| {
        let mut smaller = case.clone();
        change(&mut smaller.signature);
        if smaller.signature != case.signature {
            candidates.push(smaller);
        }
    };
    let (params, returns) = (case.signature.params.len(), case.signature.returns.len());
    add(&|signature| signature.params.clear());
    add(&|signature| signature.returns.truncate(returns / 2));
    add(&|signature| drop(signature.returns.drain(..returns / 2)));
    add(&|signature| signature.params.truncate(params / 2));
    add(&|signature| drop(signature.params.drain(..params / 2)));
    for n in (0..params).rev() {
        add(&|signature| {
            signature.params.remove(n);
        });
    }
    for n in (0..returns).rev() {
        add(&|signature| {
            signature.returns.remove(n);
        });
    }
    if case.is_indirect {
        candidates.push(Case {
            is_indirect: false,
            ..case.clone()
        });
    }
    candidates
}

fn isa(target: CTarget, settings: &[&str]) -> Result<OwnedTargetIsa, String> {
    let settings: Vec<String> = settings.iter().map(|set| (*set).to_owned()).collect();
    match parse_sets_and_triple(&settings, target.spec()) {
        Ok(OwnedFlagsOrIsa::Isa(isa)) => Ok(isa),
        Ok(OwnedFlagsOrIsa::Flags(_)) => Err(format!("{target} is no target")),
        Err(error) => Err(format!("{target}: {error:#}")),
    }
}
