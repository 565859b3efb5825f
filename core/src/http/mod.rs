//! HTTP without a network: requests from events of any provider, routing, and responses.
//!
//! This module converts requests and responses, byte for byte, in the same way for every provider.
//! It contains only values and functions, without sockets, clocks and handlers.
//!
//! ```text
//! event ── events ──▶ RawRequest ─ normalize ─▶ Request ─ router ─▶ handler
//!                                      │ Rejected                      │ AppError
//! JSON ◀── events ─── HttpResponse ◀─ normalize ─ HttpResponse ◀────────┘
//! ```
//!
//! ```
//! use apptheory_core::events::HttpSource;
//! use apptheory_core::http::exchange::HttpSettings;
//! use apptheory_core::http::router::{Lookup, RouteTable};
//! use apptheory_core::error::AppError;
//! use apptheory_core::http::HttpResponse;
//!
//! let mut routes = RouteTable::new();
//! routes.insert("GET", "/users/{id}", "show a user")?;
//!
//! let event = r#"{"httpMethod":"GET","path":"/users/7","requestContext":{"elb":{}}}"#;
//! let request = HttpSource::Alb.read_request(event)?.normalize(None)?;
//! let response: HttpResponse = match routes.look_up(&request.method, &request.path) {
//!     Lookup::Found(found) => HttpResponse::text(200, format!("user {:?}", found.param("id"))),
//!     Lookup::MethodNotAllowed { .. } | Lookup::NotFound => {
//!         let errors = HttpSettings::default().error_style();
//!         errors.answer(AppError::not_found(), "", &request.trace_id)
//!     }
//! };
//! let json = HttpSource::Alb.write_response(&response.normalize()?);
//! assert!(json.starts_with(r#"{"statusCode":200,"statusDescription":"200 OK","#));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

pub mod binding;
pub mod cache;
pub mod client;
mod cookies;
mod cut;
pub mod exchange;
mod form;
mod headers;
pub(crate) mod json_body;
mod json_request;
mod multimap;
pub(crate) mod names;
mod path;
pub mod platform;
mod provenance;
pub(crate) mod query;
mod request;
mod response;
pub mod router;
pub(crate) mod sending;
pub(crate) mod status;
#[cfg(test)]
mod tests;
mod trace;
mod values;

pub use cookies::Cookies;
pub use form::{read_form, read_form_text};
pub use headers::HeaderMap;
pub(crate) use headers::is_clean;
pub use json_body::safe_json_for_html;
pub use json_request::{JsonReading, read_json};
pub use multimap::MultiMap;
pub use names::{canonical_method, canonical_name};
pub use path::UriPath;
pub use provenance::{Provider, SourceProvenance};
pub use query::QueryString;
pub use request::{RawRequest, Rejected, Request, RequestError};
pub use response::{HttpResponse, ResponseError};
pub use trace::{TraceContext, x_ray_trace_id};
pub use values::Values;
