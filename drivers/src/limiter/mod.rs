//! The rate limiter: what a limit is, and how it gets in front of handlers.
//!
//! # Which one to take
//!
//! | You have | Take | It |
//! |---|---|---|
//! | routes of an [`App`](crate::app::App) | [`RateLimit`](crate::app::RateLimit) | is a middleware |
//! | an axum app, or anything else of tower | `RateLimitLayer` (feature `tower`) | is a layer |
//! | something else to limit, such as e-mails per customer | [`RateLimiter`] | is asked, on a [store](crate::store::Store) |
//! | a runtime of your own | [`Limiter`] | makes machines that ask for store effects |
//!
//! Each holds the one below it: the first two know whose request it is and how a refusal looks, and
//! ask a `RateLimiter`; that one has a store and remembers what saves calls, and drives the machines
//! of a `Limiter`, which decides. A limit of requests is one line:
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
//! It has to say what happens while the store gives no answer: `fail_closed()` refuses with 503,
//! `fail_open()` lets pass uncounted. By default it counts what is vouched for: an identity,
//! else a tenant, else a client address. `RateLimitLayer` has the same lines.
//!
//! | Line | Admits | Strategy | Store calls per decision |
//! |---|---|---|---|
//! | `per_second(n)`, `per_minute(n)`, `per_hour(n)` | `n` on the average, in bursts of up to `n` or `burst(m)` | [`TokenBucket`] | 1 |
//! | `sliding(n, window)` | `n` in any span of `window` | [`SlidingWindow`] | 1, or 2 when nothing is remembered |
//! | `fixed(n, window)` | `n` in each window; up to `2n` around its end | [`FixedWindow`] | 1 |
//! | `windows([(n, window), …])` | `n` in each window of each length | [`MultiWindow`] | 1 transaction |
//!
//! What a line does not have is in the long form, which makes the parts by hand:
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
pub use line::{ReadyLimit, RequestLimitBuilder};
pub use rate_limiter::RateLimiter;
pub use request_limit::RequestLimit;
