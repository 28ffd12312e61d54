//! What a `#[repr(…)]` says, and which types a derive is not for.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Result, parenthesized};

/// One word of a `repr`, and where it is.
pub struct Word {
    pub name: String,
    pub span: Span,
}

/// All words of all `repr`s.
pub fn words(input: &DeriveInput) -> Result<Vec<Word>> {
    let mut words = Vec::new();
    for attribute in input.attrs.iter().filter(|a| a.path().is_ident("repr")) {
        attribute.parse_nested_meta(|meta| {
            if meta.input.peek(syn::token::Paren) {
                let content;
                parenthesized!(content in meta.input);
                content.parse::<proc_macro2::TokenStream>()?;
            }
            words.push(Word {
                name: meta.path.require_ident()?.to_string(),
                span: meta.path.span(),
            });
            Ok(())
        })?;
    }
    Ok(words)
}

/// Tokens with the name in the place of `Self`, which only an `impl` knows.
pub fn without_self(tokens: impl ToTokens, name: &Ident) -> TokenStream {
    let replace = |tree| match tree {
        TokenTree::Ident(ident) if ident == "Self" => {
            let mut new = name.clone();
            new.set_span(ident.span());
            new.into()
        }
        TokenTree::Group(group) => {
            let mut new = Group::new(group.delimiter(), without_self(group.stream(), name));
            new.set_span(group.span());
            new.into()
        }
        other => other,
    };
    tokens
        .into_token_stream()
        .into_iter()
        .map(replace)
        .collect()
}

/// The fields of a struct without parameters.
pub fn struct_fields<'a>(input: &'a DeriveInput, derive: &str) -> Result<&'a Fields> {
    let what = match &input.data {
        Data::Struct(data) => {
            if let Some(parameter) = input.generics.params.first() {
                return Err(Error::new(
                    parameter.span(),
                    format!(
                        "`{derive}` needs to know the layout: write a struct without parameters"
                    ),
                ));
            }
            return Ok(&data.fields);
        }
        Data::Enum(_) => "an enum",
        Data::Union(_) => "a union",
    };
    Err(Error::new(
        input.ident.span(),
        format!(
            "`{derive}` is for structs, and `{}` is {what}: write a struct",
            input.ident
        ),
    ))
}
