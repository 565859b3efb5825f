//! The layer and its settings.

use core::fmt;
use core::num::NonZeroU32;
use std::sync::Arc;

use apptheory_core::limiter::Decision;
use apptheory_core::limiter::headers::HeaderStyle;
use http::request::Parts;
use tower::Layer;

use super::key::{ExtractKey, Look, RequestKey};
use super::response::{DenialBody, Refusal};
use super::service::RateLimit;
use crate::clock::{Clock, SystemClock};
use crate::execute::StoreExecutor;
use crate::rate_limiter::RateLimiter;

/// Puts a [`RateLimiter`] in front of a service. Cheap to clone; all clones share the limiter.
pub struct RateLimitLayer<X, C = SystemClock> {
    limiter: Arc<RateLimiter<X, C>>,
    key: Arc<dyn ExtractKey>,
    cost: Option<Look<NonZeroU32>>,
    skip: Option<Look<bool>>,
    pub(super) style: HeaderStyle,
    pub(super) denial_body: DenialBody,
}

impl<X, C> RateLimitLayer<X, C> {
    /// Limits by [`RequestKey`], at cost 1, with `x-ratelimit-*` headers. Pass an [`Arc`] to use
    /// the same limiter elsewhere too.
    pub fn new(limiter: impl Into<Arc<RateLimiter<X, C>>>) -> Self {
        Self {
            limiter: limiter.into(),
            key: Arc::new(RequestKey::new()),
            cost: None,
            skip: None,
            style: HeaderStyle::default(),
            denial_body: DenialBody::default(),
        }
    }

    /// Tells requests apart in another way.
    #[must_use]
    pub fn with_key(self, key: impl ExtractKey + 'static) -> Self {
        Self { key: Arc::new(key), ..self }
    }

    /// Lets `cost` tell how many units a request uses.
    #[must_use]
    pub fn with_cost(self, cost: impl Fn(&Parts) -> NonZeroU32 + Send + Sync + 'static) -> Self {
        Self { cost: Some(Arc::new(cost)), ..self }
    }

    /// Passes on requests that `skip` holds for, as if there were no limiter: health checks, say.
    #[must_use]
    pub fn with_skip(self, skip: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        Self { skip: Some(Arc::new(skip)), ..self }
    }

    /// Writes other header sets.
    #[must_use]
    pub fn with_header_style(self, style: HeaderStyle) -> Self {
        Self { style, ..self }
    }

    /// Words denials in another way.
    #[must_use]
    pub fn with_denial_body(self, denial_body: DenialBody) -> Self {
        Self { denial_body, ..self }
    }

    pub(super) fn skips(&self, parts: &Parts) -> bool {
        self.skip.as_ref().is_some_and(|skip| skip(parts))
    }
}

impl<X: StoreExecutor, C: Clock> RateLimitLayer<X, C> {
    /// Decides on a request: how it was admitted, or why it was not.
    pub(super) async fn admit(&self, parts: &Parts) -> Result<Decision, Refusal> {
        let key = self.key.extract_key(parts).map_err(Refusal::Unkeyed)?;
        let cost = self.cost.as_ref().map_or(NonZeroU32::MIN, |cost| cost(parts));
        let attempt = self.limiter.attempt(key).with_cost(cost);
        let decision =
            self.limiter.check_and_increment(attempt).await.map_err(Refusal::Undecided)?;
        if decision.allowed { Ok(decision) } else { Err(Refusal::Denied(decision)) }
    }
}

impl<S, X, C> Layer<S> for RateLimitLayer<X, C> {
    type Service = RateLimit<S, X, C>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit::new(inner, Arc::new(self.clone()))
    }
}

// Derived, these would ask the same of the executor and the clock.
impl<X, C> Clone for RateLimitLayer<X, C> {
    fn clone(&self) -> Self {
        Self {
            limiter: Arc::clone(&self.limiter),
            key: Arc::clone(&self.key),
            cost: self.cost.clone(),
            skip: self.skip.clone(),
            ..*self
        }
    }
}

impl<X, C> fmt::Debug for RateLimitLayer<X, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitLayer")
            .field("limiter", self.limiter.limiter())
            .field("style", &self.style)
            .field("denial_body", &self.denial_body)
            .finish_non_exhaustive()
    }
}
