//! The rate limiter: strategies, decisions, and what puts them in front of handlers.
//!
//! Limits, keys and decisions are the core's; [`RateLimiter`] decides on a store, and
//! [`RequestLimit`] asks it about requests.

mod rate_limiter;
mod request_limit;

#[doc(inline)]
pub use apptheory_core::limiter::*;
pub use rate_limiter::RateLimiter;
pub use request_limit::RequestLimit;
