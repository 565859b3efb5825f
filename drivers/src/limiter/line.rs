//! Limits of requests that are said in one line.

use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::limiter::{LimitLine, OnFailure};

use super::{RateLimiter, RequestLimit};
use crate::store::Store;

/// A limit of requests that still has to say what happens while its store gives no answer.
#[must_use = "say `fail_closed()` or `fail_open()`, and `on(&store)`"]
pub struct RequestLimitBuilder<R> {
    line: LimitLine,
    requests: PhantomData<fn(&R)>,
}

/// A limit of requests that only needs its store.
#[must_use = "say `on(&store)`"]
pub struct ReadyLimit<R> {
    line: LimitLine,
    on_failure: OnFailure,
    requests: PhantomData<fn(&R)>,
}

impl<R> RequestLimitBuilder<R> {
    const fn new(line: LimitLine) -> Self {
        Self { line, requests: PhantomData }
    }

    /// Admits so many at once; by default as many as the limit. It is for the limits per second,
    /// minute and hour.
    pub fn burst(self, burst: u32) -> Self {
        Self::new(self.line.burst(burst))
    }

    /// Gives the limit counters of its own. Two limits around the same routes need names, or one of
    /// them does; see [`LimiterBuilder::named`](super::LimiterBuilder::named).
    pub fn named(self, name: &str) -> Self {
        Self::new(self.line.named(name))
    }

    /// Refuses requests with 503 while the store gives no answer.
    pub fn fail_closed(self) -> ReadyLimit<R> {
        self.failing(OnFailure::Closed)
    }

    /// Lets requests pass uncounted while the store gives no answer: a client that can slow the store
    /// down is not limited.
    pub fn fail_open(self) -> ReadyLimit<R> {
        self.failing(OnFailure::Open)
    }

    fn failing(self, on_failure: OnFailure) -> ReadyLimit<R> {
        ReadyLimit { line: self.line, on_failure, requests: PhantomData }
    }
}

impl<R> ReadyLimit<R> {
    /// Makes the limit on a store, whose environment names the table, and declares the table.
    #[must_use]
    pub fn on(&self, store: &Store) -> RequestLimit<R> {
        let limiter = self.line.limiter(self.on_failure, |name| store.env(name));
        RequestLimit::over(limiter.map(|limiter| Arc::new(RateLimiter::new(limiter, store))))
    }
}

/// Limits in one line. What cannot work, such as a limit of 0, does not panic: an application with
/// it does not build, and [`check`](Self::check) says so elsewhere. No request passes such a limit.
impl<R> RequestLimit<R> {
    /// Admits `limit` a second on the average, and as many at once unless a
    /// [burst](RequestLimitBuilder::burst) is set: a [`TokenBucket`](super::TokenBucket).
    pub const fn per_second(limit: u32) -> RequestLimitBuilder<R> {
        RequestLimitBuilder::new(LimitLine::per_second(limit))
    }

    /// Admits `limit` a minute on the average, and as many at once unless a
    /// [burst](RequestLimitBuilder::burst) is set: a [`TokenBucket`](super::TokenBucket).
    pub const fn per_minute(limit: u32) -> RequestLimitBuilder<R> {
        RequestLimitBuilder::new(LimitLine::per_minute(limit))
    }

    /// Admits `limit` an hour on the average, and as many at once unless a
    /// [burst](RequestLimitBuilder::burst) is set: a [`TokenBucket`](super::TokenBucket).
    pub const fn per_hour(limit: u32) -> RequestLimitBuilder<R> {
        RequestLimitBuilder::new(LimitLine::per_hour(limit))
    }

    /// Admits `limit` in any span of `window`, counted in up to
    /// [`MAX_PARTS`](super::MAX_PARTS) sub-windows: a [`SlidingWindow`](super::SlidingWindow).
    pub const fn sliding(limit: u32, window: Duration) -> RequestLimitBuilder<R> {
        RequestLimitBuilder::new(LimitLine::sliding(limit, window))
    }

    /// Admits `limit` in each `window` that counts from 1970: a
    /// [`FixedWindow`](super::FixedWindow).
    pub const fn fixed(limit: u32, window: Duration) -> RequestLimitBuilder<R> {
        RequestLimitBuilder::new(LimitLine::fixed(limit, window))
    }

    /// Admits so many in each window of several at once, such as 10 a second and 100 a minute: a
    /// [`MultiWindow`](super::MultiWindow).
    pub fn windows(limits: impl IntoIterator<Item = (u32, Duration)>) -> RequestLimitBuilder<R> {
        RequestLimitBuilder::new(LimitLine::windows(limits))
    }
}

// Derived, they would ask the same of the request.
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
