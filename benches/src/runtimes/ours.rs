//! This project's runtime.

use super::case::{Way, each_count, executable_bytes, fold, hundred_imports, int, module, results};
use crate::measure::CallLoop;
use anyhow::{Result, bail};
use multi_out::{AbiValue, FromCode, Out, Results, Return, Vmctx};
use multi_out_wasm::{Context, Instance, Linker, Module, Store};

macro_rules! make {
    ([$way:ident $instance:ident $count:ident] $($n:literal: $($x:ident)*;)*) => {
        match $count {
            $($n => {
                #[derive(Results)]
                #[repr(C)]
                struct R($(int!($x)),*);

                extern "C" fn host(out: Out<'_, R>, _: &mut (), argument: i64) {
                    let [$($x),*] = results(argument);
                    out.write(R($($x),*));
                }

                let mut store = Store::new()?;
                let none = store.context(());
                let mut linker = Linker::new();
                linker.safe_function::<fn(Vmctx<()>, i64) -> R, _>(["", ""], host, &none);
                let instance = Instance::new(&mut store, &$instance, &linker)?;
                match $way {
                    Way::Import => {
                        let run = instance.typed::<fn(i64, i64) -> i64>(&store, "loop")?;
                        CallLoop::new(move |iterations, seed| {
                            let sum = run.call(&mut store, iterations as i64, seed as i64);
                            sum.map_or(0, |sum| sum as u64)
                        })
                    }
                    Way::Export => {
                        let f = instance.typed::<fn(i64) -> R>(&store, "f")?;
                        CallLoop::new(move |iterations, seed| {
                            let mut state = seed as i64;
                            for _ in 0..iterations {
                                let Ok(R($($x),*)) = f.call(&mut store, state) else {
                                    return 0;
                                };
                                state = fold([$($x),*]);
                            }
                            state as u64
                        })
                    }
                }
            })*
            _ => bail!("no host function with {} results", $count),
        }
    };
}

/// Makes a loop.
///
/// # Errors
///
/// Those of the runtime.
pub fn make(way: Way, count: usize, placement: usize) -> Result<CallLoop> {
    let module = compile(&module(way, count, placement))?;
    Ok(each_count!(make way module count))
}

fn compile(text: &str) -> Result<Module> {
    let buffer = wast::parser::ParseBuffer::new(text)?;
    let bytes = wast::parser::parse::<wast::Wat<'_>>(&buffer)?.encode()?;
    Ok(Module::new(&bytes)?)
}

/// Executable memory for a hundred imports.
///
/// # Errors
///
/// Those of the runtime.
pub fn import_bytes() -> Result<usize> {
    let mut store = Store::new()?;
    let mut linker = Linker::new();
    let mut imports = Hundred {
        linker: &mut linker,
        context: store.context(()),
        count: 0,
    };
    imports.all::<i32, i32>();
    imports.all::<i64, i64>();
    imports.all::<f32, f32>();
    imports.all::<f64, f64>();
    imports.all::<i32, i64>();
    imports.all::<i64, i32>();
    imports.all::<f32, f64>();
    imports.all::<f64, f32>();
    imports.all::<i32, f32>();
    imports.all::<f64, i64>();
    let before = executable_bytes()?;
    let module = compile(&hundred_imports())?;
    let instance = Instance::new(&mut store, &module, &linker)?;
    let bytes = executable_bytes()? - before;
    drop(instance);
    Ok(bytes)
}

/// Host functions of the types of [`hundred_imports`], in its order. They are not called.
struct Hundred<'a> {
    linker: &'a mut Linker,
    context: Context<()>,
    count: usize,
}

trait Number: AbiValue + FromCode {}
impl<T: AbiValue + FromCode> Number for T {}

type Raw<A, B> = <(A, B) as Return>::Raw;

impl Hundred<'_> {
    fn name(&mut self) -> String {
        self.count += 1;
        (self.count - 1).to_string()
    }

    fn all<A: Number, B: Number>(&mut self) {
        unsafe extern "C" fn host<A: Number, B: Number>(_: *mut Raw<A, B>, _: *mut ()) {}
        let (name, context) = (self.name(), self.context.clone());
        // SAFETY: nobody calls it.
        unsafe {
            self.linker
                .function::<fn(Vmctx<()>) -> (A, B), _>(["", &name], host::<A, B>, &context)
        };
        self.one::<i32, A, B>();
        self.one::<i64, A, B>();
        self.one::<f32, A, B>();
        self.one::<f64, A, B>();
        self.two::<i32, i32, A, B>();
        self.two::<i64, i64, A, B>();
        self.two::<f32, f32, A, B>();
        self.two::<f64, f64, A, B>();
        self.two::<i32, i64, A, B>();
    }

    fn one<P: Number, A: Number, B: Number>(&mut self) {
        unsafe extern "C" fn host<P: Number, A: Number, B: Number>(
            _: *mut Raw<A, B>,
            _: *mut (),
            _: P,
        ) {
        }
        let (name, context) = (self.name(), self.context.clone());
        // SAFETY: nobody calls it.
        unsafe {
            self.linker.function::<fn(Vmctx<()>, P) -> (A, B), _>(
                ["", &name],
                host::<P, A, B>,
                &context,
            )
        };
    }

    fn two<P: Number, Q: Number, A: Number, B: Number>(&mut self) {
        unsafe extern "C" fn host<P: Number, Q: Number, A: Number, B: Number>(
            _: *mut Raw<A, B>,
            _: *mut (),
            _: P,
            _: Q,
        ) {
        }
        let (name, context) = (self.name(), self.context.clone());
        // SAFETY: nobody calls it.
        unsafe {
            self.linker.function::<fn(Vmctx<()>, P, Q) -> (A, B), _>(
                ["", &name],
                host::<P, Q, A, B>,
                &context,
            )
        };
    }
}
