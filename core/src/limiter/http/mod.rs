//! Rate limits on HTTP requests: the key of a request, and the response to a refused one.
//!
//! The middleware of applications and the tower layer share this module. It does not know the limit
//! or the store.
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
