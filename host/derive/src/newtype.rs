//! `#[derive(AbiValue)]` and `#[derive(FromCode)]`.

use crate::repr::{struct_fields, without_self, words};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, Result, Type};

pub fn expand_abi_value(input: &DeriveInput) -> Result<TokenStream> {
    let ty = wrapped(input, "AbiValue")?;
    let name = &input.ident;
    let value = quote_spanned! { ty.span() => <#ty as ::multi_out::AbiValue> };
    Ok(quote! {
        // SAFETY: a `repr(transparent)` struct is passed as what it wraps.
        #[automatically_derived]
        unsafe impl ::multi_out::AbiValue for #name {
            const TYPE: ::multi_out::__private::Type = #value::TYPE;
            const SIGN: ::multi_out::Sign = #value::SIGN;
        }

        // SAFETY: as above.
        #[automatically_derived]
        unsafe impl ::multi_out::Return for #name {
            type Shape = ::multi_out::__private::Direct;
            type Raw = Self;
            type Values = [::multi_out::__private::IrValue; 1];
            const SLOTS: &'static [::multi_out::__private::Slot] =
                &[::multi_out::__private::Slot::of::<Self>()];

            #[inline]
            fn from_raw(raw: Self) -> Self {
                raw
            }
        }
    })
}

pub fn expand_from_code(input: &DeriveInput) -> Result<TokenStream> {
    let ty = wrapped(input, "FromCode")?;
    let name = &input.ident;
    let ty = without_self(ty, name);
    let check = quote_spanned! { ty.span() => ::multi_out::__private::assert_from_code::<#ty>() };
    Ok(quote! {
        const _: () = #check;

        // SAFETY: a `repr(transparent)` struct of a type whose every pattern of bits is a value.
        #[automatically_derived]
        unsafe impl ::multi_out::FromCode for #name {}
    })
}

/// The type of the one field.
fn wrapped<'a>(input: &'a DeriveInput, derive: &str) -> Result<&'a Type> {
    let fields = struct_fields(input, derive)?;
    let name = &input.ident;
    let mut iter = fields.iter();
    let (Some(field), None) = (iter.next(), iter.next()) else {
        return Err(Error::new(
            name.span(),
            format!(
                "`{derive}` is for newtypes, and `{name}` has {} fields: \
                 wrap one value, or use `#[repr(C)]` and `#[derive(Results)]` for several results",
                fields.len()
            ),
        ));
    };
    let words = words(input)?;
    if !matches!(&words[..], [word] if word.name == "transparent") {
        return Err(Error::new(
            name.span(),
            format!(
                "`{name}` may be passed otherwise than what it wraps: add `#[repr(transparent)]`"
            ),
        ));
    }
    Ok(&field.ty)
}
