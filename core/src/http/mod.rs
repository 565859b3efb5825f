//! HTTP without a network: what an event of any provider says, which route serves it, and what is
//! answered.
//!
//! This module decides how requests and responses read and are written, byte for byte, for every
//! provider alike. It refuses to know sockets, clocks and handlers: it is values and functions.
//!
//! ```
//! use apptheory_core::http::router::{Lookup, Router};
//!
//! let mut router = Router::new();
//! router.insert("GET", "/users/{id}", "show a user")?;
//! let Lookup::Found(found) = router.look_up("GET", "/users/7") else { panic!("a route") };
//! assert_eq!((*found.handler(), found.param("id")), ("show a user", Some("7")));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

pub mod adapters;
mod base64_body;
pub mod code;
mod cookies;
mod error;
mod headers;
mod json_body;
mod multimap;
mod names;
pub mod percent;
mod provenance;
mod query;
mod request;
mod response;
pub mod router;
mod status;
#[cfg(test)]
mod tests;
mod trace;

pub use error::{AppError, ErrorFormat};
pub use headers::Headers;
pub use json_body::safe_json_for_html;
pub use multimap::MultiMap;
pub use names::{canonical_method, canonical_name, normalize_path};
pub use provenance::{Provider, SourceProvenance};
pub use query::{QueryError, parse_query};
pub use request::{RawRequest, Rejected, Request, RequestError};
pub use response::{Response, ResponseError};
