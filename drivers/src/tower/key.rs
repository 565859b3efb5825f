//! Which counter a request belongs to.

use core::fmt;
use core::net::IpAddr;
use std::sync::Arc;

use apptheory_core::identity::{client_network, fingerprint_with};
use apptheory_core::limiter::{KeyError, RateLimitKey};
use http::header::AUTHORIZATION;
use http::request::Parts;

/// Tells the key of a request.
///
/// A closure over the request's [`Parts`] is one, if its argument's type is written out:
///
/// ```
/// use apptheory::tower::ExtractKey;
/// use apptheory_core::limiter::RateLimitKey;
/// use http::request::Parts;
///
/// let everyone = |parts: &Parts| RateLimitKey::new("everyone", "/", parts.method.as_str());
/// let (parts, ()) = http::Request::get("/orders").body(())?.into_parts();
/// assert_eq!(everyone.extract_key(&parts)?.sort_key(), "/#GET");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait ExtractKey: Send + Sync {
    /// The key of a request.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when the request has none. It is then answered with 500: a request that nobody
    /// can count is not let through.
    fn extract_key(&self, parts: &Parts) -> Result<RateLimitKey, KeyError>;
}

impl<F> ExtractKey for F
where
    F: Fn(&Parts) -> Result<RateLimitKey, KeyError> + Send + Sync,
{
    fn extract_key(&self, parts: &Parts) -> Result<RateLimitKey, KeyError> {
        self(parts)
    }
}

/// Who sends the request, vouched for by the host: a request extension that authentication sets.
///
/// The text is trimmed, and otherwise used as it is, so that a strategy can have limits of its own
/// for it. No name should start with `ip:`, which is how addresses are counted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity(pub String);

/// Where the request comes from, vouched for by the host: a request extension that whoever knows the
/// connection, or trusts the proxy in front of it, sets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientIp(pub IpAddr);

/// The pattern of the matched route, such as `/orders/{id}`: a request extension that a router sets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoutePattern(pub String);

/// The key of a request by what its host vouches for (`limited.md` §16.25).
///
/// The identifier is the first of these that the request has, where blank means that it has none:
///
/// 1. the [`Identity`] extension;
/// 2. the fingerprint of its credential, if [opted in](Self::with_credentials);
/// 3. the network of its client's address: the [`ClientIp`] extension, or what
///    [`with_client_ip`](Self::with_client_ip) finds;
/// 4. `anonymous`, if [opted in](Self::or_anonymous).
///
/// With none of them the request has no key. Nothing that a client can write at will is believed:
/// neither `x-forwarded-for` nor an unchecked credential.
///
/// The resource is the [`RoutePattern`] extension, or what [`with_route`](Self::with_route) finds,
/// else the path without one trailing slash. A path lets clients choose their counter wherever a
/// route has parameters: tell the pattern where that matters. The operation is the method.
///
/// ```
/// use apptheory::tower::{ClientIp, ExtractKey, RequestKey};
///
/// let request = http::Request::get("/orders/").extension(ClientIp("2001:db8::7".parse()?));
/// let (parts, ()) = request.body(())?.into_parts();
/// let key = RequestKey::new().extract_key(&parts)?;
/// assert_eq!(key.identifier(), "ip:2001:db8::/56");
/// assert_eq!(key.sort_key(), "/orders#GET");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct RequestKey {
    credential_secret: Option<Arc<[u8]>>,
    client_ip: Option<Look<Option<IpAddr>>>,
    route: Option<Look<Option<String>>>,
    or_anonymous: bool,
}

/// A look at a request.
pub(super) type Look<T> = Arc<dyn Fn(&Parts) -> T + Send + Sync>;

impl RequestKey {
    /// The key by the three extensions alone.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Also counts by credential: the first `x-api-key`, else the token of an `authorization` that
    /// starts with `Bearer `. Keys hold its HMAC-SHA256 under `secret`, never the credential; the
    /// secret should be as hard to guess as they are, such as 32 random bytes. Changing it starts
    /// every counter afresh.
    ///
    /// Opt in only where credentials were checked before the limiter runs: else a client that makes
    /// up a new one for every request is never limited.
    #[must_use]
    pub fn with_credentials(self, secret: impl AsRef<[u8]>) -> Self {
        Self { credential_secret: Some(Arc::from(secret.as_ref())), ..self }
    }

    /// Also looks for the client's address with `find`, where there is no [`ClientIp`].
    ///
    /// In an axum app that is served on its own, `find` reads the peer of the connection,
    /// `parts.extensions.get::<ConnectInfo<SocketAddr>>()`; under lambda_http, the source address in
    /// the event's request context; behind proxies, [`forwarded_for`](super::forwarded_for).
    #[must_use]
    pub fn with_client_ip(
        self,
        find: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        Self { client_ip: Some(Arc::new(find)), ..self }
    }

    /// Also looks for the route's pattern with `find`, where there is no [`RoutePattern`]; in axum
    /// it is `parts.extensions.get::<MatchedPath>()`.
    #[must_use]
    pub fn with_route(
        self,
        find: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self { route: Some(Arc::new(find)), ..self }
    }

    /// Counts all requests without any identifier together, as `anonymous`, instead of refusing
    /// them with 500. One such client can then use up the limit of all.
    #[must_use]
    pub fn or_anonymous(self) -> Self {
        Self { or_anonymous: true, ..self }
    }

    fn identifier(&self, parts: &Parts) -> Option<String> {
        identity(parts)
            .or_else(|| credential(parts, self.credential_secret.as_deref()?))
            .or_else(|| self.client_ip(parts).map(client_network))
            .or_else(|| self.or_anonymous.then(|| ANONYMOUS.to_owned()))
    }

    fn client_ip(&self, parts: &Parts) -> Option<IpAddr> {
        let vouched = parts.extensions.get::<ClientIp>().map(|ClientIp(address)| *address);
        vouched.or_else(|| self.client_ip.as_ref()?(parts))
    }

    fn resource(&self, parts: &Parts) -> String {
        let told = parts.extensions.get::<RoutePattern>().map(|RoutePattern(route)| route.clone());
        let pattern = told.or_else(|| self.route.as_ref()?(parts));
        pattern.filter(|pattern| !pattern.trim().is_empty()).unwrap_or_else(|| path(parts))
    }
}

impl ExtractKey for RequestKey {
    fn extract_key(&self, parts: &Parts) -> Result<RateLimitKey, KeyError> {
        let identifier = self.identifier(parts).ok_or(KeyError::MissingIdentifier)?;
        RateLimitKey::new(&identifier, &self.resource(parts), parts.method.as_str())
    }
}

// Neither the secret nor closures are for showing.
impl fmt::Debug for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestKey")
            .field("credentials", &self.credential_secret.is_some())
            .field("client_ip", &self.client_ip.is_some())
            .field("route", &self.route.is_some())
            .field("or_anonymous", &self.or_anonymous)
            .finish()
    }
}

fn identity(parts: &Parts) -> Option<String> {
    let Identity(identity) = parts.extensions.get()?;
    non_blank(identity).map(str::to_owned)
}

fn credential(parts: &Parts, secret: &[u8]) -> Option<String> {
    let header = |name| parts.headers.get(name)?.to_str().ok();
    let api_key = header(API_KEY).filter(|key| !key.is_empty());
    let bearer = || header(AUTHORIZATION.as_str())?.strip_prefix("Bearer ").and_then(non_blank);
    match api_key {
        Some(api_key) => Some(fingerprint_with(secret, "api_key", api_key)),
        None => Some(fingerprint_with(secret, "bearer", bearer()?)),
    }
}

/// The path without one trailing slash, at least `/` (`limited.md` §9). It holds no `#`: the type of
/// the request's URI drops fragments.
fn path(parts: &Parts) -> String {
    let path = parts.uri.path();
    match path.strip_suffix('/').unwrap_or(path) {
        "" => "/".to_owned(),
        path => path.to_owned(),
    }
}

fn non_blank(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// The identifier that all requests without one share (`limited.md` §10).
const ANONYMOUS: &str = "anonymous";

const API_KEY: &str = "x-api-key";

#[cfg(test)]
mod tests {
    use apptheory_core::identity::fingerprint_with;
    use apptheory_core::limiter::KeyError;
    use http::Request;

    use super::{ClientIp, ExtractKey, Identity, RequestKey, RoutePattern};

    const SECRET: &[u8] = b"a secret of the deployment";

    fn identifier(key: &RequestKey, request: http::request::Builder) -> Result<String, KeyError> {
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        key.extract_key(&parts).map(|key| key.identifier().to_owned())
    }

    fn resource(key: &RequestKey, request: http::request::Builder) -> String {
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        key.extract_key(&parts).expect("a key").resource().to_owned()
    }

    fn client() -> ClientIp {
        ClientIp("203.0.113.7".parse().expect("an address"))
    }

    /// A request that has everything: `take` leaves out the most trusted ones.
    fn request(take: usize) -> http::request::Builder {
        let mut request = Request::get("/orders");
        if take > 0 {
            request = request.extension(client());
        }
        if take > 1 {
            request = request.header("authorization", "Bearer  tok_secret ");
        }
        if take > 2 {
            request = request.header("x-api-key", "k_secret");
        }
        if take > 3 {
            request = request.extension(Identity(" user-7 ".into()));
        }
        request
    }

    #[test]
    fn what_the_host_vouches_for_comes_first() {
        let key = RequestKey::new().with_credentials(SECRET).or_anonymous();
        let expected = [
            "anonymous".to_owned(),
            "ip:203.0.113.7".to_owned(),
            fingerprint_with(SECRET, "bearer", "tok_secret"),
            fingerprint_with(SECRET, "api_key", "k_secret"),
            "user-7".to_owned(),
        ];
        for (take, expected) in expected.into_iter().enumerate() {
            assert_eq!(identifier(&key, request(take)), Ok(expected));
        }
    }

    #[test]
    fn credentials_and_the_anonymous_bucket_are_opted_in() {
        let key = RequestKey::new();
        assert_eq!(identifier(&key, request(3)), Ok("ip:203.0.113.7".to_owned()));
        assert_eq!(identifier(&key, request(0)), Err(KeyError::MissingIdentifier));
    }

    #[test]
    fn blank_candidates_are_none() {
        let key = RequestKey::new().with_credentials(SECRET);
        let blank = request(1)
            .extension(Identity(" ".into()))
            .header("x-api-key", "")
            .header("authorization", "Bearer  ");
        assert_eq!(identifier(&key, blank), Ok("ip:203.0.113.7".to_owned()));
    }

    #[test]
    fn a_forwarded_address_is_not_believed() {
        let forwarded = request(0).header("x-forwarded-for", "203.0.113.9");
        assert_eq!(identifier(&RequestKey::new(), forwarded), Err(KeyError::MissingIdentifier));
    }

    #[test]
    fn a_vouched_address_wins_over_one_that_is_looked_for() {
        let key = RequestKey::new().with_client_ip(|_| "203.0.113.9".parse().ok());
        assert_eq!(identifier(&key, request(0)), Ok("ip:203.0.113.9".to_owned()));
        assert_eq!(identifier(&key, request(1)), Ok("ip:203.0.113.7".to_owned()));
    }

    #[test]
    fn the_resource_is_the_pattern_else_the_path() {
        let key = RequestKey::new();
        let at = |path: &str| resource(&key, Request::get(path).extension(client()));
        assert_eq!(["/a/", "/a?b=c/", "/", "//", "*"].map(at), ["/a", "/a", "/", "/", "*"]);

        let pattern = |text: &str| RoutePattern(text.to_owned());
        assert_eq!(resource(&key, request(1).extension(pattern("/o/{id}"))), "/o/{id}");
        assert_eq!(resource(&key, request(1).extension(pattern(" "))), "/orders");
        let found = RequestKey::new().with_route(|_| Some("/o/{name}".to_owned()));
        assert_eq!(resource(&found, request(1)), "/o/{name}");
        assert_eq!(resource(&found, request(1).extension(pattern("/o/{id}"))), "/o/{id}");
    }

    #[test]
    fn a_separator_in_a_pattern_is_refused() {
        let request = request(1).extension(RoutePattern("/o#1".into()));
        assert_eq!(identifier(&RequestKey::new(), request), Err(KeyError::SeparatorInResource));
    }

    #[test]
    fn debugging_does_not_tell_the_secret() {
        let text = format!("{:?}", RequestKey::new().with_credentials(SECRET));
        assert!(text.contains("credentials: true"), "{text}");
        assert!(!text.contains("secret of"), "{text}");
    }
}
