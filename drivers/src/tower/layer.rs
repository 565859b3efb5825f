//! The layer, and the request extensions that it reads.

use std::sync::Arc;

use apptheory_core::limiter::http::{CountedRequest, DenialBody};
use http::request::Parts;
use tower::Layer;

use super::service::RateLimitService;
use crate::app::{ClientIp, Tenant};
use crate::limiter::RequestLimit;

/// The authenticated caller: a request extension that authentication sets. It counts as `user:` and
/// the trimmed text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity(pub String);

/// The pattern of the matched route, such as `/orders/{id}`: a request extension that a router
/// sets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoutePattern(pub String);

/// Puts a [`RateLimiter`](crate::limiter::RateLimiter) in front of a service. Clones are cheap, and
/// share the limiter.
///
/// A request counts for its [caller](apptheory_core::limiter::http::KeyPolicy), which the host
/// names by the extensions [`Identity`], [`Tenant`] and [`ClientIp`], and for its [`RoutePattern`].
/// Without a pattern, all paths share one counter.
pub type RateLimitLayer = RequestLimit<Parts>;

impl RateLimitLayer {
    /// Sets the body of denials.
    #[must_use]
    pub fn with_denial_body(mut self, denial_body: DenialBody) -> Self {
        self.denial_body = denial_body;
        self
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimitService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimitService::new(inner, Arc::new(self.clone()))
    }
}

/// Passes what is known about a request to `look`.
pub(super) fn with_facts<T>(parts: &Parts, look: impl FnOnce(CountedRequest<'_>) -> T) -> T {
    let fields = |name: &str| {
        // The header may hold any bytes in front of those that a proxy wrote.
        let values = parts.headers.get_all(name).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    };
    let facts = CountedRequest::of(parts.method.as_str(), parts.uri.path(), &fields);
    look(CountedRequest {
        identity: parts.extensions.get().map_or("", |Identity(identity)| identity),
        tenant_id: parts.extensions.get().map_or("", |Tenant(tenant_id)| tenant_id),
        address: parts.extensions.get().map(|ClientIp(address)| *address),
        route: parts.extensions.get().map(|RoutePattern(route)| route.as_str()),
        ..facts
    })
}
