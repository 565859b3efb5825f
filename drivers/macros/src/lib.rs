//! The derive macros of AppTheory. Use them through `apptheory`, which exports each beside its
//! trait.

mod from_ref;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Derives `FromRef` for each field of a struct; `apptheory::FromRef` documents it.
#[proc_macro_derive(FromRef, attributes(from_ref))]
pub fn from_ref(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    from_ref::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
