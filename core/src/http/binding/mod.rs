//! Typed values from a request's query, path, headers and form.
//!
//! This module parses integers, numbers and booleans, and builds the error response for a missing
//! or invalid value. It does not check ranges: an age of 200 binds.
//!
//! | Type | Texts |
//! |---|---|
//! | integers | decimal within ±(2^53 − 1), the range of a double; no fraction, no exponent |
//! | numbers | decimal and finite, with or without an exponent |
//! | booleans | `1 t T TRUE true True`, `0 f F FALSE false False` |
//! | lists | all values of a name; every other type takes the first |
//!
//! ```
//! use apptheory_core::http::MultiMap;
//! use apptheory_core::http::binding;
//!
//! #[derive(serde::Deserialize)]
//! struct Page { limit: u16 }
//!
//! let query = MultiMap::from_iter([("limit".to_owned(), "7".to_owned())]);
//! assert_eq!(binding::from_query::<Page>(&query)?.limit, 7);
//! # Ok::<(), binding::Error>(())
//! ```

pub(super) mod convert;
mod error;
mod named;
pub(super) mod refusal;
#[cfg(test)]
mod tests;
mod texts;

pub use error::{Error, Source};
pub use named::{check_params, from_form, from_headers, from_params, from_query};

use alloc::string::String;
use alloc::vec::Vec;

use super::router::Param;

/// Returns the parameters of a path with their `%XX` decoded, in the order of the pattern.
pub fn decode_params<'r, 'p>(
    params: impl IntoIterator<Item = Param<'r, 'p>>,
) -> Vec<(String, String)> {
    params.into_iter().map(|param| (param.name.into(), param.decoded().into())).collect()
}
