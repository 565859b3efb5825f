//! Rate limits for requests and other work.
//!
//! # Which one to use
//!
//! | To limit | Use | Which is |
//! |---|---|---|
//! | routes of an [`App`](crate::app::App) | [`RateLimit`](crate::app::RateLimit) | a middleware |
//! | an axum app, or any tower service | `RateLimitLayer` (feature `tower`) | a layer |
//! | anything else, such as e-mails per customer | [`RateLimiter`] | called by your code, on a [store](crate::store::Store) |
//! | anything, in a runtime of your own | [`Limiter`] | makes machines that request store effects |
//!
//! Each builds on the next: the first two identify the caller and write refusals, with a
//! `RateLimiter`; that one has a store, caches what saves calls, and runs the machines of a
//! `Limiter`, which decides. A request limit is one line:
//!
//! ```
//! use apptheory::Store;
//! use apptheory::app::{App, RateLimit};
//!
//! let store = Store::memory();
//! let limit = RateLimit::per_minute(100).burst(20).fail_closed().on(&store);
//! let app = App::new().layer(limit).get("/orders", async || "none yet").build()?;
//! # Ok::<(), apptheory::app::BuildError>(())
//! ```
//!
//! You have to choose what happens while the store does not respond: `fail_closed()` refuses with
//! 503, `fail_open()` admits without counting. By default a request counts for what is
//! verified: an identity, else a tenant, else a client address. `RateLimitLayer` has the same
//! lines.
//!
//! | Line | Admits | Strategy | Store calls per decision |
//! |---|---|---|---|
//! | `per_second(n)`, `per_minute(n)`, `per_hour(n)` | `n` on average, in bursts of up to `n` or `burst(m)` | [`TokenBucket`] | 1; 2 if nothing is cached |
//! | `sliding(n, window)` | `n` in any span of `window` | [`SlidingWindow`] | 1; 2 if nothing is cached |
//! | `fixed(n, window)` | `n` in each window; up to `2n` around a window's end | [`FixedWindow`] | 1 |
//! | `windows([(n, window), …])` | `n` in each window of each length | [`MultiWindow`] | 1 transaction |
//!
//! For settings that a line does not have, build the parts by hand:
//!
//! ```
//! use core::time::Duration;
//!
//! use apptheory::Store;
//! use apptheory::app::RateLimit;
//! use apptheory::limiter::{FixedWindow, Limiter, RateLimiter};
//!
//! let strategy = FixedWindow::new(Duration::from_secs(60), 100)?
//!     .with_identifier_limit("user:ann", 1_000);
//! let limiter = Limiter::fail_closed(strategy).deny_cache().build();
//! let limit = RateLimit::new(RateLimiter::new(limiter, &Store::memory()));
//! # Ok::<(), apptheory::limiter::Error>(())
//! ```

mod line;
mod rate_limiter;
mod request_limit;

#[doc(inline)]
pub use apptheory_core::limiter::*;
#[doc(hidden)]
pub use line::ChoiceForFailures;
pub use line::{ReadyLimit, RequestLimitBuilder};
pub use rate_limiter::RateLimiter;
pub use request_limit::RequestLimit;
