//! Rust and JIT-compiled functions call each other: `SystemVMultiOut`, sections 3 to 5 of `ABI.md`.
//!
//! The Rust compiler is the judge: structs are `repr(C)`, functions `extern "C"`, and out areas lie
//! next to guard pages. What this does not prove: other targets and types that Rust lacks, for
//! which C is asked by `test c-abi` and the campaign.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

use anyhow::{Context, Result, ensure};
use cranelift_codegen::ir::{Type, types};
use cranelift_codegen::isa::CallConv;
use oracles::calls::config::Config;
use oracles::calls::define::Defined;
use oracles::calls::functions::{Callee, consume, import, produce, relay};
use oracles::calls::graffiti;
use oracles::calls::guard::{Guarded, Place};
use oracles::calls::host::{Params, Results, V128, Value, scrub_arguments};
use oracles::calls::jit::Jit;
use oracles::calls::shape::Shape;
use oracles::calls::vmctx::VmContext;

macro_rules! results {
    ($($name:ident { $($field:ident: $ty:ty),* $(,)? })*) => {$(
        #[derive(multi_out::Results)]
        #[repr(C)]
        #[allow(dead_code, reason = "written as bytes")]
        struct $name { $($field: $ty),* }
    )*};
}

results! {
    Three { a: i8, b: i64, c: i8 }
    Widths { a: i8, b: i16, c: i8, d: i64, e: i32 }
    Aligned { a: i8, b: i128, c: f32, d: f64 }
    Vector { a: i32, b: V128, c: i8 }
    Nine { a: i8, b: f32, c: i128, d: i16, e: f64, f: V128, g: i32, h: i8, i: i64 }
    Seventeen {
        a: i64, b: i8, c: f64, d: i8, e: V128, f: f32, g: i16, h: i128, i: i8,
        j: i32, k: f64, l: f32, m: V128, n: i8, o: i64, p: i16, q: i8,
    }
    Hundred {
        a0: i8, a1: i64, a2: f32, a3: V128, a4: i16, a5: f64, a6: i8, a7: i128, a8: i32, a9: i8,
        b0: i8, b1: i64, b2: f32, b3: V128, b4: i16, b5: f64, b6: i8, b7: i128, b8: i32, b9: i8,
        c0: i8, c1: i64, c2: f32, c3: V128, c4: i16, c5: f64, c6: i8, c7: i128, c8: i32, c9: i8,
        d0: i8, d1: i64, d2: f32, d3: V128, d4: i16, d5: f64, d6: i8, d7: i128, d8: i32, d9: i8,
        e0: i8, e1: i64, e2: f32, e3: V128, e4: i16, e5: f64, e6: i8, e7: i128, e8: i32, e9: i8,
        f0: i8, f1: i64, f2: f32, f3: V128, f4: i16, f5: f64, f6: i8, f7: i128, f8: i32, f9: i8,
        g0: i8, g1: i64, g2: f32, g3: V128, g4: i16, g5: f64, g6: i8, g7: i128, g8: i32, g9: i8,
        h0: i8, h1: i64, h2: f32, h3: V128, h4: i16, h5: f64, h6: i8, h7: i128, h8: i32, h9: i8,
        i0: i8, i1: i64, i2: f32, i3: V128, i4: i16, i5: f64, i6: i8, i7: i128, i8: i32, i9: i8,
        j0: i8, j1: i64, j2: f32, j3: V128, j4: i16, j5: f64, j6: i8, j7: i128, j8: i32, j9: i8,
    }
}

/// Compiled functions of one shape, with and without Rust functions among them.
struct Case {
    jit: Jit,
    produce: Defined,
    relays: Vec<Defined>,
    consumers: Vec<Defined>,
    host: *const u8,
}

impl Case {
    fn compile(config: Config, shape: &Shape, host: *const u8) -> Result<Self> {
        let mut jit = Jit::new(config, &[("host", host)])?;
        let module = jit.module();
        let id = import(module, "host", shape)?;
        let mut case = Self {
            produce: produce(module, "produce", shape)?,
            relays: Vec::new(),
            consumers: Vec::new(),
            jit,
            host,
        };
        let module = case.jit.module();
        for callee in [Callee::Symbol(id), Callee::Address(id), Callee::Pointer] {
            let name = format!("relay_{callee:?}");
            case.relays.push(relay(module, &name, shape, callee)?);
            let name = format!("consume_{callee:?}");
            case.consumers.push(consume(module, &name, shape, callee)?);
        }
        case.jit.finalize()?;
        case.check_targets()?;
        Ok(case)
    }

    /// Direct calls go to the Rust function itself.
    fn check_targets(&self) -> Result<()> {
        for function in [
            &self.relays[0],
            &self.relays[1],
            &self.consumers[0],
            &self.consumers[1],
        ] {
            let targets = self.jit.call_targets(function)?;
            let [target] = targets[..] else {
                anyhow::bail!("{} call targets, not one", targets.len());
            };
            assert_eq!(target.address, self.host);
        }
        Ok(())
    }

    /// Every compiled function that Rust calls with the shape's signature.
    fn callees(&self) -> Vec<*const u8> {
        let compiled = self.relays.iter().chain([&self.produce]);
        compiled.map(|function| self.jit.code(function)).collect()
    }

    /// Every compiled caller calls Rust; the last also calls compiled code, which calls Rust.
    fn check_callers(&self, shape: &Shape) -> Result<()> {
        let pointed = [
            self.host,
            self.jit.code(&self.produce),
            self.jit.code(&self.relays[0]),
        ];
        for consumer in &self.consumers {
            for callee in pointed {
                let mut vmctx = VmContext::new();
                vmctx.callee = callee;
                let code = self.jit.code(consumer);
                // SAFETY: the type of `consume`'s functions, whose callees have the shape's.
                let consume: unsafe extern "C" fn(&mut VmContext) =
                    unsafe { std::mem::transmute(code) };
                scrub_arguments();
                // SAFETY: as above.
                unsafe { consume(&mut vmctx) };
                check_vmctx(&vmctx, shape)?;
                check_slots("result", &shape.results, &vmctx.got, &vmctx.results)?;
            }
        }
        Ok(())
    }
}

fn check_vmctx(vmctx: &VmContext, shape: &Shape) -> Result<()> {
    assert_eq!(vmctx.calls, 1, "calls, {shape:?}");
    check_slots("argument", &shape.params, &vmctx.seen, &vmctx.args)
}

fn check_slots(what: &str, types: &[Type], got: &[[u8; 16]], want: &[[u8; 16]]) -> Result<()> {
    for (index, ty) in types.iter().enumerate() {
        let size = ty.bytes() as usize;
        let (got, want) = (&got[index][..size], &want[index][..size]);
        ensure!(
            got == want,
            "{what} {index} of {types:?} is {got:02x?}, not {want:02x?}"
        );
    }
    Ok(())
}

/// Rust and compiled code agree on a function with these parameters and several results.
fn check<P: Params, R: Results>() -> Result<()> {
    // That Rust has the fields at these offsets is asserted where the types are made.
    let shape = Shape::new(&P::types(), &R::types());
    for config in Config::all(false) {
        let case = Case::compile(config, &shape, P::produce::<R>())?;
        for code in case.callees() {
            for place in [Place::Start, Place::End] {
                // SAFETY: `code` is a compiled function of this shape.
                unsafe { check_callee::<P, R>(code, case.host, place, &shape) }
                    .with_context(|| format!("{shape:?} with {config} at {place:?}"))?;
            }
        }
        case.check_callers(&shape)
            .with_context(|| format!("{shape:?} with {config}"))?;
    }
    Ok(())
}

/// A compiled callee writes every field, and no other byte.
///
/// # Safety
///
/// `code` must have the shape's signature.
unsafe fn check_callee<P: Params, R: Results>(
    code: *const u8,
    host: *const u8,
    place: Place,
    shape: &Shape,
) -> Result<()> {
    let mut memory = Guarded::new(size_of::<R::Raw>())?;
    memory.fill();
    let mut vmctx = VmContext::new();
    vmctx.callee = host;
    scrub_arguments();
    // SAFETY: the caller vouches for `code`; the memory is large enough, and aligned as a page.
    unsafe { P::call::<R>(code, memory.place(place), &mut vmctx) };
    check_vmctx(&vmctx, shape)?;

    let mut want = vec![graffiti::UNTOUCHED; memory.bytes().len()];
    let area = &mut want[memory.range(place, size_of::<R::Raw>())];
    for ((offset, size), slot) in R::fields().into_iter().zip(&vmctx.results) {
        area[offset..offset + size].copy_from_slice(&slot[..size]);
    }
    let wrong = memory.bytes().iter().zip(&want).position(|(a, b)| a != b);
    if let Some(byte) = wrong {
        anyhow::bail!(
            "byte {byte} of {} is {:02x}, not {:02x}",
            want.len(),
            memory.bytes()[byte],
            want[byte]
        );
    }
    Ok(())
}

/// Rust and compiled code agree on a function with these parameters and one result.
fn check_single<P: Params, T: Value>() -> Result<()> {
    let shape = Shape::new(&P::types(), &[T::TYPE]);
    for config in Config::all(false) {
        let case = Case::compile(config, &shape, P::produce_single::<T>())?;
        for code in case.callees() {
            let mut vmctx = VmContext::new();
            vmctx.callee = case.host;
            scrub_arguments();
            // SAFETY: `code` is a compiled function of this shape.
            let result = unsafe { P::call_single::<T>(code, &mut vmctx) };
            check_vmctx(&vmctx, &shape)?;
            let mut got = [graffiti::UNTOUCHED; 16];
            result.to_slot(&mut got);
            check_slots("result", &shape.results, &[got], &vmctx.results)?;
        }
        case.check_callers(&shape)?;
    }
    Ok(())
}

/// All pairs with this first type.
fn check_pairs<A: Value>() -> Result<()> {
    check::<(), (A, i8)>()?;
    check::<(), (A, i16)>()?;
    check::<(), (A, i32)>()?;
    check::<(), (A, i64)>()?;
    check::<(), (A, i128)>()?;
    check::<(), (A, f32)>()?;
    check::<(), (A, f64)>()?;
    check::<(), (A, V128)>()
}

#[test]
fn integer_pairs_are_the_c_struct() -> Result<()> {
    check_pairs::<i8>()?;
    check_pairs::<i16>()?;
    check_pairs::<i32>()?;
    check_pairs::<i64>()?;
    check_pairs::<i128>()
}

#[test]
fn float_and_vector_pairs_are_the_c_struct() -> Result<()> {
    check_pairs::<f32>()?;
    check_pairs::<f64>()?;
    check_pairs::<V128>()
}

#[test]
fn mixed_results_are_the_c_struct() -> Result<()> {
    check::<(), Three>()?;
    check::<(), Widths>()?;
    check::<(), Aligned>()?;
    check::<(), Vector>()
}

#[test]
fn many_results_are_the_c_struct() -> Result<()> {
    check::<(), Nine>()?;
    check::<(), Seventeen>()?;
    check::<(), Hundred>()
}

/// `i128` comes first, where it finds registers.
type WideParams = (i128, i64, f64);
type SmallParams = (i8, f32, i16, f64, i32, f32, i64, f64);
/// Integers and floats on the stack.
type ManyParams = (
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    f64,
    f64,
    f64,
    f64,
    f64,
    f64,
    f64,
    f64,
    f64,
    i32,
    V128,
);

#[test]
fn parameters_come_after_the_out_pointer() -> Result<()> {
    check::<WideParams, (i8, i64)>()?;
    check::<SmallParams, (i8, i64)>()?;
    check::<ManyParams, (i8, i64)>()?;
    check::<WideParams, Nine>()?;
    check::<SmallParams, Nine>()?;
    check::<ManyParams, Nine>()
}

#[test]
fn one_result_is_returned_as_in_c() -> Result<()> {
    check_single::<(), i8>()?;
    check_single::<(), i16>()?;
    check_single::<(), i32>()?;
    check_single::<(), i64>()?;
    check_single::<(), i128>()?;
    check_single::<(), f32>()?;
    check_single::<(), f64>()?;
    check_single::<(), V128>()?;
    check_single::<WideParams, i128>()?;
    check_single::<SmallParams, f64>()?;
    check_single::<ManyParams, i32>()
}

/// Without results a function is `extern "C" fn(*mut VmContext, …)`.
#[test]
fn no_result_needs_no_out_pointer() -> Result<()> {
    extern "C" fn host(vmctx: &mut VmContext, value: i64) {
        vmctx.calls += 1;
        value.to_slot(&mut vmctx.seen[0]);
    }
    let shape = Shape::new(&[types::I64], &[]);
    for config in Config::all(false) {
        let case = Case::compile(config, &shape, host as *const u8)?;
        for code in case.callees() {
            let mut vmctx = VmContext::new();
            vmctx.callee = case.host;
            let value = i64::from_slot(&vmctx.args[0]);
            // SAFETY: `code` is a compiled function of this shape.
            let callee: unsafe extern "C" fn(&mut VmContext, i64) =
                unsafe { std::mem::transmute(code) };
            scrub_arguments();
            // SAFETY: as above.
            unsafe { callee(&mut vmctx, value) };
            check_vmctx(&vmctx, &shape)?;
        }
        case.check_callers(&shape)?;
    }
    Ok(())
}

/// The twin: under plain `system_v` the results are not in memory. The callee then takes the out
/// pointer for its context, so that context is what lies there.
#[test]
fn plain_system_v_leaves_results_in_registers() -> Result<()> {
    let first = |convention| -> Result<i64> {
        let mut shape = Shape::new(&[], &[types::I64, types::I64]);
        shape.convention = convention;
        let mut jit = Jit::new(Config::SPEED, &[])?;
        let callee = produce(jit.module(), "produce", &shape)?;
        jit.finalize()?;
        let mut taken_for_context = VmContext::new();
        let mut vmctx = VmContext::new();
        let out: *mut VmContext = &mut *taken_for_context;
        // SAFETY: under either convention the callee writes to memory of one of the contexts only.
        unsafe { <()>::call::<(i64, i64)>(jit.code(&callee), out.cast(), &mut vmctx) };
        Ok(taken_for_context.calls as i64)
    };
    let want = i64::from_slot(&graffiti::result(0));
    assert_eq!(first(CallConv::SystemVMultiOut)?, want);
    assert_eq!(first(CallConv::SystemV)?, 1, "the calls of a context");
    Ok(())
}
