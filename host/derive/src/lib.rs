//! The derive macros of `multi-out`, which has their documentation: there the examples are tested.

#![expect(missing_docs, reason = "it is where they are exported again")]

mod newtype;
mod repr;
mod results;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, Result, parse_macro_input};

#[proc_macro_derive(Results)]
pub fn derive_results(input: TokenStream) -> TokenStream {
    expand(parse_macro_input!(input), results::expand)
}

#[proc_macro_derive(AbiValue)]
pub fn derive_abi_value(input: TokenStream) -> TokenStream {
    expand(parse_macro_input!(input), newtype::expand_abi_value)
}

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
