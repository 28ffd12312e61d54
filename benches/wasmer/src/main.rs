//! Runs loops of calls for the benchmarks: a request a line on the standard input, and its answer on the standard output.
//!
//! `import COUNT PLACEMENT ITERATIONS SEED` and `export …` are answered with a checksum, and `bytes` with the executable memory for a
//! hundred imports.

#[allow(dead_code, reason = "whoever asks knows what to ask for")]
#[path = "../../src/runtimes/case.rs"]
mod case;

use case::{Way, each_count, executable_bytes, fold, hundred_imports, int, results};
use std::collections::HashMap;
use std::error::Error;
use std::io::{Write, stdin, stdout};
use wasmer::sys::{Cranelift, EngineBuilder};
use wasmer::{Extern, ExternType, Function, Imports, Instance, Module, Store, imports};

type Loop = Box<dyn FnMut(i64, i64) -> i64>;

macro_rules! make {
    ([$way:ident $module:ident $store:ident $count:ident] $($n:literal: $($x:ident)*;)*) => {
        match $count {
            $($n => match $way {
                Way::Import => {
                    let host = Function::new_typed(&mut $store, |argument: i64| {
                        let [$($x),*] = results(argument);
                        ($($x),*)
                    });
                    let imports = imports! { "" => { "" => host } };
                    let instance = Instance::new(&mut $store, &$module, &imports)?;
                    let run = instance.exports.get_typed_function::<(i64, i64), i64>(&$store, "loop")?;
                    Box::new(move |iterations, seed| run.call(&mut $store, iterations, seed).unwrap_or(0))
                }
                Way::Export => {
                    let instance = Instance::new(&mut $store, &$module, &imports! {})?;
                    let f = instance.exports.get_typed_function::<i64, ($(int!($x)),*)>(&$store, "f")?;
                    Box::new(move |iterations, seed| {
                        let mut state = seed;
                        for _ in 0..iterations {
                            let Ok(($($x),*)) = f.call(&mut $store, state) else {
                                return 0;
                            };
                            state = fold([$($x),*]);
                        }
                        state
                    })
                }
            },)*
            _ => return Err("no host function with so many results".into()),
        }
    };
}

fn store() -> Store {
    Store::new(EngineBuilder::new(Cranelift::default()))
}

fn make(way: Way, count: usize, placement: usize) -> Result<Loop, Box<dyn Error>> {
    let mut store = store();
    let module = Module::new(&store, case::module(way, count, placement))?;
    Ok(each_count!(make way module store count))
}

fn import_bytes() -> Result<usize, Box<dyn Error>> {
    let mut store = store();
    let before = executable_bytes()?;
    let module = Module::new(&store, hundred_imports())?;
    let mut given = Imports::new();
    for import in module.imports() {
        if let ExternType::Function(ty) = import.ty() {
            let function = Function::new(&mut store, ty, |_| Ok(vec![]));
            given.define(import.module(), import.name(), Extern::from(function));
        }
    }
    let instance = Instance::new(&mut store, &module, &given)?;
    let bytes = executable_bytes()? - before;
    drop(instance);
    Ok(bytes)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut loops = HashMap::new();
    for line in stdin().lines() {
        let line = line?;
        let answer = match *line.split(' ').collect::<Vec<_>>() {
            ["bytes"] => import_bytes()? as i64,
            [
                way @ ("import" | "export"),
                count,
                placement,
                iterations,
                seed,
            ] => {
                let key = (way == "import", count.parse()?, placement.parse()?);
                if !loops.contains_key(&key) {
                    let way = if key.0 { Way::Import } else { Way::Export };
                    loops.insert(key, make(way, key.1, key.2)?);
                }
                match loops.get_mut(&key) {
                    Some(run) => run(iterations.parse()?, seed.parse()?),
                    None => 0,
                }
            }
            _ => return Err(format!("no request: {line}").into()),
        };
        println!("{answer}");
        stdout().flush()?;
    }
    Ok(())
}
