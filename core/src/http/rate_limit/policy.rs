//! Which counter a request belongs to.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::num::NonZeroUsize;

use super::NotCounted;
use super::forwarded::forwarded_address;
use crate::http::names::is_standard_method;
use crate::http::{UriPath, canonical_name};
use crate::identity::{
    DEFAULT_KEY, EmptySecret, client_network, fingerprint_with, with_lower_case_scheme,
};
use crate::limiter::RateLimitKey;
use crate::printing::prints;

/// What is known about a request that is to be counted.
#[derive(Clone, Copy)]
pub struct RequestFacts<'a> {
    /// The identity that authentication vouches for, or an empty text.
    pub identity: &'a str,
    /// The tenant that authentication vouches for, or an empty text.
    pub tenant_id: &'a str,
    /// The tenant that the request names itself, or an empty text. Only
    /// [`KeyPolicy::contract`] looks at it.
    pub named_tenant_id: &'a str,
    /// The client's address that the provider or the connection vouches for.
    pub address: Option<IpAddr>,
    /// The pattern of the route that serves the request; `None` where nobody knows it.
    pub route: Option<&'a str>,
    /// The path, percent-encoded.
    pub path: &'a str,
    /// The method.
    pub method: &'a str,
    /// The values of header fields.
    pub fields: Fields<'a>,
}

/// A look-up of all values of a header field by its name in lower case.
pub type Fields<'a> = &'a (dyn Fn(&str) -> Vec<String> + Sync + 'a);

impl<'a> RequestFacts<'a> {
    /// Begins with a request of which nothing is vouched for.
    #[must_use]
    pub const fn of(method: &'a str, path: &'a str, fields: Fields<'a>) -> Self {
        Self {
            identity: "",
            tenant_id: "",
            named_tenant_id: "",
            address: None,
            route: None,
            path,
            method,
            fields,
        }
    }

    /// The first value of a header field that is not blank, trimmed.
    fn field(&self, name: &str) -> Option<String> {
        let mut values = (self.fields)(name).into_iter();
        values.find(|value| !value.trim().is_empty()).map(|value| value.trim().to_string())
    }

    /// The token of an `authorization` field of the scheme `Bearer`, whose case does not matter
    /// (RFC 9110 §11.1).
    fn bearer(&self) -> Option<String> {
        let value = self.field("authorization")?;
        let (scheme, token) = value.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_string())
    }
}

// Who calls, and what they send, is not printed.
prints!(RequestFacts<'_>: method, route);

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
/// A request with none of them is [not counted](NotCounted::NoCaller), and not let through. Nothing
/// that a client can write at will names its counter: a client that made up a new name for every
/// request would never reach its limit, and one that used another's name would use up that one's.
/// The methods that change this say what they let clients do.
///
/// Exceptions of a limiter go by the whole text: `with_identifier_limit("user:ann", 1_000)`.
///
/// What is counted is the route's pattern, so that `/orders/1` and `/orders/2` are one, and the
/// method, where HEAD counts as GET, and methods that RFC 9110 and RFC 5789 do not name count as one.
/// Where nobody knows the pattern, all paths are one: [`per_path`](Self::per_path) tells them apart.
#[derive(Clone, Default, Eq, PartialEq)]
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
    /// proxies of the application's own: 1 behind a load balancer, 2 with CloudFront in front of it.
    /// It goes before an address that the provider vouches for, which is then the nearest proxy's;
    /// that one is taken where the field has too few entries.
    ///
    /// With more hops than there are proxies, or where clients reach the function past them, clients
    /// choose their counters. The load balancer has to append to the field, as it does by default.
    #[must_use]
    pub fn trusting_forwarded(self, hops: NonZeroUsize) -> Self {
        Self { trusted_hops: Some(hops), ..self }
    }

    /// Counts all requests together of which nothing is vouched for, as `anonymous`, instead of
    /// refusing them. One such client can then use up the limit of all.
    #[must_use]
    pub fn shared(self) -> Self {
        Self { is_shared: true, ..self }
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
    /// its HMAC-SHA256 under `secret`, such as 32 random bytes, and never the credential. Changing the
    /// secret starts every counter afresh.
    ///
    /// Clients choose their counters unless credentials were checked before: one that makes up a new
    /// credential for every request is never limited.
    ///
    /// # Errors
    ///
    /// [`EmptySecret`] when it is empty or blank.
    pub fn per_credential(self, secret: impl AsRef<[u8]>) -> Result<Self, EmptySecret> {
        let secret = EmptySecret::check(secret.as_ref())?.to_vec();
        Ok(Self { names: Names::Credential(secret), ..self })
    }

    /// Counts every path for itself, in the normal form of RFC 3986 §6.2.2 and without empty segments.
    ///
    /// Where a route has parameters, clients choose their counters: one that asks for `/orders/1`,
    /// `/orders/2` and so on has the whole limit for each.
    #[must_use]
    pub fn per_path(self) -> Self {
        Self { is_per_path: true, ..self }
    }

    /// Counts as the portable cases of the contract have it: by the first of `x-api-key` and a bearer
    /// token, as fingerprints under the published key, the identity, the tenant, also one that the
    /// request names itself, and `anonymous`.
    ///
    /// **It limits nobody who does not want to be limited**: clients choose their counters, and names
    /// of different kinds can meet. Use it for conformance tests and for migrations.
    #[must_use]
    pub fn contract() -> Self {
        Self { names: Names::Contract, ..Self::new() }
    }

    /// Returns whether a request may have no key because its provider vouches for no address: it
    /// comes through a load balancer, say.
    #[must_use]
    pub const fn needs_vouched_address(&self) -> bool {
        let has_fallback = self.is_shared || self.trusted_hops.is_some();
        !has_fallback && !matches!(self.names, Names::Contract)
    }

    /// Returns the key of a request.
    ///
    /// # Errors
    ///
    /// [`NotCounted`] when it has none.
    pub fn key(&self, request: &RequestFacts<'_>) -> Result<RateLimitKey, NotCounted> {
        let identifier = self.identifier(request).ok_or(NotCounted::NoCaller)?;
        Ok(RateLimitKey::new(&identifier, &self.resource(request), operation(request.method))?)
    }

    fn identifier(&self, request: &RequestFacts<'_>) -> Option<String> {
        let chosen = match &self.names {
            Names::Contract => return Some(contract_identifier(request)),
            Names::Header(name) => request.field(name).map(|value| named_by_field(name, &value)),
            Names::Unbelieved | Names::Credential(_) => None,
        };
        let named = |space: &str, name: &str| {
            let name = name.trim();
            (!name.is_empty()).then(|| format!("{space}:{name}"))
        };
        chosen
            .or_else(|| named("user", request.identity))
            .or_else(|| named("tenant", request.tenant_id))
            .or_else(|| match &self.names {
                Names::Credential(secret) => credential(secret, request),
                Names::Unbelieved | Names::Header(_) | Names::Contract => None,
            })
            .or_else(|| self.address(request).map(client_network))
            .or_else(|| self.is_shared.then(|| ANONYMOUS.to_string()))
    }

    fn address(&self, request: &RequestFacts<'_>) -> Option<IpAddr> {
        let forwarded = |hops| forwarded_address(&(request.fields)("x-forwarded-for"), hops);
        self.trusted_hops.and_then(forwarded).or(request.address)
    }

    fn resource(&self, request: &RequestFacts<'_>) -> String {
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

/// Whose counter the value of a header field names. Credentials are not stored as they are.
fn named_by_field(name: &str, value: &str) -> String {
    let fingerprint = |value: &str| fingerprint_with(DEFAULT_KEY, &format!("header:{name}"), value);
    match name {
        "authorization" | "proxy-authorization" => fingerprint(&with_lower_case_scheme(value)),
        "cookie" | "x-api-key" => fingerprint(value),
        _ => format!("header:{name}:{value}"),
    }
}

fn credential(secret: &[u8], request: &RequestFacts<'_>) -> Option<String> {
    let bearer = || Some(fingerprint_with(secret, "bearer", &request.bearer()?));
    let api_key = request.field("x-api-key");
    api_key.map(|key| fingerprint_with(secret, "api_key", &key)).or_else(bearer)
}

/// The order of the contract. Its key may be blank, and its scheme is `Bearer` in any case.
fn contract_identifier(request: &RequestFacts<'_>) -> String {
    let api_key = (request.fields)("x-api-key").into_iter().next().unwrap_or_default();
    if !api_key.is_empty() {
        return fingerprint_with(DEFAULT_KEY, "api_key", &api_key);
    }
    if let Some(token) = request.bearer() {
        return fingerprint_with(DEFAULT_KEY, "bearer", &token);
    }
    let names = [request.identity, request.tenant_id, request.named_tenant_id, ANONYMOUS];
    let mut names = names.into_iter().map(str::trim).filter(|name| !name.is_empty());
    names.next().unwrap_or(ANONYMOUS).to_string()
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

/// The identifier that all requests without one share. No name space holds it.
const ANONYMOUS: &str = "anonymous";

/// The resource where nobody knows the route.
const EVERYTHING: &str = "*";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HeaderMap;

    /// Whose counter it is, of a request with these fields.
    fn identifier(policy: &KeyPolicy, facts: RequestFacts<'_>, fields: &[(&str, &str)]) -> String {
        let headers: HeaderMap = fields.iter().copied().collect();
        let fields = |name: &str| headers.get_all(name).to_vec();
        let request = RequestFacts { fields: &fields, ..facts };
        match policy.key(&request) {
            Ok(key) => key.identifier().to_string(),
            Err(error) => error.to_string(),
        }
    }

    fn nobody() -> RequestFacts<'static> {
        RequestFacts::of("GET", "/", &|_| Vec::new())
    }

    fn hops(hops: usize) -> NonZeroUsize {
        NonZeroUsize::new(hops).unwrap()
    }

    /// Everything that a client can write to name itself.
    const MADE_UP: [(&str, &str); 8] = [
        ("x-api-key", "k1"),
        ("authorization", "Bearer t1"),
        ("x-tenant-id", "alice"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-real-ip", "192.0.2.1"),
        ("forwarded", "for=192.0.2.1"),
        ("cloudfront-viewer-address", "192.0.2.1:1"),
        ("cookie", "session=1"),
    ];

    #[test]
    fn only_what_is_vouched_for_names_a_counter() {
        let policy = KeyPolicy::new();
        let address = "203.0.113.7".parse().ok();
        let facts = RequestFacts { named_tenant_id: "alice", address, ..nobody() };
        assert_eq!(identifier(&policy, facts, &MADE_UP), "ip:203.0.113.7");
        let facts = RequestFacts { tenant_id: " t ", ..facts };
        assert_eq!(identifier(&policy, facts, &MADE_UP), "tenant:t");
        let facts = RequestFacts { identity: " u ", ..facts };
        assert_eq!(identifier(&policy, facts, &MADE_UP), "user:u");
        let unknown = RequestFacts { named_tenant_id: "alice", ..nobody() };
        let refusal = identifier(&policy, unknown, &MADE_UP);
        assert_eq!(refusal, NotCounted::NoCaller.to_string());
        assert!(refusal.contains("trusting_forwarded(hops)") && refusal.contains("shared()"));
        assert_eq!(identifier(&policy.shared(), unknown, &MADE_UP), "anonymous");
    }

    #[test]
    fn no_name_passes_for_one_of_another_kind() {
        let named = |identity, tenant_id| RequestFacts { identity, tenant_id, ..nobody() };
        let policy = KeyPolicy::new().shared();
        for (facts, expected) in [
            (named("ip:192.0.2.1", ""), "user:ip:192.0.2.1"),
            (named("tenant:t", ""), "user:tenant:t"),
            (named("anonymous", ""), "user:anonymous"),
            (named("", "user:u"), "tenant:user:u"),
        ] {
            assert_eq!(identifier(&policy, facts, &[]), expected);
        }
        let per_header = policy.per_header("X-Plan");
        assert_eq!(identifier(&per_header, nobody(), &[("x-plan", " a ")]), "header:x-plan:a");
    }

    #[test]
    fn forwarded_addresses_are_those_of_the_trusted_hops() {
        let facts = RequestFacts { address: "198.51.100.9".parse().ok(), ..nobody() };
        let list = [("x-forwarded-for", "10.0.0.1, 192.0.2.7"), ("x-forwarded-for", "192.0.2.8")];
        for (trusted, expected) in
            [(1, "ip:192.0.2.8"), (2, "ip:192.0.2.7"), (3, "ip:10.0.0.1"), (4, "ip:198.51.100.9")]
        {
            let policy = KeyPolicy::new().trusting_forwarded(hops(trusted));
            assert_eq!(identifier(&policy, facts, &list), expected);
        }
    }

    #[test]
    fn credentials_and_headers_are_opted_in_and_never_stored_as_they_are() {
        let policy = KeyPolicy::new().per_credential("secret").unwrap().shared();
        let of = |fields: &[(&str, &str)]| identifier(&policy, nobody(), fields);
        let bearer = of(&[("authorization", "Bearer tok")]);
        assert_eq!(bearer, fingerprint_with(b"secret", "bearer", "tok"));
        assert_eq!(of(&[("authorization", "bEARER  tok ")]), bearer);
        assert_eq!(of(&[("authorization", "Bearer  ")]), "anonymous");
        assert_eq!(of(&[("authorization", "Basic tok")]), "anonymous");
        let both = [("authorization", "Bearer tok"), ("x-api-key", "k")];
        assert_eq!(of(&both), fingerprint_with(b"secret", "api_key", "k"));
        let known = RequestFacts { identity: "u", ..nobody() };
        assert_eq!(identifier(&policy, known, &both), "user:u");
        let per_key = KeyPolicy::new().per_header("X-Api-Key");
        let stored = identifier(&per_key, nobody(), &both);
        assert!(stored.starts_with("header:x-api-key:hmac-sha256:"), "{stored}");
        assert!(!format!("{policy:?}").contains("secret"));
        for name in ["authorization", "proxy-authorization"] {
            let policy = KeyPolicy::new().per_header(name);
            let of = |value| identifier(&policy, nobody(), &[(name, value)]);
            assert_eq!(of("Bearer Tok"), of("bEARER  Tok"), "{name}");
            assert_ne!(of("Bearer Tok"), of("Bearer tok"), "{name}");
        }
    }

    #[test]
    fn a_secret_without_anything_in_it_is_refused() {
        for secret in [&b""[..], b" ", b"\t\r\n"] {
            assert_eq!(KeyPolicy::new().per_credential(secret), Err(EmptySecret));
        }
    }

    #[test]
    fn the_contract_believes_whatever_it_is_told() {
        let policy = KeyPolicy::contract();
        let all = RequestFacts { identity: " u ", tenant_id: "t", ..nobody() };
        assert_eq!(
            identifier(&policy, all, &[("x-api-key", "k_secret"), ("authorization", "Bearer t")]),
            "api_key:hmac-sha256:a48af556edf2550b862421fa6d4d674dadae13d4704898f539dce0e9e2e81c79"
        );
        let bearer = identifier(&policy, all, &[("authorization", "bearer t")]);
        assert!(bearer.starts_with("bearer:hmac-sha256:"));
        assert!(identifier(&policy, all, &[("x-api-key", " ")]).starts_with("api_key:"));
        assert_eq!(identifier(&policy, all, &[]), "u");
        let named = RequestFacts { named_tenant_id: " n ", ..nobody() };
        assert_eq!(identifier(&policy, named, &[]), "n");
        assert_eq!(identifier(&policy, nobody(), &[]), "anonymous");
    }

    #[test]
    fn a_route_is_one_resource_and_a_path_has_one_spelling() {
        let policy = KeyPolicy::new().shared();
        let sort = |policy: &KeyPolicy, method, route, path| {
            let facts = RequestFacts { method, route, path, ..nobody() };
            policy.key(&facts).unwrap().sort_key().to_string()
        };
        assert_eq!(sort(&policy, "HEAD", Some("/o/{id}"), "/o/1"), "/o/{id}#GET");
        assert_eq!(sort(&policy, "BREW", Some("/o#1"), "/o/1"), "/o%231#OTHER");
        assert_eq!(sort(&policy, "MILK", None, "/o/1"), "*#OTHER");
        let per_path = policy.per_path();
        for path in ["/caf%c3%a9/a", "/%63af%C3%A9/%61/", "//caf%C3%A9//a"] {
            assert_eq!(sort(&per_path, "GET", Some("/{x}/a"), path), "/caf%C3%A9/a#GET");
        }
        assert_eq!(sort(&per_path, "GET", None, "//"), "/#GET");
        assert_eq!(sort(&per_path, "GET", None, "/a%23b"), "/a%23b#GET");
    }
}
