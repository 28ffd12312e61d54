//! Values: what makes a Rust type one of CLIF, and what C demands of small integers.

use cranelift_codegen::ir::Type;

#[cfg(not(target_pointer_width = "64"))]
compile_error!("multi-out knows the C conventions of 64-bit machines only");

/// What a C compiler takes the bits above an integer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Copies of the sign.
    Signed,
    /// Zeros.
    Unsigned,
    /// There are none, or they mean nothing: floats, vectors and pointers.
    None,
}

/// A Rust type that is one value of CLIF, for a parameter, a single result or a field of results.
///
/// It is implemented for the integers, `f32`, `f64`, `bool`, raw pointers, `Option<NonNull<T>>`,
/// pointers to `extern "C"` and `extern "C-unwind"` functions, with and without `Option`, and the
/// 128-bit vectors of `core::arch`. `#[derive(AbiValue)]` implements it for a
/// `#[repr(transparent)]` newtype of one of these.
///
/// Values of every such type may go from Rust to compiled code. What may come back is [`FromCode`].
///
/// # Safety
///
/// An `extern "C"` function must pass and return the type as C does a value of [`AbiValue::TYPE`] with
/// this [`AbiValue::SIGN`], and the type must be as large as that.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no type of CLIF",
    label = "no value of compiled code",
    note = "values are integers, `f32`, `f64`, `bool`, raw pointers, `Option<NonNull<T>>`, `extern \"C\"` function pointers and 128-bit vectors",
    note = "for a `#[repr(transparent)]` newtype of one of them use `#[derive(AbiValue)]`; for a reference use a raw pointer",
    note = "a context is written `Vmctx<C>`, and comes first: `fn(Vmctx<C>, i32) -> i64`"
)]
pub unsafe trait AbiValue: Copy + 'static {
    /// The type in CLIF.
    const TYPE: Type;

    /// How a small integer is extended.
    const SIGN: Sign;
}

/// A type of which every pattern of bits is a value, so that compiled code may give it to Rust: as a
/// result, or as a parameter of a host function.
///
/// That leaves out `bool` and function pointers, which have invalid patterns: take a `u8`, or an
/// `Option` of a pointer to an `unsafe` function. A `#[repr(transparent)]` newtype without an invariant of its own
/// has `#[derive(FromCode)]`. Result structs and tuples have it if all their fields do.
///
/// # Safety
///
/// Every pattern of bits must be a valid value.
#[diagnostic::on_unimplemented(
    message = "compiled code cannot give `{Self}` to Rust",
    label = "some patterns of its bits are no value of the type",
    note = "instead of `bool` take `u8`, and instead of a function pointer `Option<unsafe extern \"C\" fn(…)>`"
)]
pub unsafe trait FromCode: 'static {}

/// A field of a struct, with a lifetime, as Rust takes bounds without parameters for errors.
#[derive(Debug)]
pub struct Field<'a, T>(std::marker::PhantomData<&'a T>);

/// A field that is [`FromCode`].
pub trait FieldFromCode {}

impl<T: FromCode> FieldFromCode for Field<'_, T> {}

/// The first parameter of a function that is called with a context: `vmctx` in CLIF.
///
/// In Rust it is `&mut C` where compiled code is called, `*mut C` in `unsafe` host functions and
/// `&mut C` in safe ones. It is written `fn(Vmctx<C>, i32) -> i64`, as Rust has no implementations
/// for `fn(&mut C, …)` beside those for `fn(T, …)`. `C` is `'static`, without borrowed fields: compiled code keeps
/// no lifetimes.
#[derive(Debug)]
pub struct Vmctx<C>(std::convert::Infallible, std::marker::PhantomData<C>);
