//! A request with its context, for handlers.

use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use super::access::Principal;
#[cfg(test)]
use super::settings::TenantSource;
use crate::http::Request;
use crate::http::router::{Param, Pattern};
use crate::time::Timestamp;

/// When a request arrived, and how long there is to answer it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Arrival {
    /// When serving the request began.
    pub now: Timestamp,
    /// The time left at that instant: `None` without a deadline, zero if it has passed.
    pub remaining: Option<Duration>,
}

/// A request, or a WebSocket message, with its context. Policies, authentication and handlers
/// receive it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The request.
    pub request: Request,
    /// The request's id: the client's, the provider's, or a new one. Empty in
    /// [`Pipeline::Bare`](super::Pipeline::Bare).
    pub request_id: String,
    /// The tenant that the request names, or an empty text; see
    /// [`TenantSource`](super::TenantSource). Use [`tenant_id`](Self::tenant_id) for the tenant
    /// that counts.
    pub named_tenant_id: String,
    /// When the request arrived.
    pub arrival: Arrival,
    address: Address,
}

/// The key by which the handler of a call is looked up.
#[derive(Clone, Debug)]
pub(super) enum Address {
    /// For a request: the pattern that its path matched.
    Path(Option<Arc<Pattern>>),
    /// For a message: its route key.
    Key(String),
}

impl Call {
    pub(super) const fn new(
        request: Request,
        request_id: String,
        named_tenant_id: String,
        arrival: Arrival,
        address: Address,
    ) -> Self {
        Self { request, request_id, named_tenant_id, arrival, address }
    }

    /// Creates the call of a request without a route.
    #[cfg(test)]
    pub(crate) fn unrouted(
        request: Request,
        request_id: String,
        arrival: Arrival,
        tenant: TenantSource,
    ) -> Self {
        let named_tenant_id = tenant.tenant_id(&request);
        Self { request, request_id, named_tenant_id, arrival, address: Address::Path(None) }
    }

    /// Returns the verified tenant: from the [platform](crate::http::platform), or else from
    /// authentication.
    #[must_use]
    pub fn verified_tenant_id<'c>(&'c self, principal: Option<&'c Principal>) -> Option<&'c str> {
        let platform = self.request.platform.tenant_id.as_deref();
        platform.or_else(|| principal.and_then(|principal| principal.tenant_id.as_deref()))
    }

    /// Returns the tenant: the [verified](Self::verified_tenant_id) one, or else the tenant that the
    /// request names, or an empty text.
    #[must_use]
    pub fn tenant_id<'c>(&'c self, principal: Option<&'c Principal>) -> &'c str {
        self.verified_tenant_id(principal).unwrap_or(&self.named_tenant_id)
    }

    /// Returns the pattern of the matched route; `None` if no route matched, and for messages.
    #[must_use]
    pub fn pattern(&self) -> Option<&Pattern> {
        match &self.address {
            Address::Path(pattern) => pattern.as_deref(),
            Address::Key(_) => None,
        }
    }

    /// Returns the trimmed route key of a message; `None` for a request.
    #[must_use]
    pub fn route_key(&self) -> Option<&str> {
        match &self.address {
            Address::Path(_) => None,
            Address::Key(route_key) => Some(route_key),
        }
    }

    /// Returns the route as it was registered: the pattern for a request, the route key for a
    /// message. `None` for a request without a route.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        match &self.address {
            Address::Path(pattern) => pattern.as_ref().map(|pattern| pattern.as_str()),
            Address::Key(route_key) => Some(route_key),
        }
    }

    /// Returns a path parameter, percent-encoded.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params().find(|param| param.name == name).map(|param| param.raw)
    }

    /// Yields the path parameters, in the order of the pattern.
    pub fn params(&self) -> impl Iterator<Item = Param<'_, '_>> {
        let pattern = self.pattern().into_iter();
        pattern.flat_map(|pattern| pattern.captures(&self.request.path))
    }

    /// Returns the whole milliseconds left on arrival; 0 if there is no deadline, or it has passed.
    #[must_use]
    pub fn remaining_ms(&self) -> u64 {
        let remaining = self.arrival.remaining.unwrap_or_default();
        u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX)
    }
}
