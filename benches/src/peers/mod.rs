//! Who is compared: each peer makes loops of calls for a shape.
//!
//! - [`cranelift`]: the convention, an explicit out pointer, and stock conventions with a shim;
//! - [`c`]: gcc and clang;
//! - `wasmtime`, with the feature of that name: WebAssembly that calls host functions.

pub mod c;
pub mod cranelift;
#[cfg(feature = "wasmtime")]
pub mod wasmtime;

use crate::measure::CallLoop;
use crate::shapes::{CALLS, Pattern, Shape};
use anyhow::Result;
use std::fmt;
use std::rc::Rc;

/// A peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Peer {
    /// The convention `system_v_multi_out`.
    MultiOut,
    /// An out pointer that the front end writes.
    Explicit,
    /// Stock Cranelift's `system_v`, and a shim to C.
    ShimSystemV,
    /// Stock Cranelift's `tail`, which WebAssembly is compiled with, and a shim to C.
    ShimTail,
    /// gcc -O2.
    Gcc,
    /// clang -O2.
    Clang,
    /// `wasmtime::Func::wrap`, called from WebAssembly.
    WasmtimeWrap,
    /// `wasmtime::Func::new`, called from WebAssembly.
    WasmtimeNew,
}

/// Which side of the calls is under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub enum Side {
    /// The peer's code calls a Rust function.
    Caller,
    /// A Rust loop calls the peer's code.
    Callee,
}

impl Side {
    /// Calls in one iteration of a [`CallLoop`].
    pub fn calls(self) -> usize {
        match self {
            Side::Caller => CALLS,
            Side::Callee => 1,
        }
    }

    /// In tables.
    pub fn name(self) -> &'static str {
        match self {
            Side::Caller => "caller",
            Side::Callee => "callee",
        }
    }
}

/// What a loop of calls is to do, whoever makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoopSpec {
    /// Which side is the peer's.
    pub side: Side,
    /// What is called.
    pub shape: Shape,
    /// How calls depend on each other.
    pub pattern: Pattern,
}

/// By how many bytes placements differ. C compilers align functions to as many.
const PLACEMENT_BYTES: usize = 16;

/// A loop, or why the peer has none.
pub enum Made {
    /// It can run.
    Loop(CallLoop),
    /// In words.
    Skipped(String),
}

impl Peer {
    /// All, the convention first.
    pub const ALL: [Peer; 8] = [
        Peer::MultiOut,
        Peer::Explicit,
        Peer::ShimSystemV,
        Peer::ShimTail,
        Peer::Gcc,
        Peer::Clang,
        Peer::WasmtimeWrap,
        Peer::WasmtimeNew,
    ];

    /// In tables.
    pub fn name(self) -> &'static str {
        match self {
            Peer::MultiOut => "multi-out",
            Peer::Explicit => "explicit out pointer",
            Peer::ShimSystemV => "shim, system_v",
            Peer::ShimTail => "shim, tail",
            Peer::Gcc => "gcc -O2",
            Peer::Clang => "clang -O2",
            Peer::WasmtimeWrap => "Wasmtime Func::wrap",
            Peer::WasmtimeNew => "Wasmtime Func::new",
        }
    }

    /// Those that make code for a side.
    pub fn on(side: Side) -> impl Iterator<Item = Peer> {
        Peer::ALL.into_iter().filter(move |peer| match side {
            Side::Caller => true,
            Side::Callee => matches!(
                peer,
                Peer::MultiOut | Peer::Explicit | Peer::Gcc | Peer::Clang
            ),
        })
    }

    /// Makes a loop. The code of each `placement` lies 16 bytes behind that of the one before, Wasmtime's 32 bytes, which changes how
    /// long it takes, by chance and by up to a fifth.
    ///
    /// # Errors
    ///
    /// If a compiler that is there refuses the peer's code.
    pub fn make(self, spec: LoopSpec, placement: usize) -> Result<Made> {
        match self {
            Peer::MultiOut | Peer::Explicit | Peer::ShimSystemV | Peer::ShimTail => {
                cranelift::make(self, spec, placement)
            }
            Peer::Gcc | Peer::Clang => c::make(self, spec, placement),
            #[cfg(feature = "wasmtime")]
            Peer::WasmtimeWrap | Peer::WasmtimeNew => wasmtime::make(self, spec, placement),
            #[cfg(not(feature = "wasmtime"))]
            Peer::WasmtimeWrap | Peer::WasmtimeNew => Ok(Made::Skipped(
                "built without Wasmtime; use `cargo xtask bench`".into(),
            )),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Makes a loop of machine code that calls the Rust function `callee`, or of Rust that calls machine code. `owner` keeps the code.
///
/// # Safety
///
/// `code` is what [`crate::clif::caller_loop`] or [`crate::clif::callee`] describes, and what it calls accepts `callee`.
unsafe fn loop_of(
    spec: LoopSpec,
    code: *const u8,
    callee: *const u8,
    owner: Rc<dyn std::any::Any>,
) -> Result<Made> {
    use crate::shapes::Lane;
    use std::ffi::c_void;
    use std::ptr;

    let address = Some(code.addr());
    if spec.side == Side::Callee {
        let host = crate::host::host_of(spec.shape).and_then(|host| host.loops);
        let Some(loops) = host else {
            return Ok(Made::Skipped("there is no Rust loop for it".into()));
        };
        let run = loops[spec.pattern as usize];
        return Ok(Made::Loop(CallLoop {
            run: Box::new(move |iterations, seed| {
                let _code = &owner;
                // SAFETY: as the caller of `loop_of` promises; the owner lives.
                unsafe { run(code, iterations, seed) }
            }),
            address,
        }));
    }
    type Caller<T> = unsafe extern "C" fn(*const u8, *mut c_void, u64, T) -> T;
    let run: Box<dyn FnMut(u64, u64) -> u64> = match spec.shape.lane {
        Lane::I32 => {
            // SAFETY: as the caller of `loop_of` promises.
            let caller: Caller<u32> = unsafe { std::mem::transmute(code) };
            Box::new(move |iterations, seed| {
                let _code = &owner;
                // SAFETY: the same.
                unsafe { caller(callee, ptr::null_mut(), iterations, seed as u32).into() }
            })
        }
        Lane::I64 => {
            // SAFETY: as the caller of `loop_of` promises.
            let caller: Caller<u64> = unsafe { std::mem::transmute(code) };
            Box::new(move |iterations, seed| {
                let _code = &owner;
                // SAFETY: the same.
                unsafe { caller(callee, ptr::null_mut(), iterations, seed) }
            })
        }
    };
    Ok(Made::Loop(CallLoop { run, address }))
}
