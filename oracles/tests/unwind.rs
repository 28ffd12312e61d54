//! Rust panics pass JIT-compiled frames of `SystemVMultiOut`: `ABI.md`, sections 4.5 and 8.
//!
//! What unwinds is the system's unwinder, which knows only the emitted unwind information; the
//! registers that it finds for each frame are compared with what the frame's caller had there. What
//! this does not prove: other targets and C++, which `object_unwind.rs` covers.
#![cfg(target_arch = "x86_64")]

use anyhow::Result;
use oracles::calls::config::Config;
use oracles::calls::define::Defined;
use oracles::calls::functions::import;
use oracles::calls::host::Value;
use oracles::calls::jit::Jit;
use oracles::calls::pinned::{PINNED, call_pinned};
use oracles::calls::vmctx::{MAX_PARAMS, VmContext};
use oracles::unwinding::chain::{self, define_chain};
use oracles::unwinding::eh_frame::Registered;
use oracles::unwinding::unwinder::{Frame, backtrace};
use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;

/// The results of the functions that chains call.
#[repr(C)]
struct Last(i32, f64);

/// The results of a chain.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry(i64, i8, f64);

#[derive(Debug, PartialEq)]
struct Payload {
    text: String,
    argument: i64,
}

thread_local! {
    /// What the innermost function does.
    static PANIC: Cell<bool> = const { Cell::new(false) };
    /// What it saw.
    static FRAMES: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
    /// The entry of the inner chain.
    static INNER: Cell<*const u8> = const { Cell::new(ptr::null()) };
    /// How many destructors of `middle` ran.
    static DROPPED: Cell<usize> = const { Cell::new(0) };
    static AFTER: Cell<[usize; PINNED.len()]> = const { Cell::new([0; PINNED.len()]) };
}

/// Takes a backtrace, then panics or returns.
///
/// # Safety
///
/// As of every function of the convention: `out` is writable memory.
unsafe extern "C-unwind" fn innermost(out: *mut Last, _: *mut VmContext, argument: i64) {
    let registers = PINNED.map(|(register, _)| register);
    FRAMES.set(backtrace(&registers));
    if PANIC.get() {
        let text = "thrown in the host".to_owned();
        // As `panic!`, but without a word.
        resume_unwind(Box::new(Payload { text, argument }));
    }
    // SAFETY: the caller vouches for `out`.
    unsafe { out.write(Last(-7, 0.75)) };
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.get() + 1);
    }
}

/// Calls the inner chain, with a destructor to run.
///
/// # Safety
///
/// As of [`innermost`].
unsafe extern "C-unwind" fn middle(out: *mut Last, vmctx: *mut VmContext, _: i64) {
    let bomb = Bomb;
    let mut results = Entry(0, 0, 0.0);
    let mut after = [0; PINNED.len()];
    // SAFETY: the inner chain has that type.
    unsafe { call_pinned(INNER.get(), (&raw mut results).cast(), vmctx, &mut after) };
    AFTER.set(after);
    forget(bomb);
    // SAFETY: the caller vouches for `out`.
    unsafe { out.write(Last(5, 1.5)) };
}

/// Two chains, the outer of which calls `middle`, which calls the inner.
struct Chains {
    // Dropped first.
    _registered: Registered,
    jit: Jit,
    outer: Vec<Defined>,
    inner: Vec<Defined>,
}

impl Chains {
    fn compile(config: Config) -> Result<Self> {
        Self::compile_registering(config, true)
    }

    /// The same, with unwind information of the outer chain only if asked to.
    fn compile_registering(config: Config, outer_too: bool) -> Result<Self> {
        let symbols = [
            ("innermost", innermost as *const u8),
            ("middle", middle as *const u8),
        ];
        let mut jit = Jit::new(config, &symbols)?;
        let module = jit.module();
        let host = import(module, "innermost", &chain::last())?;
        let inner = define_chain(module, "inner", host)?;
        let host = import(module, "middle", &chain::last())?;
        let outer = define_chain(module, "outer", host)?;
        jit.finalize()?;
        let registered = if outer_too { &outer[..] } else { &[] };
        let functions: Vec<&Defined> = registered.iter().chain(&inner).collect();
        // SAFETY: fields are dropped in order, and the module comes after this.
        let _registered = unsafe { Registered::new(&jit, &functions)? };
        Ok(Self {
            _registered,
            jit,
            outer,
            inner,
        })
    }

    fn call(&self, vmctx: &mut VmContext, panic: bool) -> (Entry, [usize; PINNED.len()]) {
        PANIC.set(panic);
        DROPPED.set(0);
        INNER.set(self.jit.code(&self.inner[0]));
        vmctx.seen[MAX_PARAMS - 1] = [0; 16];
        let mut results = Entry(0, 0, 0.0);
        let mut after = [0; PINNED.len()];
        let entry = self.jit.code(&self.outer[0]);
        // SAFETY: the outer chain has that type.
        unsafe { call_pinned(entry, (&raw mut results).cast(), vmctx, &mut after) };
        (results, after)
    }

    /// The compiled function that an address lies in.
    fn name_of(&self, address: usize) -> Option<String> {
        let chains = [("outer", &self.outer), ("inner", &self.inner)];
        chains.into_iter().find_map(|(prefix, functions)| {
            let index = functions.iter().position(|function| {
                let start = self.jit.code(function) as usize;
                (start..start + function.size).contains(&address)
            });
            index.map(|index| format!("{prefix}_{index}"))
        })
    }

    /// The compiled functions of frames, and "host" for any number of others in a row.
    fn names_of(&self, frames: &[Frame]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for frame in frames {
            let name = self.name_of(frame.address);
            let name = name.unwrap_or_else(|| "host".to_owned());
            if name != "host" || names.last() != Some(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// Locals that want to live in callee-saved registers while `function` runs.
fn with_locals<T>(function: impl FnOnce() -> T) -> T {
    let ints: [u64; 12] = std::array::from_fn(|n| black_box(n as u64 * 0x0101_0101_0101));
    let floats: [f64; 4] = std::array::from_fn(|n| black_box(n as f64 + 0.5));
    let (mut sum, mut total) = (0, 0.0);
    for n in 0..12 {
        sum += ints[n] * n as u64;
        total += floats[n % 4];
    }
    let result = function();
    for n in 0..12 {
        sum -= ints[n] * n as u64;
        total -= floats[n % 4];
    }
    assert_eq!((sum, total), (0, 0.0));
    result
}

#[test]
fn the_chains_return_what_they_should() -> Result<()> {
    for config in Config::all(false) {
        let chains = Chains::compile(config)?;
        let mut vmctx = VmContext::new();
        let (results, after) = chains.call(&mut vmctx, false);
        let want = Entry(
            i64::from_slot(&vmctx.results[0]),
            i8::from_slot(&vmctx.results[1]),
            f64::from_slot(&vmctx.results[2]),
        );
        assert_eq!(results, want, "{config}");
        assert_eq!(vmctx.seen[MAX_PARAMS - 1], [0; 16], "{config}");
        let pinned = PINNED.map(|(_, value)| value);
        assert_eq!(AFTER.get(), pinned, "{config}");
        assert_eq!(after, pinned, "{config}");
    }
    Ok(())
}

#[test]
fn a_rust_panic_passes_compiled_frames() -> Result<()> {
    for config in Config::all(false) {
        let chains = Chains::compile(config)?;
        let mut vmctx = VmContext::new();
        for _ in 0..3 {
            let caught =
                with_locals(|| catch_unwind(AssertUnwindSafe(|| chains.call(&mut vmctx, true).0)));
            let payload = caught.expect_err("it panics");
            let payload = payload.downcast::<Payload>().expect("the payload");
            assert_eq!(payload.text, "thrown in the host", "{config}");
            assert_eq!(payload.argument, i64::from_slot(&vmctx.args[0]), "{config}");
            assert_eq!(DROPPED.get(), 1, "{config}");
        }
    }
    Ok(())
}

/// Every frame in order, and what the pinned registers were in the frames that pin them: found by
/// the unwinder through the saves of all frames below.
#[test]
fn a_backtrace_shows_every_compiled_frame() -> Result<()> {
    for config in Config::all(false) {
        let chains = Chains::compile(config)?;
        chains.call(&mut VmContext::new(), false);
        let frames = FRAMES.take();

        let names = chains.names_of(&frames);
        let links = |prefix: &'static str| {
            (0..chain::LINKS)
                .rev()
                .map(move |index| format!("{prefix}_{index}"))
        };
        let host = || ["host".to_owned()];
        let want: Vec<String> = host()
            .into_iter()
            .chain(links("inner"))
            .chain(host())
            .chain(links("outer"))
            .chain(host())
            .collect();
        assert_eq!(names, want, "{config}");

        let pinned = PINNED.map(|(_, value)| value);
        let pinning = frames.iter().filter(|frame| frame.registers == pinned);
        let mut above_entries = 0;
        for pair in frames.windows(2) {
            let name = chains.name_of(pair[0].address);
            if name.is_some_and(|name| name.ends_with("_0")) {
                assert_eq!(pair[1].registers, pinned, "{config}");
                above_entries += 1;
            }
        }
        assert_eq!((above_entries, pinning.count()), (2, 2), "{config}");
    }
    Ok(())
}

/// The twin: nothing but the unwind information leads through a compiled frame.
#[test]
fn a_backtrace_ends_where_unwind_information_does() -> Result<()> {
    let chains = Chains::compile_registering(Config::SPEED, false)?;
    chains.call(&mut VmContext::new(), false);
    let names = chains.names_of(&FRAMES.take());
    assert!(names.contains(&"inner_0".to_owned()), "{names:?}");
    assert!(!names.contains(&"outer_4".to_owned()), "{names:?}");
    Ok(())
}
