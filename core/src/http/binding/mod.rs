//! Typed values from a request: from its body, its query, its path and its header fields.
//!
//! This module decides which texts are integers, numbers, booleans and durations, where a value is
//! looked for, and how a client is told that it is not there or not of its type. It refuses to know
//! handlers, and which values make sense: an age of 200 binds.
//!
//! Two ways lead to the values. A [`Binder`] is a declaration made at run time, whose fields may
//! come from everywhere and whose errors are those of the contract; [`from_query`], [`from_params`]
//! and [`from_headers`] fill a caller's own struct through `serde`. They read every text alike.
//!
//! ```
//! use apptheory_core::http::binding::{self, Binder, Field, Kind, Source, Value};
//! use apptheory_core::http::{MultiMap, Request};
//!
//! let query = MultiMap::from_iter([("limit".to_owned(), "7".to_owned())]);
//! let headers = [("content-type", "application/json")].into_iter().collect();
//! let body = br#"{"name":"bob"}"#.to_vec();
//! let request = Request { query, headers, body, ..Request::default() };
//! let binder = Binder::new([
//!     Field::new("Name", Kind::Text, Source::Body, "name"),
//!     Field::new("Limit", Kind::Integer, Source::Query, "limit"),
//! ]);
//! assert_eq!(binder.bind(&request, &[])?.get("Limit"), Some(&Value::Integer(7)));
//!
//! #[derive(serde::Deserialize)]
//! struct Page { limit: u16 }
//! assert_eq!(binding::from_query::<Page>(&request.query)?.limit, 7);
//! # Ok::<(), binding::BindingError>(())
//! ```

mod binder;
mod body;
mod convert;
mod error;
mod field;
mod named;
mod refusal;
#[cfg(test)]
mod tests;
mod texts;
mod value;

pub use binder::Binder;
pub use error::BindingError;
pub use field::{Field, Kind, Source};
pub use named::{from_headers, from_params, from_query};
pub use value::{Bound, Value};

use alloc::string::String;
use alloc::vec::Vec;

use super::router::Param;

/// Returns the parameters of a path as a client meant them, their `%XX` decoded, in the order of the
/// pattern.
pub fn decode_params<'r, 'p>(
    params: impl IntoIterator<Item = Param<'r, 'p>>,
) -> Vec<(String, String)> {
    params.into_iter().map(|param| (param.name.into(), param.decoded().into())).collect()
}
