//! Request limits in one line.

use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::limiter::{LimitLine, OnFailure};

use super::{RateLimiter, RequestLimit};
use crate::store::Store;

/// A request limit that still needs a choice for when the store does not respond:
/// [`fail_closed`](Self::fail_closed) or [`fail_open`](Self::fail_open).
#[must_use = "call `fail_closed()` or `fail_open()`, and `on(&store)`"]
pub struct RequestLimitBuilder<R> {
    line: LimitLine,
    requests: PhantomData<fn(&R)>,
}

/// A request limit that still needs its store: call [`on`](Self::on).
#[must_use = "call `on(&store)`"]
pub struct ReadyLimit<R> {
    line: LimitLine,
    on_failure: OnFailure,
    requests: PhantomData<fn(&R)>,
}

impl<R> RequestLimitBuilder<R> {
    const fn new(line: LimitLine) -> Self {
        Self { line, requests: PhantomData }
    }

    /// Sets how many requests may arrive at once; by default as many as the limit. Applies to the
    /// limits per second, minute and hour.
    pub fn burst(self, burst: u32) -> Self {
        Self::new(self.line.burst(burst))
    }

    /// Names the limit, which gives it separate counters. Of two limits around the same routes, at
    /// least one needs a name; see [`LimiterBuilder::named`](super::LimiterBuilder::named).
    pub fn named(self, name: &str) -> Self {
        Self::new(self.line.named(name))
    }

    /// Refuses requests with 503 while the store does not respond.
    pub fn fail_closed(self) -> ReadyLimit<R> {
        self.failing(OnFailure::Closed)
    }

    /// Admits requests without counting them while the store does not respond. A client that can
    /// slow the store down is then not limited.
    pub fn fail_open(self) -> ReadyLimit<R> {
        self.failing(OnFailure::Open)
    }

    /// Exists so that the compiler names what is missing: no limit satisfies its bound.
    #[doc(hidden)]
    #[must_use]
    pub fn on(self, store: &Store) -> RequestLimit<R>
    where
        Self: ChoiceForFailures,
    {
        self.fail_closed().on(store)
    }

    fn failing(self, on_failure: OnFailure) -> ReadyLimit<R> {
        ReadyLimit { line: self.line, on_failure, requests: PhantomData }
    }
}

/// Whether the choice for when the store does not respond has been made. Nothing implements it.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a limit needs a choice for when its store does not respond",
    label = "call `fail_closed()` or `fail_open()` before `on`",
    note = "`fail_closed()` refuses requests with 503 then, and `fail_open()` admits them without counting them"
)]
pub trait ChoiceForFailures {}

impl<R> ReadyLimit<R> {
    /// Creates the limit on a store, whose environment names the table, and declares the table.
    #[must_use]
    pub fn on(&self, store: &Store) -> RequestLimit<R> {
        let limiter = self.line.limiter(self.on_failure, |name| store.env(name));
        RequestLimit::over(limiter.map(|limiter| Arc::new(RateLimiter::new(limiter, store))))
    }
}

/// Limits in one line. An invalid limit, such as 0, does not panic: an application with it does not
/// build, and [`check`](Self::check) returns the error elsewhere. Such a limit refuses all
/// requests.
///
/// ```
/// use core::time::Duration;
///
/// use apptheory::app::RateLimit;
/// use apptheory::store::Store;
///
/// let store = Store::memory();
/// let average = RateLimit::per_minute(100).burst(20).fail_closed().on(&store);
/// let exact = RateLimit::sliding(100, Duration::from_secs(60)).fail_open().on(&store);
/// ```
impl<R> RequestLimit<R> {
    /// Admits `limit` requests per second on average, and as many at once unless a
    /// [burst](RequestLimitBuilder::burst) is set: a [`TokenBucket`](super::TokenBucket).
    pub const fn per_second(limit: u32) -> RequestLimitBuilder<R> {
        RequestLimitBuilder::new(LimitLine::per_second(limit))
    }

    /// Admits `limit` requests per minute on average, and as many at once unless a
    /// [burst](RequestLimitBuilder::burst) is set: a [`TokenBucket`](super::TokenBucket).
    pub const fn per_minute(limit: u32) -> RequestLimitBuilder<R> {
        RequestLimitBuilder::new(LimitLine::per_minute(limit))
    }

    /// Admits `limit` requests per hour on average, and as many at once unless a
    /// [burst](RequestLimitBuilder::burst) is set: a [`TokenBucket`](super::TokenBucket).
    pub const fn per_hour(limit: u32) -> RequestLimitBuilder<R> {
        RequestLimitBuilder::new(LimitLine::per_hour(limit))
    }

    /// Admits `limit` requests in any span of length `window`, counted in up to
    /// [`MAX_PARTS`](super::MAX_PARTS) sub-windows: a [`SlidingWindow`](super::SlidingWindow).
    pub const fn sliding(limit: u32, window: Duration) -> RequestLimitBuilder<R> {
        RequestLimitBuilder::new(LimitLine::sliding(limit, window))
    }

    /// Admits `limit` requests in each `window`; windows are aligned to 1970-01-01T00:00Z: a
    /// [`FixedWindow`](super::FixedWindow).
    pub const fn fixed(limit: u32, window: Duration) -> RequestLimitBuilder<R> {
        RequestLimitBuilder::new(LimitLine::fixed(limit, window))
    }

    /// Admits a number of requests in each of several windows, such as 10 per second and 100 per
    /// minute: a [`MultiWindow`](super::MultiWindow).
    pub fn windows(limits: impl IntoIterator<Item = (u32, Duration)>) -> RequestLimitBuilder<R> {
        RequestLimitBuilder::new(LimitLine::windows(limits))
    }
}

// A derived `Clone` would require `R: Clone`.
impl<R> Clone for RequestLimitBuilder<R> {
    fn clone(&self) -> Self {
        Self::new(self.line.clone())
    }
}

impl<R> Clone for ReadyLimit<R> {
    fn clone(&self) -> Self {
        Self { line: self.line.clone(), on_failure: self.on_failure, requests: PhantomData }
    }
}

impl<R> fmt::Debug for RequestLimitBuilder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestLimitBuilder({})", self.line)
    }
}

impl<R> fmt::Debug for ReadyLimit<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReadyLimit({}, {:?})", self.line, self.on_failure)
    }
}
