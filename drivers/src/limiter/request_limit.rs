//! Request limits: the common part of the [middleware](crate::app::RateLimit) of applications and
//! the [layer](crate::tower::RateLimitLayer) of tower.
//!
//! This module calls a [`RateLimiter`], and hooks. [`KeyPolicy`] decides which counter a request
//! belongs to, and the callers write refusals.

use core::fmt;
use core::net::IpAddr;
use core::num::NonZeroU32;
use std::collections::BTreeMap;
use std::sync::Arc;

use apptheory_core::limiter::headers::HeaderStyle;
use apptheory_core::limiter::http::{CountedRequest, KeyPolicy, Refusal};
use apptheory_core::limiter::{self, Attempt, Basis, Decision, RateLimitKey};

use super::RateLimiter;

/// A rate limit in front of handlers or services, for requests of type `R`. Clones are cheap, and
/// share the limiter.
///
/// A request counts for its verified identity, tenant or address, and for its route; [`KeyPolicy`]
/// has the order. A request without any of them gets a 500, unless
/// [`trusting_forwarded`](Self::trusting_forwarded) or [`shared`](Self::shared) is set.
///
/// | Decision | Response |
/// |---|---|
/// | allowed | the handler's response, with the limit's headers |
/// | allowed without a count (fails open) | the handler's response, with `x-rate-limit-fail-open: true` only |
/// | denied | 429 with the limit's headers and `retry-after` |
/// | store does not respond (fails closed) | 503 `app.overloaded`, `x-rate-limit-fail-closed: true`, `retry-after: 1` |
/// | the request has no key, or the limit is invalid | 500 `app.internal` |
pub struct RequestLimit<R> {
    /// The limiter, or the error of its settings, with which all requests are refused.
    limiter: Result<Arc<RateLimiter>, limiter::Error>,
    policy: KeyPolicy,
    key: Option<Look<R, Result<RateLimitKey, limiter::Error>>>,
    client_ip: Option<Look<R, Option<IpAddr>>>,
    route: Option<Look<R, Option<String>>>,
    cost: Option<Look<R, NonZeroU32>>,
    skip: Option<Look<R, bool>>,
    metadata: Option<Look<R, BTreeMap<String, String>>>,
    on_limit: Option<Hook<R, Decision>>,
    on_error: Option<Hook<R, limiter::Error>>,
    pub(crate) style: HeaderStyle,
    /// Used by the layer only: applications have one format for all errors.
    #[cfg(feature = "tower")]
    pub(crate) denial_body: limiter::http::DenialBody,
}

/// A function that reads a value from a request.
type Look<R, T> = Arc<dyn Fn(&R) -> T + Send + Sync>;

/// A hook that receives a request's result.
type Hook<R, T> = Arc<dyn Fn(&R, &T) + Send + Sync>;

impl<R> RequestLimit<R> {
    /// Creates a request limit from `limiter`, with cost 1 and `x-ratelimit-*` headers. Pass an
    /// [`Arc`] to use the same limiter elsewhere.
    #[must_use]
    pub fn new(limiter: impl Into<Arc<RateLimiter>>) -> Self {
        Self::over(Ok(limiter.into()))
    }

    pub(super) fn over(limiter: Result<Arc<RateLimiter>, limiter::Error>) -> Self {
        Self {
            limiter,
            policy: KeyPolicy::new(),
            key: None,
            client_ip: None,
            route: None,
            cost: None,
            skip: None,
            metadata: None,
            on_limit: None,
            on_error: None,
            style: HeaderStyle::default(),
            #[cfg(feature = "tower")]
            denial_body: limiter::http::DenialBody::default(),
        }
    }

    /// Checks the settings. Applications call it when they are built; call it yourself where you
    /// set up a tower layer.
    ///
    /// # Errors
    ///
    /// [`limiter::Error`] for an invalid line, number of proxies or secret.
    pub fn check(&self) -> Result<(), limiter::Error> {
        self.limiter.as_ref().map(drop).map_err(limiter::Error::clone)
    }

    /// Trusts the last `hops` entries of `x-forwarded-for`: 1 behind a load balancer; 0 is
    /// [invalid](Self::check). See [`KeyPolicy::trusting_forwarded`] for what clients can then do.
    #[must_use]
    pub fn trusting_forwarded(self, hops: usize) -> Self {
        let policy = self.policy.clone().trusting_forwarded(hops);
        self.counting_by(policy)
    }

    /// Counts by the client's address only. See [`KeyPolicy::per_address`].
    #[must_use]
    pub fn per_address(self) -> Self {
        Self { policy: self.policy.per_address(), ..self }
    }

    /// Counts all requests without a verified name together. See [`KeyPolicy::shared`].
    #[must_use]
    pub fn shared(self) -> Self {
        Self { policy: self.policy.shared(), ..self }
    }

    /// Counts by a header, whose value clients choose. See [`KeyPolicy::per_header`].
    #[must_use]
    pub fn per_header(self, name: &str) -> Self {
        Self { policy: self.policy.per_header(name), ..self }
    }

    /// Counts by credentials, which clients can make up unless something checks them. An empty
    /// secret is [invalid](Self::check). See [`KeyPolicy::per_credential`].
    #[must_use]
    pub fn per_credential(self, secret: impl AsRef<[u8]>) -> Self {
        let policy = self.policy.clone().per_credential(secret);
        self.counting_by(policy)
    }

    fn counting_by(self, policy: Result<KeyPolicy, limiter::Error>) -> Self {
        match (policy, &self.limiter) {
            (Ok(policy), _) => Self { policy, ..self },
            (Err(error), Ok(_)) => Self { limiter: Err(error), ..self },
            // Report the first mistake.
            (Err(_), Err(_)) => self,
        }
    }

    /// Counts each path separately. See [`KeyPolicy::per_path`] for what clients can then do.
    #[must_use]
    pub fn per_path(self) -> Self {
        Self { policy: self.policy.per_path(), ..self }
    }

    /// Sets another policy.
    #[must_use]
    pub fn with_policy(self, policy: KeyPolicy) -> Self {
        Self { policy, ..self }
    }

    /// Sets a function that returns the key of a request, instead of a policy. A request without a
    /// valid key gets a 500.
    #[must_use]
    pub fn with_key(
        self,
        key: impl Fn(&R) -> Result<RateLimitKey, limiter::Error> + Send + Sync + 'static,
    ) -> Self {
        Self { key: Some(Arc::new(key)), ..self }
    }

    /// Sets a function that returns the client's address, for hosts that do not set one: in an axum
    /// app that is served directly, return that of `ConnectInfo<SocketAddr>`; under `lambda_http`,
    /// the source address of the event's request context.
    #[must_use]
    pub fn with_client_ip(
        self,
        find: impl Fn(&R) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        Self { client_ip: Some(Arc::new(find)), ..self }
    }

    /// Sets a function that returns the route's pattern, where it is unknown; in axum, return that
    /// of `MatchedPath`.
    #[must_use]
    pub fn with_route(self, find: impl Fn(&R) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { route: Some(Arc::new(find)), ..self }
    }

    /// Sets a function that returns how many units a request costs; by default 1.
    #[must_use]
    pub fn with_cost(self, cost: impl Fn(&R) -> NonZeroU32 + Send + Sync + 'static) -> Self {
        Self { cost: Some(Arc::new(cost)), ..self }
    }

    /// Exempts requests for which `skip` returns `true`, such as health checks.
    #[must_use]
    pub fn with_skip(self, skip: impl Fn(&R) -> bool + Send + Sync + 'static) -> Self {
        Self { skip: Some(Arc::new(skip)), ..self }
    }

    /// Stores texts with a counter when it is created. See
    /// [`Attempt::with_metadata`](apptheory_core::limiter::Attempt::with_metadata) for their size.
    #[must_use]
    pub fn with_metadata(
        self,
        metadata: impl Fn(&R) -> BTreeMap<String, String> + Send + Sync + 'static,
    ) -> Self {
        Self { metadata: Some(Arc::new(metadata)), ..self }
    }

    /// Calls `hook` for every denied request.
    #[must_use]
    pub fn on_limit(self, hook: impl Fn(&R, &Decision) + Send + Sync + 'static) -> Self {
        Self { on_limit: Some(Arc::new(hook)), ..self }
    }

    /// Calls `hook` for every request that could not be counted, whether or not it was admitted.
    /// Without a hook, and with the feature `tracing`, they are logged.
    #[must_use]
    pub fn on_error(self, hook: impl Fn(&R, &limiter::Error) + Send + Sync + 'static) -> Self {
        Self { on_error: Some(Arc::new(hook)), ..self }
    }

    /// Sets the style of the limit's headers.
    #[must_use]
    pub fn with_header_style(self, style: HeaderStyle) -> Self {
        Self { style, ..self }
    }

    /// Returns whether requests have no key if their provider does not verify an address.
    pub(crate) fn needs_verified_address(&self, authenticates: bool) -> bool {
        let finds_its_own = self.key.is_some() || self.client_ip.is_some();
        !finds_its_own && self.policy.needs_verified_address(authenticates)
    }

    /// Returns the limiter's configuration. Use it to test the limit in a `World` of the test kit.
    ///
    /// # Errors
    ///
    /// The error of [`check`](Self::check).
    pub fn limiter(&self) -> Result<&limiter::Limiter, limiter::Error> {
        self.rate_limiter().map(RateLimiter::limiter)
    }

    fn rate_limiter(&self) -> Result<&RateLimiter, limiter::Error> {
        self.limiter.as_deref().map_err(limiter::Error::clone)
    }

    fn limiter_for(&self, request: &R) -> Result<&RateLimiter, Refusal> {
        self.rate_limiter().map_err(|error| self.undecided(request, error))
    }

    fn key(&self, request: &R, facts: CountedRequest<'_>) -> Result<RateLimitKey, limiter::Error> {
        if let Some(key) = &self.key {
            return key(request);
        }
        let address = facts.address.or_else(|| self.client_ip.as_ref()?(request));
        let found = match facts.route {
            Some(_) => None,
            None => self.route.as_ref().and_then(|find| find(request)),
        };
        let route = facts.route.or(found.as_deref());
        self.policy.key(&CountedRequest { address, route, ..facts })
    }

    fn undecided(&self, request: &R, error: limiter::Error) -> Refusal {
        self.report(request, &error);
        Refusal::Undecided(error)
    }

    fn report(&self, request: &R, error: &limiter::Error) {
        match &self.on_error {
            Some(hook) => hook(request, error),
            None => log(error),
        }
    }

    /// Returns the attempt of a request; `None` if it is exempt.
    pub(crate) fn attempt(
        &self,
        request: &R,
        facts: CountedRequest<'_>,
    ) -> Result<Option<Attempt>, Refusal> {
        if self.skip.as_ref().is_some_and(|skip| skip(request)) {
            return Ok(None);
        }
        let limiter = self.limiter_for(request)?;
        let key = self.key(request, facts).map_err(|error| self.undecided(request, error))?;
        let mut attempt = limiter.attempt(key);
        if let Some(cost) = &self.cost {
            attempt = attempt.with_cost(cost(request));
        }
        if let Some(metadata) = &self.metadata {
            attempt = attempt.with_metadata(metadata(request));
        }
        Ok(Some(attempt))
    }

    /// Decides on a request: it is admitted, or refused.
    pub(crate) async fn admit(&self, request: &R, attempt: Attempt) -> Result<Decision, Refusal>
    where
        R: Sync,
    {
        let decided = self.limiter_for(request)?.check_and_increment(attempt).await;
        let decision = decided.map_err(|error| self.undecided(request, error))?;
        if let Basis::FailOpen { cause, stage } = decision.basis {
            self.report(request, &limiter::Error::failed_open(cause, stage));
        }
        if decision.allowed {
            return Ok(decision);
        }
        if let Some(hook) = &self.on_limit {
            hook(request, &decision);
        }
        Err(Refusal::Denied(Box::new(decision)))
    }
}

/// Logs an error that the client does not see.
#[cfg(feature = "tracing")]
fn log(error: &limiter::Error) {
    tracing::warn!("{error}; {}", crate::see::See("rate_limiting"));
}

#[cfg(not(feature = "tracing"))]
const fn log(_: &limiter::Error) {}

// A derived `Debug` would require `R: Debug`.
impl<R> Clone for RequestLimit<R> {
    fn clone(&self) -> Self {
        Self {
            limiter: self.limiter.clone(),
            policy: self.policy.clone(),
            key: self.key.clone(),
            client_ip: self.client_ip.clone(),
            route: self.route.clone(),
            cost: self.cost.clone(),
            skip: self.skip.clone(),
            metadata: self.metadata.clone(),
            on_limit: self.on_limit.clone(),
            on_error: self.on_error.clone(),
            ..*self
        }
    }
}

impl<R> fmt::Debug for RequestLimit<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestLimit")
            .field("limiter", &self.limiter.as_ref().map(|limiter| limiter.limiter()))
            .field("policy", &self.policy)
            .field("style", &self.style)
            .finish_non_exhaustive()
    }
}
