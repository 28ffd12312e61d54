//! Wasmtime: typed as far as its tuples go, which is to 17 results, and beyond by values in an array that nothing checks.

use super::case::{Way, each_count, executable_bytes, fold, hundred_imports, int, module, results};
use crate::measure::CallLoop;
use anyhow::{Result, anyhow};
use std::mem::MaybeUninit;
use wasmtime::{Engine, Func, FuncType, Instance, Module, Store, ValRaw, ValType};

macro_rules! make {
    ([$way:ident $module:ident $count:ident] $($n:tt: $($x:ident)*;)*) => {
        match $count {
            $($n => typed!($way $module $n $($x)*),)*
            _ => Err(wasmtime::Error::msg(format!("no host function with {} results", $count))),
        }
    };
}

macro_rules! typed {
    ($way:ident $module:ident 26 $($x:ident)*) => { unchecked::<26>($way, &$module) };
    ($way:ident $module:ident $n:literal $($x:ident)*) => {{
        let mut store = Store::new($module.engine(), ());
        match $way {
            Way::Import => {
                let host = Func::wrap(&mut store, |argument: i64| {
                    let [$($x),*] = results(argument);
                    ($($x),*)
                });
                import(store, &$module, host)
            }
            Way::Export => {
                let instance = Instance::new(&mut store, &$module, &[])?;
                let f = instance.get_typed_func::<i64, ($(int!($x)),*)>(&mut store, "f")?;
                Ok(CallLoop::new(move |iterations, seed| {
                    let mut state = seed as i64;
                    for _ in 0..iterations {
                        let Ok(($($x),*)) = f.call(&mut store, state) else {
                            return 0;
                        };
                        state = fold([$($x),*]);
                    }
                    state as u64
                }))
            }
        }
    }};
}

/// Makes a loop.
///
/// # Errors
///
/// Those of the runtime.
pub fn make(way: Way, count: usize, placement: usize) -> Result<CallLoop> {
    make_loop(way, count, placement).map_err(|error| anyhow!("Wasmtime: {error:#}"))
}

fn make_loop(way: Way, count: usize, placement: usize) -> wasmtime::Result<CallLoop> {
    let module = Module::new(&Engine::default(), module(way, count, placement))?;
    each_count!(make way module count)
}

fn import(mut store: Store<()>, module: &Module, host: Func) -> wasmtime::Result<CallLoop> {
    let instance = Instance::new(&mut store, module, &[host.into()])?;
    let run = instance.get_typed_func::<(i64, i64), i64>(&mut store, "loop")?;
    Ok(CallLoop::new(move |iterations, seed| {
        let sum = run.call(&mut store, (iterations as i64, seed as i64));
        sum.map_or(0, |sum| sum as u64)
    }))
}

fn unchecked<const N: usize>(way: Way, module: &Module) -> wasmtime::Result<CallLoop> {
    let mut store = Store::new(module.engine(), ());
    if way == Way::Import {
        let ty = FuncType::new(module.engine(), [ValType::I64], vec![ValType::I64; N]);
        let host = |_: wasmtime::Caller<'_, ()>, values: &mut [MaybeUninit<ValRaw>]| {
            // SAFETY: the first is the argument.
            let argument = unsafe { values[0].assume_init() }.get_i64();
            for (value, result) in values.iter_mut().zip(results::<N>(argument)) {
                value.write(ValRaw::i64(result));
            }
            Ok(())
        };
        // SAFETY: it reads and writes values of its type.
        let host = unsafe { Func::new_unchecked(&mut store, ty, host) };
        return import(store, module, host);
    }
    let instance = Instance::new(&mut store, module, &[])?;
    let f = instance.get_func(&mut store, "f");
    let f = f.ok_or_else(|| wasmtime::Error::msg("no export"))?;
    Ok(CallLoop::new(move |iterations, seed| {
        let mut state = seed as i64;
        let mut values = [ValRaw::i64(0); N];
        for _ in 0..iterations {
            values[0] = ValRaw::i64(state);
            // SAFETY: there is an argument, and a place for each result.
            if unsafe { f.call_unchecked(&mut store, &raw mut values[..]) }.is_err() {
                return 0;
            }
            state = fold(values.map(|value| value.get_i64()));
        }
        state as u64
    }))
}

/// Executable memory for a hundred imports.
///
/// # Errors
///
/// Those of the runtime.
pub fn import_bytes() -> Result<usize> {
    instantiate_imports().map_err(|error| anyhow!("Wasmtime: {error:#}"))
}

fn instantiate_imports() -> wasmtime::Result<usize> {
    let engine = Engine::default();
    let before = executable_bytes()?;
    let module = Module::new(&engine, hundred_imports())?;
    let mut store = Store::new(&engine, ());
    let mut imports = Vec::new();
    for import in module.imports() {
        if let Some(ty) = import.ty().func() {
            imports.push(Func::new(&mut store, ty.clone(), |_, _, _| Ok(())).into());
        }
    }
    let instance = Instance::new(&mut store, &module, &imports)?;
    let bytes = executable_bytes()? - before;
    let _ = instance;
    Ok(bytes)
}
