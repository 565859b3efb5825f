//! Chooses the counter of a request.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::num::NonZeroUsize;

use serde::Deserialize;

use super::CountedRequest;
use super::caller::{ANONYMOUS, contract_identifier, credential, named_by_field};
use super::forwarded::forwarded_address;
use crate::http::names::is_standard_method;
use crate::http::{UriPath, canonical_name};
use crate::identity::{EmptySecret, client_network};
use crate::limiter::RateLimitKey;
use crate::limiter::error::{Error, Reason};
use crate::limiter::setting::Setting;

/// Chooses the rate-limit key of a request: who is counted, and for what.
///
/// The caller is the first of these that the request has. The prefixes ensure that callers of
/// different kinds never share a counter:
///
/// 1. `user:` and the authenticated identity;
/// 2. `tenant:` and the authenticated tenant;
/// 3. `ip:` and the [network](client_network) (IPv6 by /56) of the client's address, which the
///    provider or the connection verifies.
///
/// A request without any of them is [not counted](crate::limiter::ErrorKind::NoCaller) and not let
/// through. By default, clients cannot choose their counter. If they could, a client with a new
/// name for every request would never reach its limit, and a client with another client's name
/// would use up that client's limit. The methods that change this say what clients can then do.
///
/// A limiter's exceptions match the whole identifier: `with_identifier_limit("user:ann", 1_000)`.
///
/// The resource is the route's pattern, so that `/orders/1` and `/orders/2` share a counter. The
/// operation is the method; HEAD counts as GET, and all methods that RFC 9110 and RFC 5789 do not
/// define count as one. If the pattern is unknown, all paths share a counter, unless
/// [`per_path`](Self::per_path) is set.
///
/// In a configuration, the settings have the names of the methods:
///
/// ```
/// use apptheory_core::limiter::http::KeyPolicy;
///
/// let policy: KeyPolicy = serde_json::from_str(r#"{"trusting_forwarded": 1, "shared": true}"#)?;
/// assert_eq!(policy, KeyPolicy::new().trusting_forwarded(1)?.shared());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Default, Deserialize, Eq, PartialEq)]
#[serde(try_from = "Settings")]
pub struct KeyPolicy {
    names: Names,
    trusted_hops: Option<NonZeroUsize>,
    is_shared: bool,
    is_per_path: bool,
}

/// Says which names that clients choose are used.
#[derive(Clone, Default, Eq, PartialEq)]
enum Names {
    #[default]
    Unbelieved,
    /// Only addresses are used.
    Address,
    Header(String),
    Credential(Vec<u8>),
    Contract,
}

impl KeyPolicy {
    /// Creates the default policy, which uses only verified identities, tenants and addresses.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the client's address from `x-forwarded-for`, whose last `hops` entries were written by
    /// the application's own proxies. Use 1 behind a load balancer, and 2 with CloudFront in front
    /// of it. This address replaces the one that the provider verifies, which is the nearest
    /// proxy's; if the header has too few entries, the provider's address is used.
    ///
    /// The load balancer must append to the header, as it does by default. Clients choose their
    /// counter if `hops` exceeds the number of proxies, or if they can reach the function without
    /// passing the proxies.
    ///
    /// # Errors
    ///
    /// [`Error`] if `hops` is 0.
    pub fn trusting_forwarded(self, hops: usize) -> Result<Self, Error> {
        let hops = NonZeroUsize::new(hops).ok_or(Setting::NoHops)?;
        Ok(Self { trusted_hops: Some(hops), ..self })
    }

    /// Counts all requests from unknown callers together, as `anonymous`, instead of refusing them.
    /// One such client can use up the limit of all.
    #[must_use]
    pub fn shared(self) -> Self {
        Self { is_shared: true, ..self }
    }

    /// Counts by the network of the client's address only, even if the caller is known. Use it to
    /// limit requests before authentication, such as the sign-in itself.
    ///
    /// Callers behind one address share its limit; a caller with many networks has many limits.
    #[must_use]
    pub fn per_address(self) -> Self {
        Self { names: Names::Address, ..self }
    }

    /// Counts by the value of a header, as `header:{name}:{value}`. Requests without the header are
    /// counted as usual.
    ///
    /// Clients choose their counter: an invented value has a full limit of its own, and another
    /// client's value uses up that client's limit. Use it only for headers that a proxy in front of
    /// the application checks or overwrites. Values of `authorization`, `cookie`,
    /// `proxy-authorization` and `x-api-key` are stored as fingerprints, all others unchanged.
    #[must_use]
    pub fn per_header(self, name: &str) -> Self {
        Self { names: Names::Header(canonical_name(name).into_owned()), ..self }
    }

    /// Counts by credential if neither an identity nor a tenant is authenticated: by the first
    /// `x-api-key`, or else by the token of an `authorization` header with the scheme `Bearer`.
    /// Stored keys contain the credential's HMAC-SHA256 under `secret` (for example 32 random
    /// bytes), never the credential. Changing the secret resets the counters.
    ///
    /// Clients choose their counter unless credentials were checked before: a client with a new
    /// credential for every request is never limited.
    ///
    /// # Errors
    ///
    /// [`Error`] if `secret` is empty or blank.
    pub fn per_credential(self, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        let secret = EmptySecret::check(secret.as_ref())?.to_vec();
        Ok(Self { names: Names::Credential(secret), ..self })
    }

    /// Counts every path separately, in the normal form of RFC 3986 §6.2.2 and without empty
    /// segments.
    ///
    /// If a route has parameters, clients choose their counter: each of `/orders/1`, `/orders/2`
    /// and so on has a full limit of its own.
    #[must_use]
    pub fn per_path(self) -> Self {
        Self { is_per_path: true, ..self }
    }

    /// Counts as the portable cases of the contract require: by the first of `x-api-key` and a
    /// bearer token, as fingerprints under the published key; then by the identity, then by the
    /// tenant, even if only the request claims it; then as `anonymous`.
    ///
    /// **It limits only cooperative clients**: clients choose their counter, and names of different
    /// kinds can collide. Use it for conformance tests and for migrations.
    #[must_use]
    pub fn contract() -> Self {
        Self { names: Names::Contract, ..Self::new() }
    }

    /// Returns whether requests may lack a key because the provider verifies no address, for
    /// example behind a load balancer. `authenticates` says whether callers are authenticated.
    #[must_use]
    pub const fn needs_verified_address(&self, authenticates: bool) -> bool {
        let has_fallback = self.is_shared || self.trusted_hops.is_some();
        match self.names {
            Names::Contract => false,
            Names::Address => !has_fallback,
            Names::Unbelieved | Names::Header(_) | Names::Credential(_) => {
                !has_fallback && !authenticates
            }
        }
    }

    /// Returns the key of a request.
    ///
    /// # Errors
    ///
    /// [`Error`] if the caller is unknown.
    pub fn key(&self, request: &CountedRequest<'_>) -> Result<RateLimitKey, Error> {
        let identifier = self.identifier(request).ok_or(Reason::NoCaller)?;
        RateLimitKey::new(&identifier, &self.resource(request), operation(request.method))
    }

    fn identifier(&self, request: &CountedRequest<'_>) -> Option<String> {
        let chosen = match &self.names {
            Names::Contract => return Some(contract_identifier(request)),
            Names::Header(name) => request.field(name).map(|value| named_by_field(name, &value)),
            Names::Unbelieved | Names::Address | Names::Credential(_) => None,
        };
        let named = |space: &str, name: &str| {
            let name = name.trim();
            let counts = !name.is_empty() && self.names != Names::Address;
            counts.then(|| format!("{space}:{name}"))
        };
        chosen
            .or_else(|| named("user", request.identity))
            .or_else(|| named("tenant", request.tenant_id))
            .or_else(|| match &self.names {
                Names::Credential(secret) => credential(secret, request),
                Names::Unbelieved | Names::Address | Names::Header(_) | Names::Contract => None,
            })
            .or_else(|| self.address(request).map(client_network))
            .or_else(|| self.is_shared.then(|| ANONYMOUS.to_string()))
    }

    fn address(&self, request: &CountedRequest<'_>) -> Option<IpAddr> {
        let forwarded = |hops| forwarded_address(&(request.fields)("x-forwarded-for"), hops);
        self.trusted_hops.and_then(forwarded).or(request.address)
    }

    fn resource(&self, request: &CountedRequest<'_>) -> String {
        if self.is_per_path {
            return counted_path(request.path);
        }
        match request.route.map(str::trim).filter(|route| !route.is_empty()) {
            // `#` separates the parts of stored keys.
            Some(route) => route.replace('#', "%23"),
            None => EVERYTHING.to_string(),
        }
    }
}

/// Prints neither secrets nor header names.
impl fmt::Debug for KeyPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = match &self.names {
            Names::Unbelieved => "verified",
            Names::Address => "address",
            Names::Header(_) => "header",
            Names::Credential(_) => "credential",
            Names::Contract => "contract",
        };
        f.debug_struct("KeyPolicy")
            .field("names", &names)
            .field("trusted_hops", &self.trusted_hops)
            .field("is_shared", &self.is_shared)
            .field("is_per_path", &self.is_per_path)
            .finish()
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    trusting_forwarded: Option<NonZeroUsize>,
    shared: bool,
    per_address: bool,
    per_header: Option<String>,
    per_credential: Option<String>,
    contract: bool,
    per_path: bool,
}

impl TryFrom<Settings> for KeyPolicy {
    type Error = Error;

    fn try_from(settings: Settings) -> Result<Self, Error> {
        let Settings { per_address, per_header, per_credential, contract, .. } = settings;
        let policy = match (per_address, per_header, per_credential, contract) {
            (false, None, None, false) => Self::new(),
            (true, None, None, false) => Self::new().per_address(),
            (false, Some(name), None, false) => Self::new().per_header(&name),
            (false, None, Some(secret), false) => Self::new().per_credential(secret)?,
            (false, None, None, true) => Self::contract(),
            _ => return Err(Setting::SeveralNames.into()),
        };
        Ok(Self {
            trusted_hops: settings.trusting_forwarded,
            is_shared: settings.shared,
            is_per_path: settings.per_path,
            ..policy
        })
    }
}

/// Returns the path to count under: different spellings of a path are the same.
fn counted_path(path: &str) -> String {
    let path = UriPath::from_encoded(path);
    let segments = path.as_str().split('/').filter(|segment| !segment.is_empty());
    let counted: String = segments.flat_map(|segment| ["/", segment]).collect();
    if counted.is_empty() { "/".to_string() } else { counted }
}

/// Returns the method to count under: an invented method does not give a client another counter.
fn operation(method: &str) -> &str {
    match method {
        "HEAD" => "GET",
        WEBSOCKET => method,
        _ if is_standard_method(method) => method,
        _ => "OTHER",
    }
}

/// The operation for WebSocket messages, which have no method.
pub const WEBSOCKET: &str = "WEBSOCKET";

/// The resource if the route is unknown.
const EVERYTHING: &str = "*";
