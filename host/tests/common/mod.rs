//! Modules for the tests.

use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::default_libcall_names;
use multi_out::Imports;

/// This machine, with the setting that stock Cranelift needs for `i128`.
pub fn isa() -> OwnedTargetIsa {
    let mut flags = settings::builder();
    flags.enable("enable_llvm_abi_extensions").unwrap();
    let builder = cranelift_native::builder().unwrap();
    builder.finish(settings::Flags::new(flags)).unwrap()
}

/// An empty module.
#[allow(dead_code, reason = "not all tests have imports")]
pub fn module(imports: &Imports) -> JITModule {
    let mut builder = JITBuilder::with_isa(isa(), default_libcall_names());
    imports.add_to(&mut builder).unwrap();
    JITModule::new(builder)
}

/// The bytes of a value without padding.
#[allow(dead_code, reason = "not all tests compare values")]
pub fn bytes<T: multi_out::AbiValue>(value: &T) -> Vec<u8> {
    let start = std::ptr::from_ref(value).cast::<u8>();
    // SAFETY: a value of CLIF has no padding.
    unsafe { std::slice::from_raw_parts(start, size_of::<T>()) }.to_vec()
}
