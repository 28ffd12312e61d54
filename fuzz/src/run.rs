//! Programs compiled for this machine by the harness of the filetests, and compared with what the interpreter says.

use crate::child::{self, End};
use crate::filetest::print;
use crate::generator::host::host_target;
use crate::generator::settings::{Settings, isa};
use crate::generator::signature::arguments;
use crate::generator::{Case, Form, Machine, Program};
use crate::interpreter::{Outcome, interpret};
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::data_value::{DataValue, DisplayDataValues};
use cranelift_codegen::ir::{Function, Signature};
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_codegen::verifier::verify_function;
use cranelift_codegen::{CodegenError, Context};
use cranelift_reader::{Details, Location, SourceMap};
use filetests::execute::CompiledFile;
use filetests::host;

/// Does the error say that the compiler does not have something? Others say that something is wrong.
pub fn is_refusal(error: &CodegenError) -> bool {
    matches!(
        error,
        CodegenError::Unsupported(_) | CodegenError::ImplLimitExceeded
    )
}

/// The host, with these settings.
pub fn host_isa(settings: &Settings) -> OwnedTargetIsa {
    let isa = isa(&host_target(settings), settings);
    host::executable_isa(&*isa).expect("the architecture and features of this host")
}

/// A program, compiled for this machine.
pub struct Compiled {
    code: CompiledFile,
    signature: Signature,
}

impl Compiled {
    /// Compiles the program of a case. The error says what the compiler does not have; all else that is wrong is
    /// a finding.
    pub fn new(case: &Case, program: &Program) -> Result<Self, String> {
        let isa = host_isa(&program.settings);
        let details = Details {
            location: Location::default(),
            comments: Vec::new(),
            map: SourceMap::default(),
        };
        let pair = |function| (function, &details);
        let functions: Vec<(&Function, &Details<'_>)> =
            program.functions.iter().map(pair).collect();
        let mut control = case.control(&program.settings);
        let called = &program.functions[0].name;
        let code = CompiledFile::compile(
            isa.clone(),
            &functions,
            |function, _| function.name == *called,
            &mut control,
        );
        let code = code.map_err(|failure| match program.refusal(&*isa, &failure.message) {
            Some(refusal) => refusal,
            None => fail(case, program.form, &failure.message),
        })?;
        let signature = program.functions[0].signature.clone();
        Ok(Compiled { code, signature })
    }

    /// Calls the program's first function, which must return.
    pub fn call(&self) -> Vec<DataValue> {
        let args = arguments(&self.signature);
        self.call_with_args(&args)
    }

    /// As [`Compiled::call`], with a pointer to memory first.
    pub fn call_with(&self, out: *mut u8, rest: &[DataValue]) -> Vec<DataValue> {
        let mut args = vec![DataValue::I64(out as i64)];
        args.extend_from_slice(rest);
        self.call_with_args(&args)
    }

    fn call_with_args(&self, args: &[DataValue]) -> Vec<DataValue> {
        match self.code.call(0, args) {
            Ok(values) => values,
            Err(error) => {
                if error.starts_with("it trapped") {
                    // Pulley's traps end a process as those of other code do.
                    // SAFETY: the signal is for this process.
                    unsafe { libc::raise(libc::SIGILL) };
                }
                panic!("the harness cannot call %f0: {error}")
            }
        }
    }
}

/// Does something in a process of its own, which has to end by a trap. The error says how it ends
/// instead.
fn trap<T>(action: impl FnOnce() -> T) -> Result<(), String> {
    let act = || {
        action();
    };
    match child::run(20, act) {
        End::Signal(libc::SIGILL) => Ok(()),
        End::Signal(signal) => Err(format!("it ends by signal {signal}")),
        End::Returned => Err("it returns".into()),
        End::Panicked(_) | End::Unknown => Err("it is in no process".into()),
    }
}

impl Program {
    /// What the compiler does not have for the function whose name a failure begins with, if that is why there is no code.
    fn refusal(&self, isa: &dyn TargetIsa, failure: &str) -> Option<String> {
        let name = failure.split([' ', ':']).next()?;
        let mut functions = self.functions.iter();
        let function = functions.find(|function| function.name.to_string() == name)?;
        let mut context = Context::for_function(function.clone());
        let error = context.compile(isa, &mut ControlPlane::default()).err()?;
        is_refusal(&error.inner).then(|| format!("{name}: {}", error.inner))
    }
}

/// Panics with the filetest, and with what the verifier has to say, as few programs are verified before. It is
/// printed before the panic, as that interprets the program.
#[track_caller]
pub fn fail(case: &Case, form: Form, what: &str) -> ! {
    let Some(machine) = case.machine() else {
        panic!("{what}\n{case:?}");
    };
    let program = case.program(machine, form);
    let invalid = invalid(&program.functions, &*host_isa(&program.settings));
    let text = print(case, machine, form);
    panic!("{what}\n{invalid}{text}");
}

/// What the verifier has against functions, each on lines of its own.
pub fn invalid(functions: &[Function], isa: &dyn TargetIsa) -> String {
    let invalid = functions.iter().filter_map(|function| {
        let errors = verify_function(function, isa).err()?;
        Some(format!("{}: {errors}\n", function.name))
    });
    invalid.collect()
}

/// Whether two outcomes are the same bit for bit.
pub fn is_same(got: &[DataValue], want: &[DataValue]) -> bool {
    got.len() == want.len() && got.iter().zip(want).all(|(a, b)| a.bitwise_eq(b))
}

/// Fails with the filetest of a form if two outcomes differ in any bit.
#[track_caller]
pub fn assert_same(
    case: &Case,
    form: Form,
    what: [&str; 2],
    got: &[DataValue],
    want: &[DataValue],
) {
    if !is_same(got, want) {
        let place = got.iter().zip(want).position(|(a, b)| !a.bitwise_eq(b));
        let text = format!(
            "result {place:?} differs\n{}: {}\n{}: {}",
            what[0],
            DisplayDataValues(got),
            what[1],
            DisplayDataValues(want)
        );
        fail(case, form, &text);
    }
}

/// Whose fault it is that a program is wrong: it is tried with `tail` functions in place of ours.
pub fn blame(case: &Case) -> Option<&'static str> {
    let machine = case.machine()?;
    blame_by(|| {
        let compiled = Compiled::new(case, &case.program(machine, Form::Tail))?;
        match judge(case, machine) {
            Outcome::Trapped => assert_eq!(trap(|| compiled.call()), Ok(())),
            Outcome::Returned(want) => assert!(is_same(&compiled.call(), &want)),
        }
        Ok(())
    })
}

/// The same, by what judges a program with `tail` functions. Its error is a refusal, which says nothing of that.
pub fn blame_by(judge_tail: impl Fn() -> Result<(), String>) -> Option<&'static str> {
    let is_refused = || assert!(judge_tail().is_err());
    let is_right = || assert!(judge_tail().is_ok());
    if child::run(20, is_refused) == End::Returned {
        return None;
    }
    Some(match child::run(20, is_right) {
        End::Returned => "with `tail` functions it is right: the fault is this fork's",
        _ => {
            "it is also wrong with `tail` functions: the fault is upstream's, the interpreter's or the generator's"
        }
    })
}

/// Calls a form of a program that traps when interpreted. Fails with its filetest if it does not.
#[track_caller]
pub fn assert_traps<T>(case: &Case, form: Form, call: impl FnOnce() -> T) {
    if let Err(error) = trap(call) {
        let what = format!("interpreted, it traps, but compiled, {error}");
        fail(case, form, &what);
    }
}

/// What a case's program comes to in the interpreter, which must not fail.
pub fn judge(case: &Case, machine: Machine) -> Outcome {
    match interpret(&case.program(machine, Form::Interpreted)) {
        Ok(outcome) => outcome,
        Err(error) => fail(case, Form::MultiOut, &format!("the interpreter: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cranelift_reader::parse_functions;
    use filetests::panics::contain;

    /// One function without parameters, and one statement.
    fn compiled(statement: [u8; 8]) -> (Outcome, Compiled) {
        let case = Case::new(&[&[0; 33][..], &statement].concat());
        let machine = Machine::host().expect("a host with a backend");
        let program = case.program(machine, Form::MultiOut);
        let compiled = Compiled::new(&case, &program).expect("a small program");
        (judge(&case, machine), compiled)
    }

    #[test]
    fn a_trap_is_told_from_a_return() {
        let (outcome, traps) = compiled([31, 0, 1, 0x7f, 0, 0, 0, 0]);
        assert_eq!(outcome, Outcome::Trapped);
        assert_eq!(trap(|| traps.call()), Ok(()));

        let (outcome, returns) = compiled([31, 0, 1, 0x7e, 0, 0, 0, 0]);
        assert_eq!(outcome, Outcome::Returned(returns.call()));
        assert_eq!(trap(|| returns.call()), Err("it returns".into()));
    }

    #[test]
    fn what_is_refused_is_no_excuse_for_another_function() {
        let text = "function %f0() -> i8 {\nblock0:\n    v0 = iconst.i8 0\n    return v0\n}\n\
                    function %f1(f128, f128) -> f128 {\nblock0(v0: f128, v1: f128):\n    v2 = fadd v0, v1\n    return v2\n}\n";
        let machine = Machine::host().expect("a host with a backend");
        let mut program = Case::new(&[]).program(machine, Form::MultiOut);
        program.functions = parse_functions(text).expect("CLIF");
        let isa = host_isa(&program.settings);
        let refusal = |failure| program.refusal(&*isa, failure);
        assert!(refusal("%f1 does not compile: x").is_some_and(|why| why.starts_with("%f1: ")));
        assert_eq!(refusal("%f0 does not compile: x"), None);
        assert_eq!(refusal("%f does not compile: x"), None);
    }

    #[test]
    fn who_is_to_blame_is_told_unless_tail_functions_are_refused() {
        let right = blame_by(|| Ok(())).expect("somebody");
        assert!(right.contains("this fork's"), "{right}");
        let wrong = blame_by(|| panic!("wrong")).expect("somebody");
        assert!(wrong.contains("upstream's"), "{wrong}");
        assert_eq!(blame_by(|| Err("refused".to_owned())), None);
    }

    #[test]
    fn what_the_verifier_says_is_told() {
        let isa = isa("x86_64", &Settings::new(&[]));
        let told = |result| {
            let text = format!(
                "function %f() -> i64 {{\nblock0:\n    v0 = iconst.i64 0\n    return{result}\n}}\n"
            );
            invalid(&parse_functions(&text).expect("CLIF"), &*isa)
        };
        assert_eq!(told(" v0"), "");
        assert!(told("").starts_with("%f: "), "{}", told(""));
    }

    #[test]
    fn a_difference_is_shown_with_the_filetest() {
        let case = Case::new(&[0; 64]);
        let values = |number| {
            [
                DataValue::I8(1),
                DataValue::F32(f32::from_bits(number).into()),
            ]
        };
        let nan = f32::NAN.to_bits();
        let judge = |a, b| {
            let form = Form::MultiOut;
            contain(|| assert_same(&case, form, ["a", "b"], &values(a), &values(b)))
        };
        assert_eq!(judge(nan, nan), Ok(()));
        let panic = judge(nan, nan ^ 1).expect_err("another NaN");
        assert!(panic.message.starts_with("result Some(1) differs\n"));
        assert!(panic.message.contains("\ntest run\n"), "{panic}");
    }
}
