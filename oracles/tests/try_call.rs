//! `try_call` of throwing functions with several results: the handler runs, and the out area is not
//! read on that path. `ABI.md`, section 4.5.
//!
//! The proof is memory protection: the callee makes every byte of the area inaccessible before it
//! throws, and it stays so until the catcher has returned. The same catcher faults when the callee
//! does that and returns. What this does not prove: areas smaller than a page, which are filled with
//! a pattern instead.
#![cfg(target_arch = "x86_64")]

use anyhow::Result;
use cranelift_codegen::ir::types::*;
use cranelift_codegen::isa::multi_out::{OutTarget, compute_out_area};
use oracles::calls::config::Config;
use oracles::calls::define::Defined;
use oracles::calls::functions::import;
use oracles::calls::graffiti;
use oracles::calls::guard::{Guarded, Place};
use oracles::calls::jit::Jit;
use oracles::calls::pinned::{PINNED, call_on_stack, call_pinned};
use oracles::calls::shape::Shape;
use oracles::calls::vmctx::{MAX_PARAMS, VmContext};
use oracles::unwinding::catcher::{Catch, TryCall, define_catcher};
use oracles::unwinding::chain::{self, ENTRY_RESULTS, define_chain};
use oracles::unwinding::eh_frame::Registered;
use oracles::unwinding::unwinder::{_Unwind_RaiseException, _Unwind_Resume, Exception};
use std::cell::Cell;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;

const CLASS: u64 = u64::from_be_bytes(*b"multiout");

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Raise,
    Panic,
    Return,
}

/// What the host function does.
#[derive(Clone, Copy, Debug)]
struct Plan {
    size: usize,
    protect: bool,
    end: End,
}

thread_local! {
    static PLAN: Cell<Plan> = const { Cell::new(Plan { size: 0, protect: false, end: End::Return }) };
    static OUT: Cell<*mut u8> = const { Cell::new(ptr::null_mut()) };
    static CLEANUPS: Cell<usize> = const { Cell::new(0) };
}

/// Fills the area with a pattern or makes it inaccessible, and throws or returns.
///
/// # Safety
///
/// `out` must be an area of the planned size.
unsafe extern "C-unwind" fn host(out: *mut u8, _: *mut VmContext) {
    let plan = PLAN.get();
    OUT.set(out);
    // SAFETY: the caller vouches for the area; whoever plans to protect it makes it whole pages.
    unsafe {
        ptr::write_bytes(out, graffiti::UNTOUCHED, plan.size);
        if plan.protect {
            let status = libc::mprotect(out.cast(), plan.size, libc::PROT_NONE);
            assert_eq!(status, 0);
        }
        match plan.end {
            End::Raise => {
                let exception = Box::into_raw(Box::new(Exception::new(CLASS)));
                let code = _Unwind_RaiseException(exception);
                panic!("nobody catches: {code}");
            }
            End::Panic => resume_unwind(Box::new("the payload")),
            End::Return => {}
        }
    }
}

/// The end of a chain, with another type.
///
/// # Safety
///
/// As of [`host`].
unsafe extern "C-unwind" fn chain_host(out: *mut u8, vmctx: *mut VmContext, _: i64) {
    // SAFETY: the caller vouches for the area.
    unsafe { host(out, vmctx) };
}

extern "C" fn cleanup(_: *mut VmContext) {
    CLEANUPS.set(CLEANUPS.get() + 1);
}

const SYMBOLS: [(&str, *const u8); 4] = [
    ("host", host as *const u8),
    ("chain_host", chain_host as *const u8),
    ("cleanup", cleanup as *const u8),
    ("_Unwind_Resume", _Unwind_Resume as *const u8),
];

struct Catcher {
    // Dropped first.
    _registered: Registered,
    jit: Jit,
    function: Defined,
}

impl Catcher {
    /// Calls `host`.
    fn compile(config: Config, shape: &Shape, try_call: TryCall, catch: Catch) -> Result<Self> {
        let mut jit = Jit::new(config, &SYMBOLS)?;
        let module = jit.module();
        let callee = import(module, "host", shape)?;
        let function = define_catcher(module, "catcher", callee, shape, try_call, catch)?;
        Self::finalize(jit, function, vec![])
    }

    /// Calls a chain of functions, the last of which calls `chain_host`.
    fn compile_above_chain(config: Config, try_call: TryCall, catch: Catch) -> Result<Self> {
        let mut jit = Jit::new(config, &SYMBOLS)?;
        let module = jit.module();
        let last = import(module, "chain_host", &chain::last())?;
        let chain = define_chain(module, "chain", last)?;
        let shape = Shape::new(&[], ENTRY_RESULTS);
        let function = define_catcher(module, "catcher", chain[0].id, &shape, try_call, catch)?;
        Self::finalize(jit, function, chain)
    }

    fn finalize(mut jit: Jit, function: Defined, others: Vec<Defined>) -> Result<Self> {
        jit.finalize()?;
        let all: Vec<&Defined> = others.iter().chain([&function]).collect();
        // SAFETY: fields are dropped in order, and the module comes after this.
        let _registered = unsafe { Registered::new(&jit, &all)? };
        Ok(Self {
            _registered,
            jit,
            function,
        })
    }

    /// Call it, with all callee-saved registers pinned; the context tells what went wrong.
    fn call(&self, vmctx: &mut VmContext, plan: Plan) -> [i64; 2] {
        PLAN.set(plan);
        vmctx.seen[MAX_PARAMS - 1] = [0; 16];
        let mut results = [0; 2];
        let mut after = [0; PINNED.len()];
        let code = self.jit.code(&self.function);
        // SAFETY: `define_catcher` documents the type.
        unsafe { call_pinned(code, (&raw mut results).cast(), vmctx, &mut after) };
        assert_eq!(after, PINNED.map(|(_, value)| value));
        assert_eq!(vmctx.seen[MAX_PARAMS - 1], [0; 16], "live values");
        results
    }

    /// The same on another stack, which begins below `top`; the area may be protected, and is not
    /// afterwards.
    fn call_on_stack(&self, top: *mut u8, plan: Plan) -> [i64; 2] {
        struct Call {
            code: *const u8,
            vmctx: Box<VmContext>,
            results: [i64; 2],
            after: [usize; PINNED.len()],
        }
        unsafe extern "C-unwind" fn call(argument: *mut c_void) {
            // SAFETY: the argument given below.
            let call = unsafe { &mut *argument.cast::<Call>() };
            let results = (&raw mut call.results).cast();
            // SAFETY: as in `Catcher::call`.
            unsafe { call_pinned(call.code, results, &mut *call.vmctx, &mut call.after) };
            // Not a frame of this function may lie in the area, to return through it.
        }
        PLAN.set(plan);
        let mut argument = Call {
            code: self.jit.code(&self.function),
            vmctx: VmContext::new(),
            results: [0; 2],
            after: [0; PINNED.len()],
        };
        argument.vmctx.seen[MAX_PARAMS - 1] = [0; 16];
        // SAFETY: the stack is the caller's own; `call` gets its argument.
        unsafe { call_on_stack(top, call, (&raw mut argument).cast()) };
        if plan.protect {
            let access = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: the same memory as before.
            let status = unsafe { libc::mprotect(OUT.get().cast(), plan.size, access) };
            assert_eq!(status, 0);
        }
        assert_eq!(argument.after, PINNED.map(|(_, value)| value));
        assert_eq!(argument.vmctx.seen[MAX_PARAMS - 1], [0; 16], "live values");
        argument.results
    }
}

/// The payloads are those of an exception that `host` has raised, which is freed.
fn check_payloads([exception, class]: [i64; 2]) {
    assert_eq!(class as u64, CLASS);
    // SAFETY: made from a box in `host`, and caught once.
    let exception = unsafe { Box::from_raw(exception as *mut Exception) };
    assert_eq!(exception.class, CLASS);
}

const CALLS: [TryCall; 2] = [TryCall::Direct, TryCall::Indirect];

fn raise(size: usize) -> Plan {
    Plan {
        size,
        protect: false,
        end: End::Raise,
    }
}

fn area_size(shape: &Shape) -> Result<usize> {
    let area = compute_out_area(&shape.results, OutTarget::X64)?;
    Ok(area.size as usize)
}

/// A page size or more: every byte of it can be protected.
fn paged() -> Shape {
    Shape::new(&[], &[I64; 512])
}

/// A stack, and where it has to begin for the area of this catcher to begin at a page.
fn stack_for(catcher: &Catcher, size: usize) -> Result<(Guarded, *mut u8)> {
    let mut stack = Guarded::new(1 << 20)?;
    let bottom: *mut u8 = stack.place(Place::Start);
    let top = bottom.wrapping_add(1 << 20);
    check_payloads(catcher.call_on_stack(top, raise(size)));
    let misalignment = OUT.get() as usize % 4096;
    assert_eq!(misalignment % 16, 0);
    Ok((stack, top.wrapping_sub(misalignment)))
}

#[test]
fn the_handler_runs_and_sees_nothing_of_the_area() -> Result<()> {
    for config in Config::all(false) {
        for results in [&[I32, F64][..], &[I8, I128, F32, F64], &[I64; 100]] {
            let shape = Shape::new(&[], results);
            for call in CALLS {
                let catcher = Catcher::compile(config, &shape, call, Catch::All)?;
                let mut vmctx = VmContext::new();
                let plan = raise(area_size(&shape)?);
                let got = vmctx.got;
                check_payloads(catcher.call(&mut vmctx, plan));
                assert_eq!(vmctx.got, got, "the normal path did not run");
                // And when it does run, it has the pattern.
                let end = End::Return;
                catcher.call(&mut vmctx, Plan { end, ..plan });
                for (slot, ty) in vmctx.got.iter().zip(results) {
                    let bytes = &slot[..ty.bytes() as usize];
                    assert!(bytes.iter().all(|&byte| byte == graffiti::UNTOUCHED));
                }
            }
        }
    }
    Ok(())
}

#[test]
fn the_handler_runs_while_the_area_is_inaccessible() -> Result<()> {
    let size = area_size(&paged())?;
    assert_eq!(size % 4096, 0);
    for config in Config::all(false) {
        for call in CALLS {
            let catcher = Catcher::compile(config, &paged(), call, Catch::All)?;
            let (_stack, top) = stack_for(&catcher, size)?;
            let protect = true;
            let plan = Plan {
                protect,
                ..raise(size)
            };
            check_payloads(catcher.call_on_stack(top, plan));
            assert_eq!(OUT.get() as usize % 4096, 0);
        }
    }
    Ok(())
}

/// The twin: what the test above relies on does happen.
#[test]
fn the_normal_path_faults_while_the_area_is_inaccessible() -> Result<()> {
    let size = area_size(&paged())?;
    for config in Config::all(false) {
        let catcher = Catcher::compile(config, &paged(), TryCall::Direct, Catch::All)?;
        let (_stack, top) = stack_for(&catcher, size)?;
        let plan = Plan {
            size,
            protect: true,
            end: End::Return,
        };
        // SAFETY: the child does nothing but call the function, and end.
        let child = unsafe { libc::fork() };
        assert_ne!(child, -1);
        if child == 0 {
            // SAFETY: no limits are raised.
            unsafe {
                let none = libc::rlimit {
                    rlim_cur: 0,
                    rlim_max: 0,
                };
                libc::setrlimit(libc::RLIMIT_CORE, &none);
            }
            catcher.call_on_stack(top, plan);
            // SAFETY: as above.
            unsafe { libc::_exit(0) };
        }
        let mut status = 0;
        // SAFETY: the child from above.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert!(libc::WIFSIGNALED(status), "{config}: {status:#x}");
        assert_eq!(libc::WTERMSIG(status), libc::SIGSEGV, "{config}");
    }
    Ok(())
}

#[test]
fn an_exception_is_caught_several_compiled_frames_up() -> Result<()> {
    for config in Config::all(false) {
        for call in CALLS {
            let catcher = Catcher::compile_above_chain(config, call, Catch::All)?;
            let mut vmctx = VmContext::new();
            let plan = raise(16);
            check_payloads(catcher.call(&mut vmctx, plan));
            let end = End::Return;
            let [zero, _] = catcher.call(&mut vmctx, Plan { end, ..plan });
            assert_eq!(zero, 0);
        }
    }
    Ok(())
}

/// A compiled handler is a destructor: it runs while a Rust panic passes.
#[test]
fn a_handler_cleans_up_and_the_panic_goes_on() -> Result<()> {
    for config in Config::all(false) {
        for call in CALLS {
            let catcher = Catcher::compile_above_chain(config, call, Catch::Cleanup)?;
            CLEANUPS.set(0);
            let mut vmctx = VmContext::new();
            let plan = Plan {
                end: End::Panic,
                ..raise(16)
            };
            let caught = catch_unwind(AssertUnwindSafe(|| catcher.call(&mut vmctx, plan)));
            let payload = caught.expect_err("it panics");
            assert_eq!(payload.downcast_ref(), Some(&"the payload"), "{config}");
            assert_eq!(CLEANUPS.get(), 1, "{config}");
            assert_eq!(vmctx.seen[MAX_PARAMS - 1], [0; 16], "{config}");
        }
    }
    Ok(())
}
