//! Rate limits on HTTP: which counter a request belongs to, and how refusals are answered.
//!
//! This module decides the key of a request and the error of a denial. It refuses to know the limit
//! and the store: those are the [`limiter`](crate::limiter)'s.
//!
//! ```
//! use apptheory_core::http::rate_limit::{KeyPolicy, NotCounted, RequestFacts};
//!
//! let request = RequestFacts {
//!     address: Some("2001:db8::7".parse()?),
//!     route: Some("/orders/{id}"),
//!     ..RequestFacts::of("HEAD", "/orders/7", &|_| Vec::new())
//! };
//! let key = KeyPolicy::new().key(&request)?;
//! assert_eq!((key.identifier(), key.sort_key()), ("ip:2001:db8::/56", "/orders/{id}#GET"));
//!
//! let nobody = RequestFacts { address: None, ..request };
//! assert_eq!(KeyPolicy::new().key(&nobody), Err(NotCounted::NoCaller));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod forwarded;
mod policy;

use crate::error::{AppError, code};
use crate::limiter::headers::{HeaderStyle, headers, store_failure};
use crate::limiter::{Decision, KeyError, LimiterError};

pub use policy::{Fields, KeyPolicy, RequestFacts, WEBSOCKET};

/// A request that belongs to no counter. Answer 500: what nobody can count is not let through.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotCounted {
    /// Nothing about the caller is vouched for, neither an identity nor an address. A load balancer
    /// in front of the function vouches for no address.
    #[error(
        "nobody vouches for who sends the request: authenticate callers, or say \
         `trusting_forwarded(hops)` behind a load balancer, or `shared()` to count all of them together"
    )]
    NoCaller,
    /// The key that the application made itself is not valid.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Returns the answer to a request over its limit: 429, with the header fields of the decision.
#[must_use]
pub fn denial(decision: &Decision, style: HeaderStyle) -> AppError {
    let fields = headers(decision, style).into_iter();
    fields.fold(AppError::of(code::RATE_LIMITED), |error, (name, value)| {
        error.with_header(name, value)
    })
}

/// Returns the answer when nobody knows whether the limit is reached, and the limiter fails closed:
/// 503.
#[must_use]
pub fn undecided(error: LimiterError) -> AppError {
    let answer = AppError::of(code::OVERLOADED).with_cause(error);
    store_failure().into_iter().fold(answer, |error, (name, value)| error.with_header(name, value))
}

/// Makes the answer to a request that belongs to no counter: a masked 500.
impl From<NotCounted> for AppError {
    fn from(error: NotCounted) -> Self {
        Self::internal().with_cause(error)
    }
}

/// Makes the answer to a request without a key: a masked 500.
impl From<KeyError> for AppError {
    fn from(error: KeyError) -> Self {
        Self::internal().with_cause(error)
    }
}
