//! Which counter a request belongs to.

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

/// Decides whose counter a request belongs to, and for what: the key of its limit.
///
/// The caller is the first of these that the request has, each in a name space of its own, so that
/// no text of one can pass for another:
///
/// 1. `user:` and the identity that authentication vouches for;
/// 2. `tenant:` and the tenant that authentication vouches for;
/// 3. `ip:` and the [network](client_network) of the client's address, IPv6 by /56, that the provider
///    or the connection vouches for.
///
/// A request with none of them is [not counted](crate::limiter::ErrorKind::NoCaller), and not let
/// through. Nothing that a client can write at will names its counter: a client that made up a new
/// name for every request would never reach its limit, and one that used another's name would use
/// up that one's. The methods that change this say what they let clients do.
///
/// Exceptions of a limiter go by the whole text: `with_identifier_limit("user:ann", 1_000)`.
///
/// What is counted is the route's pattern, so that `/orders/1` and `/orders/2` are one, and the
/// method, where HEAD counts as GET, and methods that RFC 9110 and RFC 5789 do not name count as
/// one. Where the pattern is unknown, all paths are one: [`per_path`](Self::per_path) keeps them
/// apart.
///
/// Configurations have the names of the methods:
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

/// Which names that clients choose themselves are believed.
#[derive(Clone, Default, Eq, PartialEq)]
enum Names {
    #[default]
    Unbelieved,
    /// Only addresses count.
    Address,
    Header(String),
    Credential(Vec<u8>),
    Contract,
}

impl KeyPolicy {
    /// Counts only by what is vouched for.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the client's address from `x-forwarded-for`, whose last `hops` entries were written by
    /// proxies of the application's own: 1 behind a load balancer, 2 with CloudFront in front of
    /// it. It goes before an address that the provider vouches for, which is then the nearest
    /// proxy's; that one is taken where the field has too few entries.
    ///
    /// With more hops than there are proxies, or where clients reach the function past them,
    /// clients choose their counters. The load balancer has to append to the field, as it does by
    /// default.
    ///
    /// # Errors
    ///
    /// [`Error`] when `hops` is 0.
    pub fn trusting_forwarded(self, hops: usize) -> Result<Self, Error> {
        let hops = NonZeroUsize::new(hops).ok_or(Setting::NoHops)?;
        Ok(Self { trusted_hops: Some(hops), ..self })
    }

    /// Counts all requests together of which nothing is vouched for, as `anonymous`, instead of
    /// refusing them. One such client can then use up the limit of all.
    #[must_use]
    pub fn shared(self) -> Self {
        Self { is_shared: true, ..self }
    }

    /// Counts by the network of the client's address alone, also where the caller is known. Use it
    /// for what has to be bounded before anybody has signed in, such as the sign-in itself.
    ///
    /// Callers behind one address share its limit, and one with many networks has many limits.
    #[must_use]
    pub fn per_address(self) -> Self {
        Self { names: Names::Address, ..self }
    }

    /// Counts by the value of a header field, as `header:{name}:{value}`; requests without it count
    /// as they do anyway.
    ///
    /// Clients choose their counters: a made-up value has the whole limit to itself, and that of
    /// another client uses up that one's. So it is for fields that something in front of the
    /// application checks or overwrites. Values of `authorization`, `cookie`, `proxy-authorization`
    /// and `x-api-key` are stored as fingerprints, all others as they are.
    #[must_use]
    pub fn per_header(self, name: &str) -> Self {
        Self { names: Names::Header(canonical_name(name).into_owned()), ..self }
    }

    /// Counts by credential where neither an identity nor a tenant is vouched for: by the first
    /// `x-api-key`, else by the token of an `authorization` of the scheme `Bearer`. Stored keys hold
    /// its HMAC-SHA256 under `secret`, such as 32 random bytes, and never the credential. Changing
    /// the secret starts every counter afresh.
    ///
    /// Clients choose their counters unless credentials were checked before: one that makes up a
    /// new credential for every request is never limited.
    ///
    /// # Errors
    ///
    /// [`Error`] when it is empty or blank.
    pub fn per_credential(self, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        let secret = EmptySecret::check(secret.as_ref())?.to_vec();
        Ok(Self { names: Names::Credential(secret), ..self })
    }

    /// Counts every path for itself, in the normal form of RFC 3986 §6.2.2 and without empty
    /// segments.
    ///
    /// Where a route has parameters, clients choose their counters: one that asks for `/orders/1`,
    /// `/orders/2` and so on has the whole limit for each.
    #[must_use]
    pub fn per_path(self) -> Self {
        Self { is_per_path: true, ..self }
    }

    /// Counts as the portable cases of the contract have it: by the first of `x-api-key` and a
    /// bearer token, as fingerprints under the published key, the identity, the tenant, also one
    /// that the request names itself, and `anonymous`.
    ///
    /// **It limits only clients that let themselves be limited**: they choose their counters, and names
    /// of different kinds can meet. Use it for conformance tests and for migrations.
    #[must_use]
    pub fn contract() -> Self {
        Self { names: Names::Contract, ..Self::new() }
    }

    /// Returns whether a request may have no key because its provider vouches for no address: it
    /// comes through a load balancer, say. `authenticates` is whether something says who calls.
    #[must_use]
    pub const fn needs_vouched_address(&self, authenticates: bool) -> bool {
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
    /// [`Error`] when it has none.
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
            // Stored keys need the separator for themselves.
            Some(route) => route.replace('#', "%23"),
            None => EVERYTHING.to_string(),
        }
    }
}

/// Neither secrets nor names are printed.
impl fmt::Debug for KeyPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = match &self.names {
            Names::Unbelieved => "vouched for",
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

/// A path as it is counted: what the same handler may be asked for in several spellings is one.
fn counted_path(path: &str) -> String {
    let path = UriPath::from_encoded(path);
    let segments = path.as_str().split('/').filter(|segment| !segment.is_empty());
    let counted: String = segments.flat_map(|segment| ["/", segment]).collect();
    if counted.is_empty() { "/".to_string() } else { counted }
}

/// A method as it is counted: a client cannot have another counter by making up a method.
fn operation(method: &str) -> &str {
    match method {
        "HEAD" => "GET",
        WEBSOCKET => method,
        _ if is_standard_method(method) => method,
        _ => "OTHER",
    }
}

/// The method that messages on a WebSocket, which have none, are counted under.
pub const WEBSOCKET: &str = "WEBSOCKET";

/// The resource where the route is unknown.
const EVERYTHING: &str = "*";
