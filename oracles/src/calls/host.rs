//! Rust functions of any shape, by the types of `multi-out`.
//!
//! [`Params`] is implemented for tuples. It gives `extern "C"` functions with such parameters and any
//! results, to be called by compiled code, and calls of compiled code.

use crate::calls::graffiti;
use crate::calls::vmctx::{Slot, VmContext};
use cranelift_codegen::ir::Type;
use cranelift_codegen::isa::multi_out::compute_out_area;
use multi_out::results::{InMemory, Return};
use multi_out::{AbiValue, FromCode};
use std::hint::black_box;
use std::ptr;

/// A 128-bit vector.
#[cfg(target_arch = "x86_64")]
pub type V128 = std::arch::x86_64::__m128i;
/// A 128-bit vector.
#[cfg(target_arch = "aarch64")]
pub type V128 = std::arch::aarch64::uint8x16_t;

/// A value that compiled code may give and take.
pub trait Value: AbiValue + FromCode {
    /// The value that begins a slot.
    fn from_slot(slot: &Slot) -> Self {
        const { assert!(size_of::<Self>() <= size_of::<Slot>()) };
        // SAFETY: the slot is at least as large, and every bit pattern is a value.
        unsafe { slot.as_ptr().cast::<Self>().read_unaligned() }
    }

    /// Put the value at the beginning of a slot.
    fn to_slot(self, slot: &mut Slot) {
        const { assert!(size_of::<Self>() <= size_of::<Slot>()) };
        // SAFETY: the slot is at least as large.
        unsafe { slot.as_mut_ptr().cast::<Self>().write_unaligned(self) }
    }
}

impl<T: AbiValue + FromCode> Value for T {}

/// Several results: a struct with `#[derive(Results)]`, or a tuple.
pub trait Results: Return<Shape = InMemory> {
    /// The types of the fields.
    fn types() -> Vec<Type> {
        Self::SLOTS.iter().map(|slot| slot.ty()).collect()
    }

    /// The offset and the size of each field, in bytes.
    fn fields() -> Vec<(usize, usize)> {
        let target = crate::toolchain::CTarget::host().expect("a target is this machine");
        let area = compute_out_area(&Self::types(), target.out_target()).expect("types of C");
        let fields = area.fields.iter();
        fields
            .map(|field| (field.offset as usize, field.ty.bytes() as usize))
            .collect()
    }
}

impl<R: Return<Shape = InMemory>> Results for R {}

/// The parameters of a function after `vmctx`.
pub trait Params {
    /// Their types.
    fn types() -> Vec<Type>;

    /// An `extern "C" fn(out: *mut R::Raw, vmctx: *mut VmContext, …)`: counts the call, leaves its
    /// arguments in `seen`, fills all of `out` with garbage and writes `results` to its fields.
    fn produce<R: Results>() -> *const u8;

    /// The same with a single result, in C's place for one.
    fn produce_single<T: Value>() -> *const u8;

    /// Call such a function with the arguments in `args`.
    ///
    /// # Safety
    ///
    /// `code` must be a function of that type, and `out` must be writable, aligned and not aliased.
    unsafe fn call<R: Results>(code: *const u8, out: *mut R::Raw, vmctx: &mut VmContext);

    /// Call a function with a single result.
    ///
    /// # Safety
    ///
    /// `code` must be a function of that type.
    unsafe fn call_single<T: Value>(code: *const u8, vmctx: &mut VmContext) -> T;
}

/// Put garbage into the registers of arguments and onto the stack, so that nothing is right because
/// an earlier call left it there.
#[rustfmt::skip]
pub fn scrub_arguments() {
    #[allow(clippy::too_many_arguments, reason = "to reach every register")]
    extern "C" fn scrub(
        _: i64, _: i64, _: i64, _: i64, _: i64, _: i64, _: i64, _: i64, _: i64, _: i64,
        _: f64, _: f64, _: f64, _: f64, _: f64, _: f64, _: f64, _: f64, _: f64, _: f64,
    ) {}
    let word = i64::from_ne_bytes([graffiti::GARBAGE; 8]);
    let number = f64::from_ne_bytes([graffiti::GARBAGE; 8]);
    // A compiler that saw the callee would not pass anything.
    black_box(scrub as extern "C" fn(_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _))(
        word, word, word, word, word, word, word, word, word, word,
        number, number, number, number, number, number, number, number, number, number,
    );
}

/// Write garbage to all of `out`, then `results` to its fields.
///
/// # Safety
///
/// `out` must be writable, and not a part of `vmctx`.
unsafe fn fill<R: Results>(out: *mut R::Raw, vmctx: &VmContext) {
    let out = out.cast::<u8>();
    // SAFETY: bytes of `R`.
    unsafe { ptr::write_bytes(out, graffiti::GARBAGE, size_of::<R::Raw>()) };
    for ((offset, size), slot) in R::fields().into_iter().zip(&vmctx.results) {
        // SAFETY: a field of `R`, no larger than a slot.
        unsafe { ptr::copy_nonoverlapping(slot.as_ptr(), out.add(offset), size) };
    }
}

macro_rules! params {
    ($($name:ident $index:tt),*) => {
        #[allow(non_snake_case, reason = "parameters are named after their types")]
        impl<$($name: Value),*> Params for ($($name,)*) {
            fn types() -> Vec<Type> {
                vec![$($name::TYPE),*]
            }

            fn produce<R: Results>() -> *const u8 {
                extern "C" fn produce<R: Results, $($name: Value),*>(
                    out: *mut R::Raw,
                    vmctx: &mut VmContext,
                    $($name: $name),*
                ) {
                    vmctx.calls += 1;
                    $($name.to_slot(&mut vmctx.seen[$index]);)*
                    // SAFETY: the caller provides writable memory of its own.
                    unsafe { fill::<R>(out, vmctx) };
                }
                produce::<R, $($name),*> as *const u8
            }

            fn produce_single<T: Value>() -> *const u8 {
                extern "C" fn produce<T: Value, $($name: Value),*>(
                    vmctx: &mut VmContext,
                    $($name: $name),*
                ) -> T {
                    vmctx.calls += 1;
                    $($name.to_slot(&mut vmctx.seen[$index]);)*
                    T::from_slot(&vmctx.results[0])
                }
                produce::<T, $($name),*> as *const u8
            }

            unsafe fn call<R: Results>(code: *const u8, out: *mut R::Raw, vmctx: &mut VmContext) {
                type Code<Raw, $($name),*> = unsafe extern "C" fn(*mut Raw, *mut VmContext, $($name),*);
                // SAFETY: the caller vouches for the type.
                let code: Code<R::Raw, $($name),*> = unsafe { std::mem::transmute(code) };
                $(let $name = $name::from_slot(&vmctx.args[$index]);)*
                // SAFETY: the caller vouches for `out`.
                unsafe { code(out, vmctx, $($name),*) }
            }

            unsafe fn call_single<T: Value>(code: *const u8, vmctx: &mut VmContext) -> T {
                type Code<T, $($name),*> = unsafe extern "C" fn(*mut VmContext, $($name),*) -> T;
                // SAFETY: the caller vouches for the type.
                let code: Code<T, $($name),*> = unsafe { std::mem::transmute(code) };
                $(let $name = $name::from_slot(&vmctx.args[$index]);)*
                // SAFETY: as above.
                unsafe { code(vmctx, $($name),*) }
            }
        }
    };
}

params!();
params!(A 0);
params!(A 0, B 1, C 2);
params!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
params!(
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15, Q 16, S 17
);
