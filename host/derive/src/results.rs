//! `#[derive(Results)]`.

use crate::repr::{struct_fields, without_self, words};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, Result};

pub fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let fields = struct_fields(input, "Results")?;
    check_repr(input)?;
    let name = &input.ident;
    if fields.len() < 2 {
        return Err(Error::new(
            name.span(),
            format!(
                "`{name}` has {} of the two or more fields of `Results`: return `()` or the value itself",
                fields.len()
            ),
        ));
    }
    let types = fields.iter().map(|field| without_self(&field.ty, name));
    let types: Vec<_> = types.collect();
    let members: Vec<_> = fields.members().collect();
    // At the field, for an error to be there.
    let slots = types.iter().map(|ty| {
        quote_spanned! { ty.span() => ::multi_out::__private::Slot::of::<#ty>() }
    });
    let from_code = types.iter().map(|ty| {
        quote_spanned! { ty.span() => for<'multi_out> ::multi_out::__private::Field<'multi_out, #ty>: ::multi_out::__private::FieldFromCode }
    });
    let count = types.len();
    let offsets = members.iter().enumerate().map(|(index, member)| {
        let text = match member {
            syn::Member::Named(ident) => ident.to_string(),
            syn::Member::Unnamed(index) => index.index.to_string(),
        };
        let message = format!("field `{text}` of `{name}` is not where C has it");
        quote! {
            ::core::assert!(::core::mem::offset_of!(#name, #member) == layout.offset(#index) as usize, #message);
        }
    });
    Ok(quote! {
        const _: () = {
            // First, as there is no layout to speak of if a field has no type.
            ::core::assert!(<#name as ::multi_out::Return>::SLOTS.len() == #count);
            let sizes = [#(::core::mem::size_of::<#types>() as u32),*];
            let layout = ::multi_out::layout::Layout::new(&sizes, ::multi_out::layout::MAX_ALIGN);
            #(#offsets)*
            ::core::assert!(::core::mem::size_of::<#name>() == layout.size() as usize);
            ::core::assert!(::core::mem::align_of::<#name>() == layout.align() as usize);
            ::core::assert!(
                !::core::mem::needs_drop::<#name>(),
                "results are bytes that compiled code writes: they cannot have `Drop`"
            );
        };

        // SAFETY: a `repr(C)` struct, whose layout the compiler has just compared.
        #[automatically_derived]
        unsafe impl ::multi_out::Return for #name {
            type Shape = ::multi_out::__private::InMemory;
            type Raw = Self;
            type Values = [::multi_out::__private::IrValue; #count];
            const SLOTS: &'static [::multi_out::__private::Slot] = &[#(#slots),*];

            #[inline]
            fn from_raw(raw: Self) -> Self {
                raw
            }
        }

        // SAFETY: all fields have that, and padding may have any bits.
        #[automatically_derived]
        unsafe impl ::multi_out::FromCode for #name where #(#from_code),* {}
    })
}

fn check_repr(input: &DeriveInput) -> Result<()> {
    let words = words(input)?;
    for word in &words {
        let why = match word.name.as_str() {
            "C" => continue,
            "packed" => "its fields would not be where C has them",
            "align" => "it would be larger than C's struct of these fields",
            _ => "its layout would not be C's",
        };
        let name = &word.name;
        return Err(Error::new(
            word.span,
            format!("`Results` cannot have `repr({name})`, as {why}: remove `{name}`"),
        ));
    }
    if words.is_empty() {
        return Err(Error::new(
            input.ident.span(),
            format!(
                "`{}` does not have C's layout: add `#[repr(C)]`",
                input.ident
            ),
        ));
    }
    Ok(())
}
