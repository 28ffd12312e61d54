//! The derive macros of `multi-out`, which has their documentation.

mod newtype;
mod repr;
mod results;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, Result, parse_macro_input};

/// Makes a `#[repr(C)]` struct of two or more values the results of a function.
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
#[proc_macro_derive(Results)]
pub fn derive_results(input: TokenStream) -> TokenStream {
    expand(parse_macro_input!(input), results::expand)
}

/// Makes a `#[repr(transparent)]` newtype the value that it wraps.
///
/// ```
/// # use multi_out::{AbiValue, FromCode};
/// #[derive(AbiValue, FromCode, Clone, Copy)]
/// #[repr(transparent)]
/// struct Handle(u32);
/// ```
#[proc_macro_derive(AbiValue)]
pub fn derive_abi_value(input: TokenStream) -> TokenStream {
    expand(parse_macro_input!(input), newtype::expand_abi_value)
}

/// Lets compiled code make a `#[repr(transparent)]` newtype.
///
/// Every pattern of bits becomes a value of it, so derive this for types without an invariant only.
#[proc_macro_derive(FromCode)]
pub fn derive_from_code(input: TokenStream) -> TokenStream {
    expand(parse_macro_input!(input), newtype::expand_from_code)
}

fn expand(
    input: DeriveInput,
    macro_: fn(&DeriveInput) -> Result<proc_macro2::TokenStream>,
) -> TokenStream {
    macro_(&input)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}
