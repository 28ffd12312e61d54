//! Several results, in every order of types: as imports and as exports, by `call` and by `call_indirect`.
//!
//! Results differ in every byte, and no parameter is like a result, so one that is swapped, shifted or cut off is another.

use anyhow::{Context as _, Result, ensure};
use multi_out::{Out, Results, Vmctx};
use multi_out_wasm::{Context, Error, Instance, Linker, Module, Store, Trap, Value, fail};
use std::fmt::Write as _;

/// A number that Rust and WebAssembly have.
trait Number: Copy {
    const WAT: &'static str;
    fn of(bits: u64) -> Self;
    fn value(self) -> Value;
}

macro_rules! numbers {
    ($($ty:ident $variant:ident |$bits:ident| $of:expr;)*) => {$(
        impl Number for $ty {
            const WAT: &'static str = stringify!($ty);

            fn of($bits: u64) -> Self {
                $of
            }

            fn value(self) -> Value {
                Value::$variant(self)
            }
        }
    )*};
}

numbers! {
    i32 I32 |bits| bits as i32;
    i64 I64 |bits| bits as i64;
    f32 F32 |bits| f32::from_bits(bits as u32);
    f64 F64 |bits| f64::from_bits(bits);
}

/// Makes values whose bytes differ from all others of a signature's parameters or of its results, and which are no NaN. It has the
/// first byte of the next.
struct Places(u8);

impl Places {
    const RESULTS: Self = Self(1);
    /// Behind 26 results. The last few begin again, with two bytes between them and any result.
    const PARAMS: Self = Self(211);

    fn next<T: Number>(&mut self) -> T {
        let first = self.0;
        self.0 = first.wrapping_add(8);
        T::of(u64::from_le_bytes(std::array::from_fn(|byte| {
            first.wrapping_add(byte as u8)
        })))
    }
}

/// A type in the text format, and a value of it.
type Typed = (&'static str, Value);

impl Places {
    fn value<T: Number>(&mut self) -> Typed {
        (T::WAT, self.next::<T>().value())
    }

    fn values(mut self, each: &[fn(&mut Self) -> Typed]) -> Vec<Typed> {
        each.iter().map(|value| value(&mut self)).collect()
    }
}

/// What the host function knows.
#[derive(Default)]
struct Host {
    calls: u32,
    fails: bool,
}

impl Host {
    /// Fails if it shall, or if the values are not those of [`Places::PARAMS`].
    fn called(&mut self, given: &[Value]) {
        self.calls += 1;
        if self.fails {
            fail("refused");
        }
        let mut places = Places::PARAMS;
        for value in given {
            let wanted: u64 = places.next::<i64>() as u64;
            let wanted = match value {
                Value::I32(_) | Value::F32(_) => u64::from(wanted as u32),
                _ => wanted,
            };
            if bits(value) != wanted {
                fail(format!("{value:?} is another parameter"));
            }
        }
    }
}

/// A signature, with the values that are given and expected.
struct Types {
    params: Vec<Typed>,
    results: Vec<Typed>,
}

impl Types {
    fn constants(values: &[Typed]) -> String {
        let mut text = String::new();
        for (ty, value) in values {
            let int = ty.replace('f', "i");
            let bits = bits(value);
            let _ = write!(text, "({int}.const {bits})");
            if int != *ty {
                let _ = write!(text, "({ty}.reinterpret_{int})");
            }
        }
        text
    }

    /// Compares the values on the stack, the last first, as integers.
    fn compare(values: &[Typed]) -> String {
        let mut text = String::new();
        for (ty, value) in values.iter().rev() {
            let int = ty.replace('f', "i");
            if int != *ty {
                let _ = write!(text, "({int}.reinterpret_{ty})");
            }
            let bits = bits(value);
            let _ = write!(
                text,
                "({int}.const {bits})({int}.eq)(i32.add (local.get $right))(local.set $right)"
            );
        }
        text
    }

    /// A function of the module's own and an import, both of the signature, and callers of both.
    fn module(&self) -> Result<Module> {
        let list = |values: &[Typed]| {
            let types: Vec<_> = values.iter().map(|(ty, _)| *ty).collect();
            types.join(" ")
        };
        let (params, results) = (list(&self.params), list(&self.results));
        let args: String = (0..self.params.len())
            .map(|i| format!("(local.get {i})"))
            .collect();
        let (given, made) = (
            Self::constants(&self.params),
            Self::constants(&self.results),
        );
        let (take, compare) = (Self::compare(&self.params), Self::compare(&self.results));
        let count = self.params.len();
        let mut text = format!(
            r#"(module
                 (type $t (func (param {params}) (result {results})))
                 (import "host" "f" (func $import (type $t)))
                 (table funcref (elem $import $own))
                 (func $own (type $t) (local $right i32)
                   {args} {take}
                   (if (i32.ne (local.get $right) (i32.const {count})) (then (unreachable)))
                   {made})
                 (export "import" (func $import))
                 (export "own" (func $own))"#
        );
        for (index, name) in ["import", "own"].into_iter().enumerate() {
            let indirect = format!("(call_indirect (type $t) (i32.const {index}))");
            for (how, call) in [("call", format!("(call ${name})")), ("indirect", indirect)] {
                let _ = write!(
                    text,
                    r#"(func (export "{how} {name}") (type $t) {args} {call})
                       (func (export "count {how} {name}") (result i32) (local $right i32)
                         {given} {call} {compare} (local.get $right))"#
                );
            }
        }
        text.push(')');
        let buffer = wast::parser::ParseBuffer::new(&text)?;
        let bytes = wast::parser::parse::<wast::Wat<'_>>(&buffer)?.encode()?;
        Ok(Module::new(&bytes)?)
    }
}

fn bits(value: &Value) -> u64 {
    match *value {
        Value::I32(value) => value as u32 as u64,
        Value::I64(value) => value as u64,
        Value::F32(value) => value.to_bits().into(),
        Value::F64(value) => value.to_bits(),
        _ => unreachable!("a number"),
    }
}

/// The functions of the signature that the module exports: two of them are called directly, four call these.
const EXPORTS: [&str; 6] = [
    "import",
    "own",
    "call import",
    "indirect import",
    "call own",
    "indirect own",
];

/// What does not need the types in Rust: results taken apart by WebAssembly, and errors.
fn check(
    types: &Types,
    store: &mut Store,
    instance: &Instance,
    host: &Context<Host>,
) -> Result<()> {
    let args: Vec<_> = types
        .params
        .iter()
        .map(|(_, value)| value.clone())
        .collect();
    let wanted: Vec<_> = types.results.iter().map(|(_, value)| bits(value)).collect();
    let call = |store: &mut Store, name: &str, args: &[Value]| -> Result<Vec<Value>, Error> {
        instance.func(name)?.call(store, args)
    };
    for name in EXPORTS {
        let found = call(store, name, &args)?;
        ensure!(
            found.iter().map(bits).eq(wanted.iter().copied()),
            "{name}: {found:?}"
        );
    }
    for name in &EXPORTS[2..] {
        let right = call(store, &format!("count {name}"), &[])?;
        ensure!(
            matches!(*right, [Value::I32(count)] if count as usize == wanted.len()),
            "{name}: {right:?}"
        );
    }
    for name in [
        "import",
        "call import",
        "indirect import",
        "count call import",
    ] {
        let args = if name.starts_with("count") {
            &[][..]
        } else {
            &args
        };
        let calls = store.get(host)?.calls;
        store.get_mut(host)?.fails = true;
        let error = call(store, name, args).err();
        ensure!(
            matches!(&error, Some(Error::Host(why)) if why.to_string() == "refused"),
            "{name}: {error:?}"
        );
        store.get_mut(host)?.fails = false;
        call(store, name, args)?;
        ensure!(store.get(host)?.calls == calls + 2, "{name}");
    }
    if let [first, rest @ ..] = &*args {
        let wrong = match first {
            Value::I32(value) => Value::I32(value ^ 1 << 31),
            _ => unreachable!("the first parameter is an i32"),
        };
        let args: Vec<_> = [wrong].iter().chain(rest).cloned().collect();
        let error = call(store, "call import", &args).err();
        ensure!(matches!(error, Some(Error::Host(_))), "{error:?}");
        let error = call(store, "indirect own", &args).err();
        ensure!(
            matches!(error, Some(Error::Trap(Trap::Unreachable))),
            "{error:?}"
        );
    }
    Ok(())
}

macro_rules! signature {
    ($($result:ident)*) => {
        signature!(@ [$($result)*] []);
        // More integers and floats than there are registers for.
        signature!(@ [$($result)*] [a i32 b f64 c i64 d i32 e f32 f i64 g i32 h i64 i i32 j i64]);
    };
    (@ [$($result:ident)*] [$($param:ident $ty:ident)*]) => {{
        #[derive(Results, Debug, PartialEq)]
        #[repr(C)]
        struct R($($result),*);

        fn results() -> R {
            let mut places = Places::RESULTS;
            R($(places.next::<$result>()),*)
        }

        #[allow(clippy::too_many_arguments, reason = "as many as the signature has")]
        extern "C-unwind" fn host(out: Out<'_, R>, host: &mut Host, $($param: $ty),*) {
            let given: &[Value] = &[$($param.value()),*];
            host.called(given);
            out.write(results());
        }

        let types = Types {
            params: Places::PARAMS.values(&[$(Places::value::<$ty>),*]),
            results: Places::RESULTS.values(&[$(Places::value::<$result>),*]),
        };
        let mut store = Store::new()?;
        let context = store.context(Host::default());
        let mut linker = Linker::new();
        let name = ["host", "f"];
        linker.safe_unwind_function::<fn(Vmctx<Host>, $($ty),*) -> R, _>(name, host, &context);
        let instance = Instance::new(&mut store, &types.module()?, &linker)?;
        for name in EXPORTS {
            let typed = instance.typed::<fn($($ty),*) -> R>(&store, name)?;
            let mut _params = Places::PARAMS;
            let found = typed.call(&mut store, $(_params.next::<$ty>()),*)?;
            ensure!(found == results(), "{name}: {found:?}");
        }
        check(&types, &mut store, &instance, &context)
            .with_context(|| format!("{:?}", instance.func("own")))?;
    }};
}

/// Calls a macro with the types that it is given, and one more of each type.
macro_rules! append {
    ($then:ident $($before:ident)*) => {
        $then!($($before)* i32);
        $then!($($before)* i64);
        $then!($($before)* f32);
        $then!($($before)* f64);
    };
}

macro_rules! and_one {
    ($($before:ident)*) => { append!(signature $($before)*) };
}

macro_rules! and_two {
    ($($before:ident)*) => { append!(and_one $($before)*) };
}

#[test]
fn pairs() -> Result<()> {
    append!(and_one);
    Ok(())
}

#[test]
fn triples_from_i32() -> Result<()> {
    and_two!(i32);
    Ok(())
}

#[test]
fn triples_from_i64() -> Result<()> {
    and_two!(i64);
    Ok(())
}

#[test]
fn triples_from_f32() -> Result<()> {
    and_two!(f32);
    Ok(())
}

#[test]
fn triples_from_f64() -> Result<()> {
    and_two!(f64);
    Ok(())
}

#[test]
fn up_to_26() -> Result<()> {
    signature!(f32 i64 i32 f64);
    signature!(i32 i32 i32 f32 i64);
    signature!(f64 i32 f64 i32 f64 i32 f64 i32);
    signature!(i32 f32 i32 f32 i64 i32 f64 f32 i32 i64 f64);
    signature!(f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f64);
    signature!(i64 i32 f32 f64 i64 i32 f32 f64 i64 i32 f32 f64 i64 i32 f32 f64 i64);
    signature!(
        i32 i64 f32 f64 i32 f64 f32 i64 f32 i32 f64 i64 i64
        f64 i32 f32 f64 f64 i32 i32 i64 f32 f32 i64 i32 f64
    );
    Ok(())
}
