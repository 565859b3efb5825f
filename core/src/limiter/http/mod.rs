//! Limits on HTTP: which counter a request belongs to, and how refusals are answered.
//!
//! This module decides the key of a request and the answer to a denial: for the middleware of
//! applications and for the layer of tower alike. It refuses to know the limit and the store.
//!
//! ```
//! use apptheory_core::limiter::ErrorKind;
//! use apptheory_core::limiter::http::{KeyPolicy, CountedRequest};
//!
//! let request = CountedRequest {
//!     address: Some("2001:db8::7".parse()?),
//!     route: Some("/orders/{id}"),
//!     ..CountedRequest::of("HEAD", "/orders/7", &|_| Vec::new())
//! };
//! let key = KeyPolicy::new().key(&request)?;
//! assert_eq!((key.identifier(), key.sort_key()), ("ip:2001:db8::/56", "/orders/{id}#GET"));
//!
//! let nobody = CountedRequest { address: None, ..request };
//! assert_eq!(KeyPolicy::new().key(&nobody).unwrap_err().kind(), ErrorKind::NoCaller);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod caller;
mod counted_request;
mod forwarded;
mod policy;
mod refusal;

#[cfg(test)]
mod tests;

pub use counted_request::CountedRequest;
pub use policy::{KeyPolicy, WEBSOCKET};
pub use refusal::{DenialBody, Refusal};
