//! The Rust side: host functions that compiled code calls, and the loop that calls compiled functions.
//!
//! All peers are measured against the same ones. The functions exist several times for each shape, as their place in memory
//! matters, too.

use crate::shapes::{COUNTS, Lane, SCALING, Shape, Step};
use std::arch::asm;
use std::ffi::c_void;
use std::ptr;

/// An integer of a [`Lane`].
trait Integer: Copy {
    /// The constant of a link.
    fn constant(link: usize) -> Self;
    fn step(step: Step, a: Self, b: Self) -> Self;
    fn from_u64(value: u64) -> Self;
    fn to_u64(self) -> u64;
}

macro_rules! integer {
    ($ty:ty) => {
        impl Integer for $ty {
            #[inline(always)]
            fn constant(link: usize) -> Self {
                Shape::constant(link) as $ty
            }
            #[inline(always)]
            fn step(step: Step, a: Self, b: Self) -> Self {
                match step {
                    Step::Add => a.wrapping_add(b),
                    Step::Xor => a ^ b,
                }
            }
            #[inline(always)]
            fn from_u64(value: u64) -> Self {
                value as $ty
            }
            #[inline(always)]
            fn to_u64(self) -> u64 {
                self.into()
            }
        }
    };
}
integer!(u32);
integer!(u64);

/// The struct of the results, as C and the convention have it.
#[repr(C)]
pub(crate) struct Out<T, const N: usize>([T; N]);

/// The function that compiled code calls: fills in the chain that begins with `x`.
extern "C" fn host<T: Integer, const N: usize, const PLACE: usize>(
    out: &mut Out<T, N>,
    _vmctx: *mut c_void,
    x: T,
) {
    // SAFETY: no instruction. Functions that differ in nothing would be merged.
    unsafe { asm!("/* {} */", const PLACE, options(nomem, nostack, preserves_flags)) };
    let mut link = x;
    for (index, field) in out.0.iter_mut().enumerate() {
        link = T::step(Step::at(index), link, T::constant(index));
        *field = link;
    }
}

/// The same with one result, which is returned in a register.
extern "C" fn host_one<T: Integer>(_vmctx: *mut c_void, x: T) -> T {
    T::step(Step::at(0), x, T::constant(0))
}

type Callee<T, const N: usize> = unsafe extern "C" fn(*mut Out<T, N>, *mut c_void, T);

/// Calls a compiled function in a dependent loop.
///
/// # Safety
///
/// `callee` is a function of the shape.
#[inline(never)]
unsafe fn call_dependent<T: Integer, const N: usize>(
    callee: *const u8,
    iterations: u64,
    seed: u64,
) -> u64 {
    // SAFETY: as the caller promises.
    let callee: Callee<T, N> = unsafe { std::mem::transmute(callee) };
    let mut state = T::from_u64(seed);
    let mut out = Out([state; N]);
    for _ in 0..iterations {
        // SAFETY: as the caller promises, and the struct is one of that shape.
        unsafe { callee(&mut out, ptr::null_mut(), state) };
        state = fold(&out);
    }
    state.to_u64()
}

/// The same in an independent loop.
///
/// # Safety
///
/// `callee` is a function of the shape.
#[inline(never)]
unsafe fn call_independent<T: Integer, const N: usize>(
    callee: *const u8,
    iterations: u64,
    seed: u64,
) -> u64 {
    // SAFETY: as the caller promises.
    let callee: Callee<T, N> = unsafe { std::mem::transmute(callee) };
    let mut state = T::from_u64(seed);
    let mut out = Out([state; N]);
    for counter in (1..=iterations).rev() {
        // SAFETY: as the caller promises, and the struct is one of that shape.
        unsafe { callee(&mut out, ptr::null_mut(), T::from_u64(counter)) };
        state = T::step(Step::Add, state, fold(&out));
    }
    state.to_u64()
}

#[inline(always)]
fn fold<T: Integer, const N: usize>(out: &Out<T, N>) -> T {
    let rest = out.0.iter().enumerate().skip(1);
    rest.fold(out.0[0], |sum, (index, field)| {
        T::step(Step::at(index), sum, *field)
    })
}

/// A loop of calls of a compiled function: its address, iterations, seed; the result is the checksum.
pub type CallLoop = unsafe fn(*const u8, u64, u64) -> u64;

/// The Rust functions of one shape.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// The function that compiled code calls, at each of its places.
    functions: [*const u8; PLACES],
    /// The loops that call compiled functions: dependent, independent. None for one result.
    pub loops: Option<[CallLoop; 2]>,
}

/// At how many places a function is that compiled code calls. They follow each other, so they begin elsewhere in a cache line unless
/// the function fills whole ones.
const PLACES: usize = 4;

impl Host {
    /// The function to call from a placement of the caller's code. Two placements of that, which lie differently, have the same.
    pub fn function(&self, placement: usize) -> *const u8 {
        self.functions[placement / 2 % PLACES]
    }
}

macro_rules! hosts {
    ($count:expr, $ty:ty; $($n:literal)*) => {
        match $count {
            1 => Some(Host { functions: [host_one::<$ty> as *const u8; PLACES], loops: None }),
            $($n => Some(Host {
                functions: [
                    host::<$ty, $n, 0> as *const u8,
                    host::<$ty, $n, 1> as *const u8,
                    host::<$ty, $n, 2> as *const u8,
                    host::<$ty, $n, 3> as *const u8,
                ],
                loops: Some([call_dependent::<$ty, $n>, call_independent::<$ty, $n>]),
            }),)*
            _ => None,
        }
    };
}

/// The Rust functions of a shape whose count is in [`COUNTS`] or [`SCALING`].
pub fn host_of(shape: Shape) -> Option<Host> {
    debug_assert!(COUNTS.contains(&shape.count) || SCALING.contains(&shape.count));
    match shape.lane {
        Lane::I32 => hosts!(shape.count, u32; 2 4 5 8 10 16 20 50 100 200 500 1000),
        Lane::I64 => hosts!(shape.count, u64; 2 4 5 8 10 16 20 50 100 200 500 1000),
    }
}
