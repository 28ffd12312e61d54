//! The library functions that compiled code may call, and no others.

use cranelift_codegen::CompiledCode;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::{Function, LibCall};
use cranelift_module::{FuncId, ModuleReloc, ModuleRelocTarget};

const COUNT: usize = if cfg!(target_arch = "x86_64") { 12 } else { 11 };

/// Names and addresses for the JIT.
pub fn symbols() -> [(&'static str, *const u8); COUNT] {
    [
        ("ceil", ceil as *const u8),
        ("ceilf", ceilf as *const u8),
        ("floor", floor as *const u8),
        ("floorf", floorf as *const u8),
        ("trunc", trunc as *const u8),
        ("truncf", truncf as *const u8),
        ("nearbyint", nearbyint as *const u8),
        ("nearbyintf", nearbyintf as *const u8),
        ("fma", fma as *const u8),
        ("fmaf", fmaf as *const u8),
        ("memcpy", memcpy as *const u8),
        #[cfg(target_arch = "x86_64")]
        ("__cranelift_x86_pshufb", x86_pshufb as *const u8),
    ]
}

/// Checks that the code of a function refers to nothing but functions of its module and the symbols above.
///
/// The JIT would fall back to symbols of this process, or panic. The function has no names but those that a module gives.
pub fn check_relocations(code: &CompiledCode, func: &Function, id: FuncId) -> Result<(), String> {
    for reloc in code.buffer.relocs() {
        if reloc.kind == Reloc::PulleyCallIndirectHost {
            return Err(
                "it calls a function of the host, which run tests on Pulley do not provide; \
                 a callee in the same file must be declared `colocated`"
                    .to_owned(),
            );
        }
        match ModuleReloc::from_mach_reloc(reloc, func, id).name {
            ModuleRelocTarget::LibCall(libcall) if !is_available(libcall) => {
                return Err(format!(
                    "it calls the library function {libcall}, which run tests do not provide"
                ));
            }
            ModuleRelocTarget::KnownSymbol(symbol) => {
                return Err(format!(
                    "it refers to the symbol {symbol}, which run tests do not provide"
                ));
            }
            ModuleRelocTarget::LibCall(_)
            | ModuleRelocTarget::User { .. }
            | ModuleRelocTarget::FunctionOffset(..) => {}
        }
    }
    Ok(())
}

fn is_available(libcall: LibCall) -> bool {
    let name = cranelift_module::default_libcall_names()(libcall);
    symbols().iter().any(|(symbol, _)| *symbol == name)
}

extern "C" fn ceil(x: f64) -> f64 {
    x.ceil()
}

extern "C" fn ceilf(x: f32) -> f32 {
    x.ceil()
}

extern "C" fn floor(x: f64) -> f64 {
    x.floor()
}

extern "C" fn floorf(x: f32) -> f32 {
    x.floor()
}

extern "C" fn trunc(x: f64) -> f64 {
    x.trunc()
}

extern "C" fn truncf(x: f32) -> f32 {
    x.trunc()
}

extern "C" fn nearbyint(x: f64) -> f64 {
    x.round_ties_even()
}

extern "C" fn nearbyintf(x: f32) -> f32 {
    x.round_ties_even()
}

extern "C" fn fma(x: f64, y: f64, z: f64) -> f64 {
    x.mul_add(y, z)
}

extern "C" fn fmaf(x: f32, y: f32, z: f32) -> f32 {
    x.mul_add(y, z)
}

/// How x86-64 code copies a struct argument.
///
/// # Safety
///
/// As for C's function.
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the caller keeps C's rules.
    unsafe { std::ptr::copy_nonoverlapping(from, to, count) };
    to
}

/// What the instruction `pshufb` does, for x86-64 targets that do not have it.
#[cfg(target_arch = "x86_64")]
#[expect(
    improper_ctypes_definitions,
    reason = "compiled code passes 16-byte vectors in registers, as this type is passed"
)]
extern "C" fn x86_pshufb(
    values: std::arch::x86_64::__m128i,
    selectors: std::arch::x86_64::__m128i,
) -> std::arch::x86_64::__m128i {
    use std::arch::x86_64::__m128i;
    use std::mem::transmute;
    // SAFETY: both types are sixteen bytes, all of whose bit patterns are valid.
    let values = unsafe { transmute::<__m128i, [u8; 16]>(values) };
    // SAFETY: as above.
    let selectors = unsafe { transmute::<__m128i, [u8; 16]>(selectors) };
    let result = selectors.map(|selector| {
        if selector & 0x80 == 0 {
            values[usize::from(selector & 0x0f)]
        } else {
            0
        }
    });
    // SAFETY: as above.
    unsafe { transmute::<[u8; 16], __m128i>(result) }
}
