//! This project's runtime and wasmi, an interpreter, behind one interface.

use super::imports::{self, Answer, MODULE, imports};
use super::table;
use cranelift_codegen::CodegenError;
use filetests::panics;
use multi_out_wasm::{Error, Extern, FuncType, Trap, ValType};

/// Why a call has no results.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// It trapped.
    Trap(Trap),
    /// A host function failed.
    Host,
    /// A limit of the runtime's own: what comes next may differ.
    Limit(String),
}

/// Results by type, as bits. A reference is 1, and 0 if it is null.
pub type Outcome = Result<Vec<(ValType, u64)>, Failure>;

/// The module that exports a function.
#[derive(Clone, Copy, Debug)]
pub enum From {
    /// The module.
    Module,
    /// That of [`Runtime::add_table`].
    Table,
}

/// What an instance exports, in the order of names, and of what kind that is.
pub type Exports = Vec<(String, &'static str)>;

/// A runtime with an instance.
pub trait Runtime: Sized {
    /// Instantiates a module with the functions of [`super::imports`].
    fn new(bytes: &[u8]) -> Result<Self, Failure>;

    /// Instantiates a module with the same functions, and the exports of the first as [`table::OTHER`].
    fn add_table(&mut self, bytes: &[u8]) -> Result<(), Failure>;

    /// Calls an exported function of the module, or of that with a table. References are null.
    fn call(&mut self, from: From, name: &str, args: &[(ValType, u64)]) -> Outcome;

    /// What the module exports.
    fn exports(&self) -> Exports;

    /// The value of an exported global.
    fn global(&self, name: &str) -> Option<(ValType, u64)>;
}

/// This project's.
pub struct Ours {
    store: multi_out_wasm::Store,
    linker: multi_out_wasm::Linker,
    instance: multi_out_wasm::Instance,
    table: Option<multi_out_wasm::Instance>,
}

impl Ours {
    /// Exported functions with their types.
    pub fn functions(&self) -> Vec<(String, FuncType)> {
        let exports = self.instance.exports();
        let functions = exports.filter_map(|(name, item)| match item {
            Extern::Func(func) => Some((name.to_owned(), func.ty().clone())),
            _ => None,
        });
        functions.collect()
    }

    /// Names of exported globals.
    pub fn globals(&self) -> Vec<String> {
        let exports = self.instance.exports();
        let globals = exports.filter_map(|(name, item)| match item {
            Extern::Global(_) => Some(name.to_owned()),
            _ => None,
        });
        globals.collect()
    }

    /// Exported memories.
    pub fn memories(&self) -> Vec<(String, multi_out_wasm::Memory)> {
        let exports = self.instance.exports();
        let memories = exports.filter_map(|(name, item)| match item {
            Extern::Memory(memory) => Some((name.to_owned(), memory)),
            _ => None,
        });
        memories.collect()
    }
}

impl std::convert::From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Trap(Trap::StackExhausted) => Self::Limit("the stack".to_owned()),
            // For the interpreter both are beyond the end of a table.
            Error::Trap(Trap::UndefinedElement) => Self::Trap(Trap::TableOutOfBounds),
            Error::Trap(trap) => Self::Trap(trap),
            Error::Host(why) if why.to_string() == imports::FAILURE => Self::Host,
            Error::Start(error) => Self::from(*error),
            Error::Compile { ref message, .. } if is_limit(message) => {
                Self::Limit(error.to_string())
            }
            other => panic!("{other}"),
        }
    }
}

/// Does the code generator say that a function is too large?
fn is_limit(message: &str) -> bool {
    let limits = [CodegenError::ImplLimitExceeded, CodegenError::CodeTooLarge];
    let of_cranelift = |limit: &CodegenError| message.ends_with(&limit.to_string());
    limits.iter().any(of_cranelift) || message.starts_with("its frame is larger than ")
}

impl Runtime for Ours {
    fn new(bytes: &[u8]) -> Result<Self, Failure> {
        let module = multi_out_wasm::Module::new(bytes)?;
        let mut store = multi_out_wasm::Store::new()?;
        let mut linker = multi_out_wasm::Linker::new();
        imports::link(&mut store, &mut linker);
        let instance = multi_out_wasm::Instance::new(&mut store, &module, &linker)?;
        Ok(Self {
            store,
            linker,
            instance,
            table: None,
        })
    }

    fn add_table(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let module = multi_out_wasm::Module::new(bytes)?;
        self.linker.instance(table::OTHER, &self.instance);
        let table = multi_out_wasm::Instance::new(&mut self.store, &module, &self.linker)?;
        self.table = Some(table);
        Ok(())
    }

    fn call(&mut self, from: From, name: &str, args: &[(ValType, u64)]) -> Outcome {
        use multi_out_wasm::Value;
        let args: Vec<_> = args
            .iter()
            .map(|&(ty, bits)| match ty {
                ValType::I32 => Value::I32(bits as i32),
                ValType::I64 => Value::I64(bits as i64),
                ValType::F32 => Value::F32(f32::from_bits(bits as u32)),
                ValType::F64 => Value::F64(f64::from_bits(bits)),
                ValType::FuncRef => Value::FuncRef(None),
                ValType::ExternRef => Value::ExternRef(0),
            })
            .collect();
        let instance = match from {
            From::Module => &self.instance,
            From::Table => self.table.as_ref().expect("it was added"),
        };
        let func = instance.func(name)?;
        let results = func.call(&mut self.store, &args)?;
        Ok(results.iter().map(ours).collect())
    }

    fn exports(&self) -> Exports {
        let exports = self.instance.exports().map(|(name, item)| {
            let kind = match item {
                Extern::Func(_) => "function",
                Extern::Memory(_) => "memory",
                Extern::Table(_) => "table",
                Extern::Global(_) => "global",
                _ => "of another kind",
            };
            (name.to_owned(), kind)
        });
        sorted(exports)
    }

    fn global(&self, name: &str) -> Option<(ValType, u64)> {
        let global = self.instance.global(name).ok()?;
        Some(ours(&global.get(&self.store).ok()?))
    }
}

fn sorted(exports: impl Iterator<Item = (String, &'static str)>) -> Exports {
    let mut exports: Exports = exports.collect();
    exports.sort_unstable();
    exports
}

fn ours(value: &multi_out_wasm::Value) -> (ValType, u64) {
    use multi_out_wasm::Value;
    let bits = match *value {
        Value::I32(value) => value as u32 as u64,
        Value::I64(value) => value as u64,
        Value::F32(value) => value.to_bits().into(),
        Value::F64(value) => value.to_bits(),
        Value::ExternRef(value) => (value != 0).into(),
        Value::FuncRef(ref func) => func.is_some().into(),
    };
    (value.ty(), bits)
}

/// The judge.
pub struct Wasmi {
    store: wasmi::Store<()>,
    linker: wasmi::Linker<()>,
    instance: wasmi::Instance,
    table: Option<wasmi::Instance>,
}

impl Wasmi {
    /// The bytes of an exported memory.
    pub fn memory(&self, name: &str) -> Option<&[u8]> {
        let memory = self.instance.get_memory(&self.store, name)?;
        Some(memory.data(&self.store))
    }
}

#[derive(Debug)]
struct HostFailure;

impl std::fmt::Display for HostFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(imports::FAILURE)
    }
}

impl wasmi::errors::HostError for HostFailure {}

impl std::convert::From<wasmi::Error> for Failure {
    fn from(error: wasmi::Error) -> Self {
        use wasmi::TrapCode;
        use wasmi::errors::{ErrorKind, InstantiationError, MemoryError, TableError};
        if error.downcast_ref::<HostFailure>().is_some() {
            return Self::Host;
        }
        Self::Trap(match error.kind() {
            ErrorKind::TrapCode(code) => match code {
                TrapCode::UnreachableCodeReached => Trap::Unreachable,
                TrapCode::MemoryOutOfBounds => Trap::MemoryOutOfBounds,
                TrapCode::TableOutOfBounds => Trap::TableOutOfBounds,
                TrapCode::IndirectCallToNull => Trap::UninitializedElement,
                TrapCode::IntegerDivisionByZero => Trap::DivideByZero,
                TrapCode::IntegerOverflow => Trap::IntegerOverflow,
                TrapCode::BadConversionToInteger => Trap::InvalidConversion,
                TrapCode::BadSignature => Trap::IndirectCallType,
                TrapCode::StackOverflow | TrapCode::OutOfSystemMemory => {
                    return Self::Limit(error.to_string());
                }
                _ => panic!("{error}"),
            },
            // Segments that are beyond the end.
            ErrorKind::Memory(MemoryError::OutOfBoundsAccess) => Trap::MemoryOutOfBounds,
            ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. })
            | ErrorKind::Table(TableError::InitOutOfBounds) => Trap::TableOutOfBounds,
            _ => panic!("{error}"),
        })
    }
}

/// Has the judge do something that compiles a module's functions. A panic in a file of its own is the end of what it
/// can judge, and says nothing of us.
fn judge<T>(action: impl FnOnce() -> Result<T, wasmi::Error>) -> Result<T, Failure> {
    match panics::contain(action) {
        Ok(result) => Ok(result?),
        Err(panic) if is_of_wasmi(&panic) => Err(Failure::Limit(panic.to_string())),
        Err(panic) => panic!("{panic}"),
    }
}

fn is_of_wasmi(panic: &panics::CaughtPanic) -> bool {
    let location = panic.location.as_deref();
    location.is_some_and(|file| file.starts_with("wasmi"))
}

impl Runtime for Wasmi {
    fn new(bytes: &[u8]) -> Result<Self, Failure> {
        let engine = wasmi::Engine::default();
        let module = wasmi::Module::new(&engine, bytes)?;
        let mut store = wasmi::Store::new(&engine, ());
        let mut linker = wasmi::Linker::new(&engine);
        for (index, import) in imports().into_iter().enumerate() {
            let types =
                |types: &[ValType]| types.iter().map(|&ty| wasmi_type(ty)).collect::<Vec<_>>();
            let ty = wasmi::FuncType::new(types(&import.ty.params), types(&import.ty.results));
            let results = import.ty.results;
            let function =
                move |_: wasmi::Caller<'_, ()>, args: &[wasmi::Val], out: &mut [wasmi::Val]| {
                    let args: Vec<_> = args.iter().map(|arg| theirs(arg).1).collect();
                    let answer = Answer::new(index, &args);
                    let mut answer = answer.ok_or_else(|| wasmi::Error::host(HostFailure))?;
                    for (&ty, result) in results.iter().zip(out) {
                        *result = wasmi_value(ty, answer.bits());
                    }
                    Ok(())
                };
            let defined = linker.func_new(MODULE, &index.to_string(), ty, function);
            defined.expect("a new name");
        }
        let instance = judge(|| linker.instantiate_and_start(&mut store, &module))?;
        Ok(Self {
            store,
            linker,
            instance,
            table: None,
        })
    }

    fn add_table(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let module = wasmi::Module::new(self.store.engine(), bytes)?;
        (self.linker).instance(&mut self.store, table::OTHER, self.instance)?;
        let table = judge(|| (self.linker).instantiate_and_start(&mut self.store, &module))?;
        self.table = Some(table);
        Ok(())
    }

    fn call(&mut self, from: From, name: &str, args: &[(ValType, u64)]) -> Outcome {
        let instance = match from {
            From::Module => self.instance,
            From::Table => self.table.expect("it was added"),
        };
        let func = instance.get_func(&self.store, name);
        let func = func.expect("an export of the other runtime's");
        let args: Vec<_> = args
            .iter()
            .map(|&(ty, bits)| wasmi_value(ty, bits))
            .collect();
        let types = func.ty(&self.store);
        let results = types.results().iter();
        let mut results: Vec<_> = results.map(|&ty| wasmi::Val::default_for_ty(ty)).collect();
        judge(|| func.call(&mut self.store, &args, &mut results))?;
        Ok(results.iter().map(theirs).collect())
    }

    fn exports(&self) -> Exports {
        let exports = self.instance.exports(&self.store).map(|export| {
            let kind = match export.ty(&self.store) {
                wasmi::ExternType::Func(_) => "function",
                wasmi::ExternType::Memory(_) => "memory",
                wasmi::ExternType::Table(_) => "table",
                wasmi::ExternType::Global(_) => "global",
            };
            (export.name().to_owned(), kind)
        });
        sorted(exports)
    }

    fn global(&self, name: &str) -> Option<(ValType, u64)> {
        let global = self.instance.get_global(&self.store, name)?;
        Some(theirs(&global.get(&self.store)))
    }
}

fn wasmi_type(ty: ValType) -> wasmi::ValType {
    match ty {
        ValType::I32 => wasmi::ValType::I32,
        ValType::I64 => wasmi::ValType::I64,
        ValType::F32 => wasmi::ValType::F32,
        ValType::F64 => wasmi::ValType::F64,
        ValType::FuncRef => wasmi::ValType::FuncRef,
        ValType::ExternRef => wasmi::ValType::ExternRef,
    }
}

fn wasmi_value(ty: ValType, bits: u64) -> wasmi::Val {
    match ty {
        ValType::I32 => wasmi::Val::I32(bits as i32),
        ValType::I64 => wasmi::Val::I64(bits as i64),
        ValType::F32 => wasmi::Val::F32(wasmi::F32::from_bits(bits as u32)),
        ValType::F64 => wasmi::Val::F64(wasmi::F64::from_bits(bits)),
        reference => wasmi::Val::default_for_ty(wasmi_type(reference)),
    }
}

fn theirs(value: &wasmi::Val) -> (ValType, u64) {
    match value {
        wasmi::Val::I32(value) => (ValType::I32, *value as u32 as u64),
        wasmi::Val::I64(value) => (ValType::I64, *value as u64),
        wasmi::Val::F32(value) => (ValType::F32, value.to_bits().into()),
        wasmi::Val::F64(value) => (ValType::F64, value.to_bits()),
        wasmi::Val::FuncRef(func) => (ValType::FuncRef, (!func.is_null()).into()),
        wasmi::Val::ExternRef(value) => (ValType::ExternRef, (!value.is_null()).into()),
        wasmi::Val::V128(_) => unreachable!("no vectors"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With debug assertions wasmi 2.0.0 panics where an `else` begins with a parameter in a register that the `then` gave
    /// to a local.
    #[test]
    #[cfg(debug_assertions)]
    fn a_panic_of_the_judge_is_a_limit() {
        let text = r#"(module (func (export "f") (param i32) (result i32)
            (i32.add (local.get 0) (i32.const 1))
            (if (param i32) (result i32) (local.get 0)
              (then (local.tee 0) (unreachable))
              (else))))"#;
        let text = wast::parser::ParseBuffer::new(text).expect("tokens");
        let module = wast::parser::parse::<wast::Wat>(&text).and_then(|mut text| text.encode());
        let mut wasmi = Wasmi::new(&module.expect("a module")).expect("an instance");
        let outcome = wasmi.call(From::Module, "f", &[(ValType::I32, 0)]);
        assert!(
            matches!(&outcome, Err(Failure::Limit(why)) if why.contains("(at wasmi")),
            "{outcome:?}"
        );
    }

    #[test]
    fn functions_that_are_too_large_are_a_limit_and_other_errors_are_not() {
        let failure = |message: &str| {
            let message = message.to_owned();
            panics::contain(|| {
                Failure::from(Error::Compile {
                    function: 7,
                    message,
                })
            })
        };
        for limit in [
            "Compilation error: Implementation limit exceeded",
            "Compilation error: Code for function is too large",
            "its frame is larger than 65536 bytes",
        ] {
            assert!(matches!(failure(limit), Ok(Failure::Limit(_))), "{limit}");
        }
        for finding in [
            "verifier errors:\nx",
            "Compilation error: Unsupported feature: x",
        ] {
            assert!(failure(finding).is_err(), "{finding}");
        }
    }

    #[test]
    #[should_panic(expected = "panicked: x (at fuzz/src/wasm/runtimes.rs")]
    fn a_panic_of_ours_is_a_finding() {
        let _ = judge::<()>(|| panic!("x"));
    }
}
