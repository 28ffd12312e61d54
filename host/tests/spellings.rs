//! Every value type compiles as parameter, result and field, and so does every way to write a host function.

use cranelift_jit::JITModule;
use multi_out::{AbiValue, Error, FromCode, Function, Imports, Out, Results, Vmctx};
use std::ptr::NonNull;

#[derive(AbiValue, FromCode, Clone, Copy)]
#[repr(transparent)]
struct Handle(u32);

type Callback = unsafe extern "C" fn(*mut u8, i32) -> i32;
type SafeCallback = extern "C-unwind" fn(u64);

/// More public than the type of its first field.
#[derive(Results)]
#[repr(C)]
#[allow(dead_code, reason = "it is its type that matters")]
pub struct All {
    handle: Handle,
    pointer: *mut String,
    constant: *const u8,
    optional: Option<NonNull<u64>>,
    callback: Option<Callback>,
    i8: i8,
    i16: i16,
    i32: i32,
    i64: i64,
    i128: i128,
    isize: isize,
    u8: u8,
    u16: u16,
    u32: u32,
    u64: u64,
    u128: u128,
    usize: usize,
    f32: f32,
    f64: f64,
}

#[derive(Results)]
#[repr(C)]
#[allow(dead_code, reason = "it is its type that matters")]
struct Named {
    is_found: bool,
    callback: SafeCallback,
}

extern "C" fn is_found(_: u64) -> bool {
    true
}

unsafe extern "C" fn raw(_: *mut Named, _: *mut u64, _: i32) {}
unsafe extern "C-unwind" fn raw_unwind(_: *mut Named, _: *mut u64, _: i32) {}
extern "C" fn safe(_: Out<'_, Named>, _: &mut u64, _: i32) {}
extern "C-unwind" fn safe_unwind(_: Out<'_, Named>, _: &mut u64, _: i32) {}

fn parameters_and_results<T: AbiValue + FromCode>(module: &mut JITModule) -> Result<(), Error>
where
    fn(T, T) -> (T, T): multi_out::Signature,
{
    Function::<fn(T, T) -> (T, T)>::export(module, "f").map(drop)
}

#[test]
fn they_compile() {
    let mut imports = Imports::new();
    imports.function::<fn(u64) -> bool>("is_found", is_found);
    imports.function::<fn(Vmctx<u64>, i32) -> Named>("raw", raw);
    imports.unwind_function::<fn(Vmctx<u64>, i32) -> Named>("raw_unwind", raw_unwind);
    imports.safe_function::<fn(Vmctx<u64>, i32) -> Named>("safe", safe);
    imports.safe_unwind_function::<fn(Vmctx<u64>, i32) -> Named>("safe_unwind", safe_unwind);
    let _ = [
        parameters_and_results::<Handle>,
        parameters_and_results::<*mut String>,
        parameters_and_results::<Option<NonNull<u64>>>,
        parameters_and_results::<Option<Callback>>,
        parameters_and_results::<i128>,
        parameters_and_results::<f64>,
    ];
    fn is_from_code<T: FromCode>() {}
    is_from_code::<All>();
    #[cfg(target_arch = "x86_64")]
    is_from_code::<(
        std::arch::x86_64::__m128i,
        std::arch::x86_64::__m128,
        std::arch::x86_64::__m128d,
    )>();
}

#[test]
fn a_host_function_can_be_called_as_a_function_of_rust() {
    extern "C" fn halve(out: Out<'_, Halves>, number: i32) {
        out.write(Halves {
            half: number / 2,
            rest: number % 2,
        });
    }
    let mut halves = std::mem::MaybeUninit::uninit();
    halve(Out::from(&mut halves), 7);
    // SAFETY: `halve` writes them.
    let Halves { half, rest } = unsafe { halves.assume_init() };
    assert_eq!((half, rest), (3, 1));
}

#[test]
fn a_host_function_that_writes_no_results_panics() {
    extern "C-unwind" fn forgets(_: Out<'_, Halves>) {}
    extern "C-unwind" fn panics(_: Out<'_, Halves>) {
        std::panic::resume_unwind(Box::new(1));
    }
    let mut halves = std::mem::MaybeUninit::uninit();
    let mut message = |function: extern "C-unwind" fn(Out<'_, Halves>)| {
        let call = std::panic::AssertUnwindSafe(|| function(Out::from(&mut halves)));
        std::panic::catch_unwind(call).unwrap_err()
    };
    let text = message(forgets);
    let text = text.downcast_ref::<&str>().unwrap();
    assert!(text.contains("returns without its results"), "{text}");
    assert_eq!(message(panics).downcast_ref(), Some(&1));
}

#[derive(Results)]
#[repr(C)]
struct Halves {
    half: i32,
    rest: i32,
}

/// A field may name its own struct.
#[derive(Results)]
#[repr(C)]
struct Next {
    next: *mut Self,
    value: i32,
}

#[test]
fn a_field_may_point_to_its_struct() {
    let mut next = std::mem::MaybeUninit::<Next>::uninit();
    let next_is = Next {
        next: std::ptr::null_mut(),
        value: 7,
    };
    Out::from(&mut next).write(next_is);
    // SAFETY: it is written.
    let Next { next, value } = unsafe { next.assume_init() };
    assert!(next.is_null() && value == 7);
}
