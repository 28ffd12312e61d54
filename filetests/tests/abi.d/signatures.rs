#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(any(windows, target_vendor = "apple"))))]
pub use x86_64::*;

#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(any(windows, target_vendor = "apple"))))]
mod x86_64 {
    // signatures.clif:12: %area, fn0 = %area in %area
    // (i64 vmctx, i32 sext, i128, i64, i64, i8 uext, f64) -> i8, i128, f32, f64 system_v_multi_out
    #[repr(C)]
    pub struct AreaOut {
        pub r0: i8,
        pub r1: i128,
        pub r2: f32,
        pub r3: f64,
    }
    const _: () = assert!(core::mem::size_of::<AreaOut>() == 48);
    const _: () = assert!(core::mem::align_of::<AreaOut>() == 16);
    const _: () = assert!(core::mem::offset_of!(AreaOut, r0) == 0);
    const _: () = assert!(core::mem::offset_of!(AreaOut, r1) == 16);
    const _: () = assert!(core::mem::offset_of!(AreaOut, r2) == 32);
    const _: () = assert!(core::mem::offset_of!(AreaOut, r3) == 40);
    pub type AreaFn = unsafe extern "C" fn(out: *mut AreaOut, vmctx: *mut core::ffi::c_void, a0: i32, a1: i128, a2: i64, a3: i64, a4: u8, a5: f64);
    unsafe extern "C" {
        pub fn area(out: *mut AreaOut, vmctx: *mut core::ffi::c_void, a0: i32, a1: i128, a2: i64, a3: i64, a4: u8, a5: f64);
    }

    // signatures.clif:13: sig0 in %area, fn1 = u1:2 in %area
    // (i64 vmctx, i8x16, i8x16, f32) -> i32x4, i16 system_v_multi_out
    #[repr(C)]
    pub struct U1_2Out {
        pub r0: core::arch::x86_64::__m128i,
        pub r1: i16,
    }
    const _: () = assert!(core::mem::size_of::<U1_2Out>() == 32);
    const _: () = assert!(core::mem::align_of::<U1_2Out>() == 16);
    const _: () = assert!(core::mem::offset_of!(U1_2Out, r0) == 0);
    const _: () = assert!(core::mem::offset_of!(U1_2Out, r1) == 16);
    #[allow(improper_ctypes_definitions)]
    pub type U1_2Fn = unsafe extern "C" fn(out: *mut U1_2Out, vmctx: *mut core::ffi::c_void, a0: core::arch::x86_64::__m128i, a1: core::arch::x86_64::__m128i, a2: f32);
    // No declaration of u1_2: stable Rust has no vectors in those of foreign functions.

    // signatures.clif:14: sig1 in %area
    // (i64) -> i64 sext fast
    // refused: C has no `fast` convention on x86_64

    // signatures.clif:17: fn2 = %long in %area
    // (i64, i64) -> i64 system_v
    pub type LongFn = unsafe extern "C" fn(a0: i64, a1: i64) -> i64;
    unsafe extern "C" {
        pub fn long(a0: i64, a1: i64) -> i64;
    }

    // signatures.clif:23: %single
    // (i128) -> i128 system_v_multi_out
    pub type SingleFn = unsafe extern "C" fn(a0: i128) -> i128;
    unsafe extern "C" {
        pub fn single(a0: i128) -> i128;
    }

    // signatures.clif:28: %none
    // () system_v
    pub type NoneFn = unsafe extern "C" fn();
    unsafe extern "C" {
        pub fn none();
    }

    // signatures.clif:34: %vectors
    // (i8x16, i8x16) system_v
    #[allow(improper_ctypes_definitions)]
    pub type VectorsFn = unsafe extern "C" fn(a0: core::arch::x86_64::__m128i, a1: core::arch::x86_64::__m128i);
    // No declaration of vectors: stable Rust has no vectors in those of foreign functions.

    // signatures.clif:39: %returned_struct
    // (i64 sret, i32 sext) system_v
    pub type ReturnedStructFn = unsafe extern "C" fn(sret: *mut core::ffi::c_void, a0: i32);
    unsafe extern "C" {
        pub fn returned_struct(sret: *mut core::ffi::c_void, a0: i32);
    }

    // signatures.clif:44: %floats
    // (f16, f128) -> f16, f128 system_v_multi_out
    // refused: stable Rust has no type f16

    // signatures.clif:49: %registers
    // (i64, f64) -> i64, i32, f64, f64 tail
    // refused: C has no `tail` convention on x86_64
}

#[cfg(all(target_arch = "aarch64", target_pointer_width = "64", not(any(windows, target_vendor = "apple"))))]
pub use aarch64::*;

#[cfg(all(target_arch = "aarch64", target_pointer_width = "64", not(any(windows, target_vendor = "apple"))))]
mod aarch64 {
    // signatures.clif:12: %area, fn0 = %area in %area
    // (i64 vmctx, i32 sext, i128, i64, i64, i8 uext, f64) -> i8, i128, f32, f64 system_v_multi_out
    #[repr(C)]
    pub struct AreaOut {
        pub r0: i8,
        pub r1: i128,
        pub r2: f32,
        pub r3: f64,
    }
    const _: () = assert!(core::mem::size_of::<AreaOut>() == 48);
    const _: () = assert!(core::mem::align_of::<AreaOut>() == 16);
    const _: () = assert!(core::mem::offset_of!(AreaOut, r0) == 0);
    const _: () = assert!(core::mem::offset_of!(AreaOut, r1) == 16);
    const _: () = assert!(core::mem::offset_of!(AreaOut, r2) == 32);
    const _: () = assert!(core::mem::offset_of!(AreaOut, r3) == 40);
    pub type AreaFn = unsafe extern "C" fn(out: *mut AreaOut, vmctx: *mut core::ffi::c_void, a0: i32, a1: i128, a2: i64, a3: i64, a4: u8, a5: f64);
    unsafe extern "C" {
        pub fn area(out: *mut AreaOut, vmctx: *mut core::ffi::c_void, a0: i32, a1: i128, a2: i64, a3: i64, a4: u8, a5: f64);
    }

    // signatures.clif:13: sig0 in %area, fn1 = u1:2 in %area
    // (i64 vmctx, i8x16, i8x16, f32) -> i32x4, i16 system_v_multi_out
    #[repr(C)]
    pub struct U1_2Out {
        pub r0: core::arch::aarch64::int32x4_t,
        pub r1: i16,
    }
    const _: () = assert!(core::mem::size_of::<U1_2Out>() == 32);
    const _: () = assert!(core::mem::align_of::<U1_2Out>() == 16);
    const _: () = assert!(core::mem::offset_of!(U1_2Out, r0) == 0);
    const _: () = assert!(core::mem::offset_of!(U1_2Out, r1) == 16);
    #[allow(improper_ctypes_definitions)]
    pub type U1_2Fn = unsafe extern "C" fn(out: *mut U1_2Out, vmctx: *mut core::ffi::c_void, a0: core::arch::aarch64::int8x16_t, a1: core::arch::aarch64::int8x16_t, a2: f32);
    // No declaration of u1_2: stable Rust has no vectors in those of foreign functions.

    // signatures.clif:14: sig1 in %area
    // (i64) -> i64 sext fast
    // refused: C has no `fast` convention on aarch64

    // signatures.clif:17: fn2 = %long in %area
    // (i64, i64) -> i64 system_v
    pub type LongFn = unsafe extern "C" fn(a0: i64, a1: i64) -> i64;
    unsafe extern "C" {
        pub fn long(a0: i64, a1: i64) -> i64;
    }

    // signatures.clif:23: %single
    // (i128) -> i128 system_v_multi_out
    pub type SingleFn = unsafe extern "C" fn(a0: i128) -> i128;
    unsafe extern "C" {
        pub fn single(a0: i128) -> i128;
    }

    // signatures.clif:28: %none
    // () system_v
    pub type NoneFn = unsafe extern "C" fn();
    unsafe extern "C" {
        pub fn none();
    }

    // signatures.clif:34: %vectors
    // (i8x16, i8x16) system_v
    #[allow(improper_ctypes_definitions)]
    pub type VectorsFn = unsafe extern "C" fn(a0: core::arch::aarch64::int8x16_t, a1: core::arch::aarch64::int8x16_t);
    // No declaration of vectors: stable Rust has no vectors in those of foreign functions.

    // signatures.clif:39: %returned_struct
    // (i64 sret, i32 sext) system_v
    // refused: C has no parameter for an `sret` pointer, which is in x8 on aarch64

    // signatures.clif:44: %floats
    // (f16, f128) -> f16, f128 system_v_multi_out
    // refused: stable Rust has no type f16

    // signatures.clif:49: %registers
    // (i64, f64) -> i64, i32, f64, f64 tail
    // refused: C has no `tail` convention on aarch64
}

#[cfg(all(target_arch = "riscv64", target_pointer_width = "64", not(any(windows, target_vendor = "apple"))))]
pub use riscv64::*;

#[cfg(all(target_arch = "riscv64", target_pointer_width = "64", not(any(windows, target_vendor = "apple"))))]
mod riscv64 {
    // signatures.clif:12: %area, fn0 = %area in %area
    // (i64 vmctx, i32 sext, i128, i64, i64, i8 uext, f64) -> i8, i128, f32, f64 system_v_multi_out
    #[repr(C)]
    pub struct AreaOut {
        pub r0: i8,
        pub r1: i128,
        pub r2: f32,
        pub r3: f64,
    }
    const _: () = assert!(core::mem::size_of::<AreaOut>() == 48);
    const _: () = assert!(core::mem::align_of::<AreaOut>() == 16);
    const _: () = assert!(core::mem::offset_of!(AreaOut, r0) == 0);
    const _: () = assert!(core::mem::offset_of!(AreaOut, r1) == 16);
    const _: () = assert!(core::mem::offset_of!(AreaOut, r2) == 32);
    const _: () = assert!(core::mem::offset_of!(AreaOut, r3) == 40);
    pub type AreaFn = unsafe extern "C" fn(out: *mut AreaOut, vmctx: *mut core::ffi::c_void, a0: i32, a1: i128, a2: i64, a3: i64, a4: u8, a5: f64);
    unsafe extern "C" {
        pub fn area(out: *mut AreaOut, vmctx: *mut core::ffi::c_void, a0: i32, a1: i128, a2: i64, a3: i64, a4: u8, a5: f64);
    }

    // signatures.clif:13: sig0 in %area, fn1 = u1:2 in %area
    // (i64 vmctx, i8x16, i8x16, f32) -> i32x4, i16 system_v_multi_out
    // refused: Unsupported feature: `system_v_multi_out` on riscv64 cannot pass a parameter of type i8x16 where C does

    // signatures.clif:14: sig1 in %area
    // (i64) -> i64 sext fast
    // refused: C has no `fast` convention on riscv64

    // signatures.clif:17: fn2 = %long in %area
    // (i64, i64) -> i64 system_v
    pub type LongFn = unsafe extern "C" fn(a0: i64, a1: i64) -> i64;
    unsafe extern "C" {
        pub fn long(a0: i64, a1: i64) -> i64;
    }

    // signatures.clif:23: %single
    // (i128) -> i128 system_v_multi_out
    pub type SingleFn = unsafe extern "C" fn(a0: i128) -> i128;
    unsafe extern "C" {
        pub fn single(a0: i128) -> i128;
    }

    // signatures.clif:28: %none
    // () system_v
    pub type NoneFn = unsafe extern "C" fn();
    unsafe extern "C" {
        pub fn none();
    }

    // signatures.clif:34: %vectors
    // (i8x16, i8x16) system_v
    // refused: `system_v` and C disagree: Unsupported feature: `system_v_multi_out` on riscv64 cannot pass a parameter of type i8x16 where C does

    // signatures.clif:39: %returned_struct
    // (i64 sret, i32 sext) system_v
    pub type ReturnedStructFn = unsafe extern "C" fn(sret: *mut core::ffi::c_void, a0: i32);
    unsafe extern "C" {
        pub fn returned_struct(sret: *mut core::ffi::c_void, a0: i32);
    }

    // signatures.clif:44: %floats
    // (f16, f128) -> f16, f128 system_v_multi_out
    // refused: stable Rust has no type f16

    // signatures.clif:49: %registers
    // (i64, f64) -> i64, i32, f64, f64 tail
    // refused: C has no `tail` convention on riscv64
}

#[cfg(all(target_arch = "s390x", target_pointer_width = "64", not(any(windows, target_vendor = "apple"))))]
pub use s390x::*;

#[cfg(all(target_arch = "s390x", target_pointer_width = "64", not(any(windows, target_vendor = "apple"))))]
mod s390x {
    // signatures.clif:12: %area, fn0 = %area in %area
    // (i64 vmctx, i32 sext, i128, i64, i64, i8 uext, f64) -> i8, i128, f32, f64 system_v_multi_out
    #[repr(C)]
    pub struct AreaOut {
        pub r0: i8,
        pub r1: i128,
        pub r2: f32,
        pub r3: f64,
    }
    const _: () = assert!(core::mem::size_of::<AreaOut>() == 40);
    const _: () = assert!(core::mem::align_of::<AreaOut>() == 8);
    const _: () = assert!(core::mem::offset_of!(AreaOut, r0) == 0);
    const _: () = assert!(core::mem::offset_of!(AreaOut, r1) == 8);
    const _: () = assert!(core::mem::offset_of!(AreaOut, r2) == 24);
    const _: () = assert!(core::mem::offset_of!(AreaOut, r3) == 32);
    pub type AreaFn = unsafe extern "C" fn(out: *mut AreaOut, vmctx: *mut core::ffi::c_void, a0: i32, a1: i128, a2: i64, a3: i64, a4: u8, a5: f64);
    unsafe extern "C" {
        pub fn area(out: *mut AreaOut, vmctx: *mut core::ffi::c_void, a0: i32, a1: i128, a2: i64, a3: i64, a4: u8, a5: f64);
    }

    // signatures.clif:13: sig0 in %area, fn1 = u1:2 in %area
    // (i64 vmctx, i8x16, i8x16, f32) -> i32x4, i16 system_v_multi_out
    // refused: stable Rust has no type i32x4 on this target

    // signatures.clif:14: sig1 in %area
    // (i64) -> i64 sext fast
    // refused: C has no `fast` convention on s390x

    // signatures.clif:17: fn2 = %long in %area
    // (i64, i64) -> i64 system_v
    pub type LongFn = unsafe extern "C" fn(a0: i64, a1: i64) -> i64;
    unsafe extern "C" {
        pub fn long(a0: i64, a1: i64) -> i64;
    }

    // signatures.clif:23: %single
    // (i128) -> i128 system_v_multi_out
    pub type SingleFn = unsafe extern "C" fn(a0: i128) -> i128;
    unsafe extern "C" {
        pub fn single(a0: i128) -> i128;
    }

    // signatures.clif:28: %none
    // () system_v
    pub type NoneFn = unsafe extern "C" fn();
    unsafe extern "C" {
        pub fn none();
    }

    // signatures.clif:34: %vectors
    // (i8x16, i8x16) system_v
    // refused: `system_v` and C disagree: a1 is in v25, where C has it in v26

    // signatures.clif:39: %returned_struct
    // (i64 sret, i32 sext) system_v
    pub type ReturnedStructFn = unsafe extern "C" fn(sret: *mut core::ffi::c_void, a0: i32);
    unsafe extern "C" {
        pub fn returned_struct(sret: *mut core::ffi::c_void, a0: i32);
    }

    // signatures.clif:44: %floats
    // (f16, f128) -> f16, f128 system_v_multi_out
    // refused: stable Rust has no type f16

    // signatures.clif:49: %registers
    // (i64, f64) -> i64, i32, f64, f64 tail
    // refused: C has no `tail` convention on s390x
}
