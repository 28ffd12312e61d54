//! Typed functions with several results between Rust and code compiled by Cranelift.
//!
//! A signature is a Rust type such as `fn(Vmctx<Context>, i32) -> DivRem`. From it come the
//! signature in CLIF, the type of a Rust function that compiled code calls, and a typed call of compiled
//! code. Several results are a C struct, which the caller provides and the callee fills, so both sides call each
//! other directly, by an ordinary function pointer.
//!
//! # A first program
//!
//! A host function with two results, as it stands, and a compiled function that calls it:
//!
//! ```
//! # #[cfg(all(feature = "jit", unix))] {
//! use cranelift_jit::{JITBuilder, JITModule};
//! use cranelift_module::default_libcall_names;
//! use multi_out::{Code, Function, Imports, Results, Vmctx};
//!
//! #[derive(Results, Debug, PartialEq)]
//! #[repr(C)]
//! struct A(i32, i32);
//!
//! struct VMContext { calls: u32 }
//!
//! unsafe extern "C" fn foo(out: *mut A, vmctx: *mut VMContext) {
//!     // SAFETY: compiled code passes a place for the results, and the context that it was called with.
//!     unsafe {
//!         (*vmctx).calls += 1;
//!         out.write(A(1, 2));
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut imports = Imports::new();
//!     let foo = imports.function::<fn(Vmctx<VMContext>) -> A>("foo", foo);
//!     let mut builder = JITBuilder::new(default_libcall_names())?;
//!     imports.add_to(&mut builder)?;
//!     let mut module = JITModule::new(builder);
//!
//!     let swap = Function::<fn(Vmctx<VMContext>) -> A>::export(&mut module, "swap")?;
//!     swap.define(&mut module, |body, [vmctx]| {
//!         let [a, b] = body.call(&foo, [vmctx])?;
//!         Ok([b, a])
//!     })?;
//!
//!     let code = Code::finalize(module)?;
//!     // SAFETY: `swap` does nothing but call `foo`, with the context that it gets.
//!     let swap = unsafe { code.get(&swap) }?;
//!     let mut vmctx = VMContext { calls: 0 };
//!     assert_eq!(swap.call(&mut vmctx), A(2, 1));
//!     assert_eq!(vmctx.calls, 1);
//!     Ok(())
//! }
//! # main().unwrap();
//! # }
//! ```
//!
//! # With the fork, and without
//!
//! The program above is the same with both. Cranelift from the registry is enough:
//!
//! ```toml
//! [dependencies]
//! multi-out = { path = "…/host" }
//! cranelift-jit = "0.135"
//! cranelift-module = "0.135"
//! ```
//!
//! The fork has conventions for such functions, such as `system_v_multi_out`, which the optimizer sees through.
//! It takes the feature `fork` and the lines that `cargo xtask fork make --to DIR` prints:
//!
//! ```toml
//! multi-out = { path = "…/host", features = ["fork"] }
//!
//! [patch.crates-io]
//! cranelift-codegen = { path = "…" }
//! ```
//!
//! Both are the same to C and to Rust, so code that was compiled with one calls code that was compiled with the
//! other ([`BackEnd`]). A few combinations of types, such as some positions of `i128`, are where C has them with
//! the fork only; without it they are [`Error::Unsupported`], with what to do. On x86-64 stock Cranelift takes
//! `i128` only with the setting `enable_llvm_abi_extensions`.
//!
//! # What is checked
//!
//! | mistake | what happens |
//! |---|---|
//! | a host function with other parameters or results than its signature in a list of imports | does not compile |
//! | a wrong number of arguments or results in a body | does not compile |
//! | a wrong type of one of these | the verifier's error, from [`Function::define`], with the setting `enable_verifier` |
//! | a struct that is not laid out as in C | does not compile |
//! | a missing `sext` or `uext` | cannot be written: [`AbiValue::SIGN`] has it |
//! | a function declared as what it is not | [`Error::WrongSignature`], with both signatures |
//! | a call of code that was freed | does not compile: [`Compiled`] keeps its [`Code`] alive |
//! | a function of another module | [`Error::OtherModule`], unless name and signature are the same |
//! | an import without a symbol | [`Error::MissingSymbol`], unless the process has one of that name |
//!
//! Not checked: that a module's builder got the list of imports that an [`Import`] is of, that a context is of the
//! type that a host function takes, and without the fork the types of several results where a name is declared twice: to
//! Cranelift they are memory.
//!
//! # Safety
//!
//! One thing cannot be checked: what compiled code does. Whoever makes a [`Compiled`], by [`Code::get`] or
//! [`Compiled::new`], vouches for the function and all that it calls, as long as there is a way to call it:
//!
//! - It has no undefined behaviour, whatever arguments of its types it is called with; where one of these is a raw
//!   pointer, whoever lets others call the [`Compiled`] answers for what they pass. It loads and stores only what it
//!   may, and a context only as the `&mut C` that it is to Rust: during the call, and not while a host function that
//!   it called borrows it.
//! - It may run on several threads at once, if others can call it from there.
//! - A name is declared with one type.
//! - It calls host functions with what they ask for in their own `# Safety`, with the list of imports that they are
//!   of, and with a context of their type; and pointers to functions with their signature.
//! - Host functions neither forget their [`Out`] nor return without having written to a pointer for results.
//! - If a function that it calls unwinds, the unwinder knows the frames of all code in between.
//! - Code that it calls in other modules stays: nothing drops their [`Code`].
//! - It returns what its types promise: raw pointers are what their user takes them for.
//! - Its code is what this crate writes with [`Function::define`], or has stored every result as well when it returns.
//!
//! # Errors of host functions
//!
//! A host function that can fail has one more result, a status, and its caller branches on it:
//! `fn(Vmctx<C>, i32) -> Found` with `struct Found { is_found: u8, value: i32 }`. It works everywhere.
//!
//! A panic is the other way: [`Imports::unwind_function`] takes an `extern "C-unwind"` function, [`Body::try_call`] calls it,
//! and [`Compiled`] lets a panic through. The results are not read then. [`Frames`] tells the unwinder of the code's frames; the
//! process aborts if it does not know one. The test `host_errors.rs` in `oracles/tests` of the fork's repository has handlers, too.
//!
//! What they cost on an EPYC, as a multiple of a call of compiled code that calls such a function, by `cargo bench -p
//! multi-out-benches --features criterion --bench host_errors`; up to 0.1 more or less is noise:
//!
//! | | |
//! |---|---|
//! | a status, and a branch on it | 1.1 |
//! | a function that may panic, with a handler, and does not | 0.9 |
//! | a panic, through a handler, to `catch_unwind` | 590 |

mod area;
mod arity;
mod back_end;
mod call;
#[cfg(feature = "jit")]
mod code;
mod corners;
mod error;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod frames;
mod function;
mod imports;
pub mod layout;
pub mod results;
mod rust_types;
pub mod signature;
mod value;

pub use back_end::BackEnd;
#[cfg(feature = "jit")]
pub use code::{Code, Compiled, KeepAlive};
pub use error::Error;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub use frames::Frames;
pub use function::{Body, Callable, Function};
pub use imports::{Import, Imports};
/// Makes a `#[repr(transparent)]` newtype the value that it wraps.
///
/// ```
/// # use multi_out::{AbiValue, FromCode};
/// #[derive(AbiValue, FromCode, Clone, Copy)]
/// #[repr(transparent)]
/// struct Handle(u32);
/// ```
pub use multi_out_derive::AbiValue;
/// Lets compiled code make a `#[repr(transparent)]` newtype.
///
/// Every pattern of bits becomes a value of it, so derive this for types without an invariant only.
pub use multi_out_derive::FromCode;
/// Makes a `#[repr(C)]` struct of two or more values the results of a function.
///
/// It is [`FromCode`] if all its fields are: what compiled code writes becomes a value of it, whatever else its
/// module promises of such values.
///
/// ```
/// # use multi_out::Results;
/// #[derive(Results)]
/// #[repr(C)]
/// struct DivRem {
///     quotient: i32,
///     remainder: i32,
/// }
/// ```
pub use multi_out_derive::Results;
pub use results::{Out, Return};
pub use signature::{ResultValues, Signature};
pub use value::{AbiValue, FromCode, Sign, Vmctx};

/// The examples of the repository's first page.
#[cfg(all(doctest, feature = "jit"))]
#[doc = include_str!("../../README.md")]
struct Readme;

/// For the derive macros alone.
#[doc(hidden)]
pub mod __private {
    pub use crate::results::{Direct, InMemory, Slot};
    pub use crate::value::{Field, FieldFromCode};
    pub use cranelift_codegen::ir::{Type, Value as IrValue};

    /// Does compiled code make values of this type?
    pub const fn assert_from_code<T: crate::FromCode>() {}
}
