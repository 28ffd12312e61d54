//! WebAssembly that calls host functions through Wasmtime, which is built on this fork.
//!
//! The host function is as good as Wasmtime lets one write it: it computes its results itself, and `Func::wrap` knows their types.

use super::{LoopSpec, Made, Peer, Side};
use crate::measure::CallLoop;
use crate::shapes::{CALLS, Lane, Pattern, Shape, Step};
use anyhow::{Result, anyhow, ensure};
use wasmtime::error::Context as _;
use wasmtime::{Engine, Func, FuncType, Instance, Module, Store, Val, ValType};

/// `Func::wrap` takes functions with at most this many results.
const WRAP_LIMIT: usize = 16;

macro_rules! wrap {
    ($store:expr, $count:expr, $ty:ty; $($n:literal: $($i:literal)*;)*) => {
        match $count {
            $($n => Some(Func::wrap($store, |x: $ty| {
                let r: [$ty; $n] = chain(x as u64).map(|v| v as $ty);
                ($(r[$i],)*)
            })),)*
            _ => None,
        }
    };
}

/// Makes a peer's loop.
///
/// # Errors
///
/// If Wasmtime refuses the module.
pub fn make(peer: Peer, spec: LoopSpec, placement: usize) -> Result<Made> {
    ensure!(
        spec.side == Side::Caller,
        "Wasmtime is compared as a caller"
    );
    link(peer, spec.shape, spec.pattern, placement).map_err(|error| anyhow!("Wasmtime: {error:#}"))
}

fn link(peer: Peer, shape: Shape, pattern: Pattern, placement: usize) -> wasmtime::Result<Made> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let function = match peer {
        Peer::WasmtimeWrap => wrapped(&mut store, shape),
        _ => Some(untyped(&mut store, shape)),
    };
    let Some(function) = function else {
        return Ok(Made::Skipped(format!(
            "Func::wrap takes functions with 2, 4, 8 or {WRAP_LIMIT} results here"
        )));
    };
    let module = Module::new(&engine, wat(shape, pattern, placement))?;
    let instance = Instance::new(&mut store, &module, &[function.into()])?;
    let run: Box<dyn FnMut(u64, u64) -> u64> = match shape.lane {
        Lane::I32 => {
            let run = instance.get_typed_func::<(i64, i32), i32>(&mut store, "caller")?;
            Box::new(move |iterations, seed| {
                run.call(&mut store, (iterations as i64, seed as i32))
                    .map_or(0, |sum| u64::from(sum as u32))
            })
        }
        Lane::I64 => {
            let run = instance.get_typed_func::<(i64, i64), i64>(&mut store, "caller")?;
            Box::new(move |iterations, seed| {
                run.call(&mut store, (iterations as i64, seed as i64))
                    .map_or(0, |sum| sum as u64)
            })
        }
    };
    Ok(Made::Loop(CallLoop { run, address: None }))
}

/// A host function whose types Rust knows.
pub(crate) fn wrapped(store: &mut Store<()>, shape: Shape) -> Option<Func> {
    macro_rules! all {
        ($ty:ty) => {
            wrap!(store, shape.count, $ty;
                2: 0 1;
                4: 0 1 2 3;
                8: 0 1 2 3 4 5 6 7;
                16: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15;
            )
        };
    }
    match shape.lane {
        Lane::I32 => all!(i32),
        Lane::I64 => all!(i64),
    }
}

/// A host function whose types only Wasmtime knows.
pub(crate) fn untyped(store: &mut Store<()>, shape: Shape) -> Func {
    let lane = match shape.lane {
        Lane::I32 => ValType::I32,
        Lane::I64 => ValType::I64,
    };
    let results = vec![lane.clone(); shape.count];
    let ty = FuncType::new(store.engine(), [lane], results);
    match shape.lane {
        Lane::I32 => Func::new(store, ty, |_, params, results| {
            let mut link = params.first().and_then(Val::i32).context("a parameter")? as u32;
            for (index, result) in results.iter_mut().enumerate() {
                link = Step::at(index).of(link.into(), Shape::constant(index)) as u32;
                *result = Val::I32(link as i32);
            }
            Ok(())
        }),
        Lane::I64 => Func::new(store, ty, |_, params, results| {
            let mut link = params.first().and_then(Val::i64).context("a parameter")? as u64;
            for (index, result) in results.iter_mut().enumerate() {
                link = Step::at(index).of(link, Shape::constant(index));
                *result = Val::I64(link as i64);
            }
            Ok(())
        }),
    }
}

/// The results of a call. Those of a 32-bit lane are the low halves.
#[inline(always)]
fn chain<const N: usize>(x: u64) -> [u64; N] {
    let mut links = [0; N];
    let mut link = x;
    for (index, result) in links.iter_mut().enumerate() {
        link = Step::at(index).of(link, Shape::constant(index));
        *result = link;
    }
    links
}

/// The module with the loop, as [`crate::clif::caller_loop`].
fn wat(shape: Shape, pattern: Pattern, placement: usize) -> String {
    let lane = shape.lane.clif();
    let argument = match (pattern, shape.lane) {
        (Pattern::Dependent, _) => "(local.get $state)",
        (Pattern::Independent, Lane::I64) => "(local.get $left)",
        (Pattern::Independent, Lane::I32) => "(i32.wrap_i64 (local.get $left))",
    };
    let names: Vec<String> = (0..shape.count).map(|i| format!("$r{i}")).collect();
    let locals: String = names
        .iter()
        .map(|n| format!("(local {n} {lane}) "))
        .collect();
    // Results are on the stack, the last on top.
    let take: String = names
        .iter()
        .rev()
        .map(|n| format!("local.set {n} "))
        .collect();
    let fold: String = (1..shape.count)
        .map(|i| {
            let operation = match Step::at(i) {
                Step::Add => "add",
                Step::Xor => "xor",
            };
            format!("local.get {} {lane}.{operation} ", names[i])
        })
        .collect();
    let add = match pattern {
        Pattern::Dependent => String::new(),
        Pattern::Independent => format!("local.get $state {lane}.add"),
    };
    let one = format!(
        "(call $host {argument}) {take} local.get {} {fold} {add} local.set $state\n",
        names[0]
    );
    let calls = one.repeat(CALLS);
    // Not called.
    let front = "(func)".repeat(placement);
    format!(
        "(module
           (import \"\" \"\" (func $host (param {lane}) (result {})))
           {front}
           (func (export \"caller\") (param $left i64) (param $state {lane}) (result {lane})
             {locals}
             (loop $again
               {calls}
               (br_if $again (i64.ne (i64.const 0)
                 (local.tee $left (i64.sub (local.get $left) (i64.const 1))))))
             local.get $state))",
        vec![lane; shape.count].join(" ")
    )
}
