//! Windows' convention, by Rust functions that are `extern "win64"`: on Linux, code for a Windows triple runs, too.
#![cfg(all(target_arch = "x86_64", unix))]

use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Linkage, default_libcall_names};
use multi_out::{BackEnd, Function, Results, Signature, Vmctx};

fn windows() -> OwnedTargetIsa {
    let mut flags = settings::builder();
    flags.set("opt_level", "speed").unwrap();
    let builder = isa::lookup_by_name("x86_64-pc-windows-msvc").unwrap();
    builder.finish(settings::Flags::new(flags)).unwrap()
}

/// The code of a function that passes its arguments on to `host`, and returns what comes back.
fn relay<S: Signature>(back_end: BackEnd, host: *const u8) -> (JITModule, *const u8) {
    let mut builder = JITBuilder::with_isa(windows(), default_libcall_names());
    builder.symbol("host", host);
    let mut module = JITModule::new(builder);
    let declare = |module: &mut _, name, linkage| {
        Function::<S>::declare_with(back_end, module, name, linkage).unwrap()
    };
    let host = declare(&mut module, "host", Linkage::Import);
    let relay = declare(&mut module, "relay", Linkage::Export);
    relay
        .define(&mut module, |body, args| body.call(&host, args))
        .unwrap();
    module.finalize_definitions().unwrap();
    let code = module.get_finalized_function(relay.id());
    (module, code)
}

/// `$host`, called directly and through compiled code, answers the same.
macro_rules! same {
    ($host:ident($($ty:ty),*) -> $result:ty, $($arg:expr),*) => {
        type Host = unsafe extern "win64" fn(*mut $result, *mut u64, $($ty),*);
        type Declared = fn(Vmctx<u64>, $($ty),*) -> $result;
        for &back_end in BackEnd::ALL {
            let host: Host = $host;
            let (_module, code) = relay::<Declared>(back_end, host as *const u8);
            // SAFETY: `relay` is a function of this type on Windows.
            let relay: Host = unsafe { std::mem::transmute(code) };
            let results = [host, relay].map(|function| {
                let mut vmctx = 0_u64;
                let mut out = <$result>::default();
                // SAFETY: both write to their first argument, and to the context.
                unsafe { function(&mut out, &mut vmctx, $($arg),*) };
                assert_eq!(vmctx, 1);
                out
            });
            assert_eq!(results[0], results[1], "{back_end:?}");
        }
    };
}

#[derive(Results, Debug, Default, PartialEq)]
#[repr(C)]
struct Mixed(u8, f64, i16, f32, i64);

unsafe extern "win64" fn floats_move(
    out: *mut Mixed,
    vmctx: *mut u64,
    a: f64,
    b: f32,
    c: u8,
    d: i64,
    e: f64,
    f: i16,
) {
    // SAFETY: the caller's place for results, and its context.
    unsafe {
        *vmctx += 1;
        out.write(Mixed(c, a + e, f, b, d));
    }
}

#[test]
fn positions_count_integers_and_floats() {
    same!(
        floats_move(f64, f32, u8, i64, f64, i16) -> Mixed,
        -1.5, 0.25, 200, i64::MIN, 1e300, -300
    );
}

#[derive(Results, Debug, Default, PartialEq)]
#[repr(C)]
struct Every(
    i8,
    u8,
    i16,
    u16,
    i32,
    u32,
    i64,
    u64,
    f32,
    f64,
    bool,
    usize,
    i128,
);

unsafe extern "win64" fn every_type(
    out: *mut Every,
    vmctx: *mut u64,
    a: i8,
    b: u8,
    c: i16,
    d: u16,
    e: i32,
    f: u32,
    g: i64,
    h: u64,
    i: f32,
    j: f64,
    k: bool,
    l: usize,
) {
    // SAFETY: the caller's place for results, and its context.
    unsafe {
        *vmctx += 1;
        out.write(Every(a, b, c, d, e, f, g, h, i, j, k, l, i128::MIN + 1));
    }
}

#[test]
fn every_type_is_a_parameter_and_a_field() {
    same!(
        every_type(i8, u8, i16, u16, i32, u32, i64, u64, f32, f64, bool, usize) -> Every,
        -1, 254, -3, 0xfffc, -5, 0xffff_fffa, -7, u64::MAX - 7, -9.5, 10.25, true, usize::MAX - 11
    );
}

unsafe extern "win64" fn one_result(a: f32, b: i8, c: f64, d: u16, e: u32) -> f64 {
    f64::from(a) + f64::from(b) + c + f64::from(d) + f64::from(e)
}

#[test]
fn one_result_is_where_windows_has_it() {
    type Host = unsafe extern "win64" fn(f32, i8, f64, u16, u32) -> f64;
    for &back_end in BackEnd::ALL {
        let host: Host = one_result;
        let (_module, code) =
            relay::<fn(f32, i8, f64, u16, u32) -> f64>(back_end, host as *const u8);
        // SAFETY: `relay` is a function of this type on Windows.
        let relay: Host = unsafe { std::mem::transmute(code) };
        let args = (0.5, -100, 0.25, 60_000, 4_000_000_000);
        // SAFETY: `relay` calls `host`, which calculates.
        let got = unsafe { relay(args.0, args.1, args.2, args.3, args.4) };
        assert_eq!(got, 0.5 - 100.0 + 0.25 + 60_000.0 + 4e9, "{back_end:?}");
    }
}

#[test]
fn what_c_passes_by_reference_is_refused() {
    for &back_end in BackEnd::ALL {
        let mut module = JITModule::new(JITBuilder::with_isa(windows(), default_libcall_names()));
        let function =
            Function::<fn(i128)>::declare_with(back_end, &mut module, "f", Linkage::Export);
        let error = function
            .and_then(|function| function.define(&mut module, |_, _| Ok([])))
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("i128") || text.contains("128-bit"), "{text}");
    }
}

#[test]
#[cfg(feature = "fork")]
fn a_platform_without_a_convention_is_told() {
    let isa = isa::lookup_by_name("aarch64-pc-windows-msvc").unwrap();
    let isa = isa
        .finish(settings::Flags::new(settings::builder()))
        .unwrap();
    assert_eq!(BackEnd::preferred(&*isa), BackEnd::ExplicitPointer);
    let error = BackEnd::MultiOut
        .signature::<fn(i32) -> (i32, i32)>(&*isa)
        .unwrap_err();
    assert!(
        matches!(error, multi_out::Error::Unsupported { .. }),
        "{error}"
    );
}
