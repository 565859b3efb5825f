//! A limit in front of handlers or services: what the [middleware](crate::app::RateLimit) of
//! applications and the [layer](crate::tower::RateLimitLayer) of tower have in common.
//!
//! This module asks a [`RateLimiter`] about requests, and calls hooks. It decides neither which
//! counter a request belongs to, which is [`KeyPolicy`]'s, nor how a refusal looks.

use core::fmt;
use core::net::IpAddr;
use core::num::NonZeroU32;
use std::collections::BTreeMap;
use std::sync::Arc;

use apptheory_core::limiter::headers::HeaderStyle;
use apptheory_core::limiter::http::{CountedRequest, KeyPolicy, Refusal};
use apptheory_core::limiter::{self, Attempt, Basis, Decision, RateLimitKey};

use super::RateLimiter;

/// A limit in front of handlers or services of requests of the type `R`. Cheap to clone; all clones
/// share the limiter.
///
/// A request counts for what is vouched for about its caller, and for its route; [`KeyPolicy`] says
/// in which order. One of which nothing is vouched for is answered with 500, unless
/// [`trusting_forwarded`](Self::trusting_forwarded) or [`shared`](Self::shared) is set.
///
/// | The limiter says | The client gets |
/// |---|---|
/// | allowed | the handler's answer, with the header fields |
/// | allowed without a count (fails open) | the handler's answer, with `x-rate-limit-fail-open: true` alone |
/// | denied | 429 with the header fields and `retry-after` |
/// | no answer (fails closed) | 503 `app.overloaded`, `x-rate-limit-fail-closed: true`, `retry-after: 1` |
/// | – (the request has no key, or the limit cannot work) | 500 `app.internal` |
pub struct RequestLimit<R> {
    /// The limiter, or what is wrong with its settings; then no request passes.
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
    /// Of the layer alone: applications have one shape for all of their errors.
    #[cfg(feature = "tower")]
    pub(crate) denial_body: limiter::http::DenialBody,
}

/// A look at a request.
type Look<R, T> = Arc<dyn Fn(&R) -> T + Send + Sync>;

/// Takes what happened to a request.
type Hook<R, T> = Arc<dyn Fn(&R, &T) + Send + Sync>;

impl<R> RequestLimit<R> {
    /// Limits by `limiter`, at cost 1, with `x-ratelimit-*` fields. Pass an [`Arc`] to use the same
    /// limiter elsewhere too.
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

    /// Checks that the limit can work. Applications do when they are built; call it where a layer
    /// of tower is set up.
    ///
    /// # Errors
    ///
    /// [`limiter::Error`] for the line, the number of proxies or the secret that cannot work.
    pub fn check(&self) -> Result<(), limiter::Error> {
        self.limiter.as_ref().map(drop).map_err(limiter::Error::clone)
    }

    /// Trusts the last `hops` entries of `x-forwarded-for`: 1 behind a load balancer; 0 cannot
    /// [work](Self::check). See [`KeyPolicy::trusting_forwarded`] on what that lets clients do.
    #[must_use]
    pub fn trusting_forwarded(self, hops: usize) -> Self {
        let policy = self.policy.clone().trusting_forwarded(hops);
        self.counting_by(policy)
    }

    /// Counts only by the client's address. See [`KeyPolicy::per_address`].
    #[must_use]
    pub fn per_address(self) -> Self {
        Self { policy: self.policy.per_address(), ..self }
    }

    /// Counts all requests together of which nothing is vouched for. See [`KeyPolicy::shared`].
    #[must_use]
    pub fn shared(self) -> Self {
        Self { policy: self.policy.shared(), ..self }
    }

    /// Counts by a header field, whose value clients choose. See [`KeyPolicy::per_header`].
    #[must_use]
    pub fn per_header(self, name: &str) -> Self {
        Self { policy: self.policy.per_header(name), ..self }
    }

    /// Counts by credentials, which clients make up unless something checks them; an empty secret
    /// cannot [work](Self::check). See [`KeyPolicy::per_credential`].
    #[must_use]
    pub fn per_credential(self, secret: impl AsRef<[u8]>) -> Self {
        let policy = self.policy.clone().per_credential(secret);
        self.counting_by(policy)
    }

    fn counting_by(self, policy: Result<KeyPolicy, limiter::Error>) -> Self {
        match (policy, &self.limiter) {
            (Ok(policy), _) => Self { policy, ..self },
            (Err(error), Ok(_)) => Self { limiter: Err(error), ..self },
            // The first mistake is the one that is reported.
            (Err(_), Err(_)) => self,
        }
    }

    /// Counts every path for itself. See [`KeyPolicy::per_path`] on what that lets clients do.
    #[must_use]
    pub fn per_path(self) -> Self {
        Self { policy: self.policy.per_path(), ..self }
    }

    /// Takes another policy, such as the contract's.
    #[must_use]
    pub fn with_policy(self, policy: KeyPolicy) -> Self {
        Self { policy, ..self }
    }

    /// Lets `key` make the key of a request, in place of the policy. A request without a valid one
    /// is answered with 500.
    #[must_use]
    pub fn with_key(
        self,
        key: impl Fn(&R) -> Result<RateLimitKey, limiter::Error> + Send + Sync + 'static,
    ) -> Self {
        Self { key: Some(Arc::new(key)), ..self }
    }

    /// Looks for the client's address with `find`, where the host vouches for none: in an axum app
    /// that is served on its own, it is that of `ConnectInfo<SocketAddr>`; under lambda_http, the
    /// source address in the event's request context.
    #[must_use]
    pub fn with_client_ip(
        self,
        find: impl Fn(&R) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        Self { client_ip: Some(Arc::new(find)), ..self }
    }

    /// Looks for the route's pattern with `find`, where it is unknown; in axum it is that
    /// of `MatchedPath`.
    #[must_use]
    pub fn with_route(self, find: impl Fn(&R) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { route: Some(Arc::new(find)), ..self }
    }

    /// Lets `cost` say how many units a request uses, instead of 1.
    #[must_use]
    pub fn with_cost(self, cost: impl Fn(&R) -> NonZeroU32 + Send + Sync + 'static) -> Self {
        Self { cost: Some(Arc::new(cost)), ..self }
    }

    /// Passes on requests that `skip` holds for, as if there were no limit: health checks, say.
    #[must_use]
    pub fn with_skip(self, skip: impl Fn(&R) -> bool + Send + Sync + 'static) -> Self {
        Self { skip: Some(Arc::new(skip)), ..self }
    }

    /// Stores texts with the counter when it is created. See
    /// [`Attempt::with_metadata`](apptheory_core::limiter::Attempt::with_metadata) on their size.
    #[must_use]
    pub fn with_metadata(
        self,
        metadata: impl Fn(&R) -> BTreeMap<String, String> + Send + Sync + 'static,
    ) -> Self {
        Self { metadata: Some(Arc::new(metadata)), ..self }
    }

    /// Calls `hook` for every request that is denied.
    #[must_use]
    pub fn on_limit(self, hook: impl Fn(&R, &Decision) + Send + Sync + 'static) -> Self {
        Self { on_limit: Some(Arc::new(hook)), ..self }
    }

    /// Calls `hook` for every request that is not counted, whether or not it goes on. Without it, and
    /// with the feature `tracing`, they are logged.
    #[must_use]
    pub fn on_error(self, hook: impl Fn(&R, &limiter::Error) + Send + Sync + 'static) -> Self {
        Self { on_error: Some(Arc::new(hook)), ..self }
    }

    /// Writes other header fields.
    #[must_use]
    pub fn with_header_style(self, style: HeaderStyle) -> Self {
        Self { style, ..self }
    }

    /// Whether requests may have no key because their provider vouches for no address.
    pub(crate) fn needs_vouched_address(&self, authenticates: bool) -> bool {
        let finds_its_own = self.key.is_some() || self.client_ip.is_some();
        !finds_its_own && self.policy.needs_vouched_address(authenticates)
    }

    /// The limiter that requests are counted in.
    pub(crate) fn limiter(&self) -> Result<&RateLimiter, limiter::Error> {
        self.limiter.as_deref().map_err(limiter::Error::clone)
    }

    fn limiter_for(&self, request: &R) -> Result<&RateLimiter, Refusal> {
        self.limiter().map_err(|error| self.undecided(request, error))
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
        self.tell(request, &error);
        Refusal::Undecided(error)
    }

    fn tell(&self, request: &R, error: &limiter::Error) {
        match &self.on_error {
            Some(hook) => hook(request, error),
            None => log(error),
        }
    }

    /// The attempt of a request; `None` when it is to be skipped.
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

    /// Decides on a request: how it is admitted, or why it goes no further.
    pub(crate) async fn admit(&self, request: &R, attempt: Attempt) -> Result<Decision, Refusal>
    where
        R: Sync,
    {
        let decided = self.limiter_for(request)?.check_and_increment(attempt).await;
        let decision = decided.map_err(|error| self.undecided(request, error))?;
        if let Basis::FailOpen { cause, stage } = decision.basis {
            self.tell(request, &limiter::Error::failed_open(cause, stage));
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

/// Logs what a client may not see of a limit, or sees only as a limit that let it through.
#[cfg(feature = "tracing")]
fn log(error: &limiter::Error) {
    tracing::warn!("{error}");
}

#[cfg(not(feature = "tracing"))]
const fn log(_: &limiter::Error) {}

// Derived, it would ask the same of the request.
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
