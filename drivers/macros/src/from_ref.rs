//! `#[derive(FromRef)]`: makes each field of a state a part of it.

use std::collections::HashMap;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Data, DeriveInput, Error, Field, Fields, Ident, Index, Member, Result};

/// Writes an implementation for each field that is not skipped.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(state) = &input.data else {
        return Err(Error::new(
            input.ident.span(),
            "`FromRef` is derived for structs only: implement the trait",
        ));
    };
    if !input.generics.params.is_empty() {
        return Err(Error::new(
            input.generics.span(),
            "`FromRef` is not derived for a state with parameters: implement the trait for each part",
        ));
    }
    let parts = parts(&state.fields)?;
    check_apart(&parts)?;
    Ok(parts.iter().map(|(member, field)| implementation(&input.ident, member, field)).collect())
}

/// Returns the fields that are not skipped, with their member names.
fn parts(fields: &Fields) -> Result<Vec<(Member, &Field)>> {
    let mut parts = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        if !is_skipped(field)? {
            let member =
                field.ident.clone().map_or_else(|| Index::from(index).into(), Member::Named);
            parts.push((member, field));
        }
    }
    Ok(parts)
}

fn is_skipped(field: &Field) -> Result<bool> {
    let mut is_skipped = false;
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("from_ref")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("skip") {
                return Err(meta.error("the only attribute is `#[from_ref(skip)]`"));
            }
            is_skipped = true;
            Ok(())
        })?;
    }
    Ok(is_skipped)
}

/// Refuses two fields of one type, if they spell it alike; the compiler finds other conflicts.
fn check_apart(parts: &[(Member, &Field)]) -> Result<()> {
    let mut seen = HashMap::new();
    for (member, field) in parts {
        let kind = field.ty.to_token_stream().to_string();
        if let Some(first) = seen.insert(kind.clone(), member) {
            let (first, second) = (first.to_token_stream(), member.to_token_stream());
            return Err(Error::new(
                field.span(),
                format!(
                    "`{first}` and `{second}` are both a `{kind}`, and a handler that asks for one \
                     could get either: give one a type of its own, or say `#[from_ref(skip)]`"
                ),
            ));
        }
    }
    Ok(())
}

fn implementation(state: &Ident, member: &Member, field: &Field) -> TokenStream {
    let part = &field.ty;
    // If a part cannot be cloned, the compiler points at the field.
    let span = part.span().resolved_at(Span::mixed_site());
    quote_spanned! {span=>
        #[automatically_derived]
        impl ::apptheory::FromRef<#state> for #part {
            fn from_ref(state: &#state) -> Self {
                ::core::clone::Clone::clone(&state.#member)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_str;

    use super::derive;

    fn derived(state: &str) -> Result<String, String> {
        let derived = derive(&parse_str(state).unwrap());
        derived.map(|tokens| tokens.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_field_that_is_not_skipped_is_a_part() {
        let shop = derived("struct Shop { orders: Orders, bus: Bus, #[from_ref(skip)] n: u8 }");
        let shop = shop.unwrap();
        assert_eq!(shop.matches("FromRef < Shop >").count(), 2, "{shop}");
        assert!(shop.contains("for Orders") && shop.contains("& state . orders"), "{shop}");
        assert!(shop.contains("for Bus") && shop.contains("& state . bus"), "{shop}");
        assert!(derived("struct Pair(Orders, Bus);").unwrap().contains("& state . 1"));
        assert_eq!(derived("struct Empty;").unwrap(), "");
    }

    #[test]
    fn two_fields_of_one_type_are_named() {
        let error = derived("struct Shop { paid: Vec<u8>, open: Vec<u8> }").unwrap_err();
        assert!(error.contains("`paid` and `open` are both a `Vec < u8 >`"), "{error}");
        let error = derived("struct Pair(u8, u8);").unwrap_err();
        assert!(error.contains("`0` and `1` are both a `u8`"), "{error}");
        derived("struct Shop { paid: u8, #[from_ref(skip)] open: u8 }").unwrap();
    }

    #[test]
    fn what_cannot_be_derived_says_why() {
        for (state, why) in [
            ("enum Shop { Open }", "derived for structs"),
            ("struct Shop<T> { part: T }", "a state with parameters"),
            ("struct Shop<'s> { name: &'s str }", "a state with parameters"),
            ("struct Shop { #[from_ref(skp)] n: u8 }", "`#[from_ref(skip)]`"),
        ] {
            let error = derived(state).unwrap_err();
            assert!(error.contains(why), "{state}: {error}");
        }
    }
}
