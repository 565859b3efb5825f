//! Decides which caller a stored response belongs to.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde_json::json;

use super::error::{Error, Reason};
use super::payload_hash;
use crate::http::Request;
use crate::http::sending::is_token;
use crate::identity::{DEFAULT_KEY, EmptySecret, fingerprint_with, with_lower_case_scheme};

/// Identifies callers, so that a stored response is only replayed to the caller that got it first.
/// A client that learns or guesses another client's key must not get that client's response.
///
/// A caller is the authenticated identity, if there is one. Otherwise it is the fingerprint of all
/// credentials in the request: `authorization`, `x-api-key`, and the [session
/// cookies](Self::with_session_cookies) of the application. A request without any of them has no
/// caller, unless anonymous requests [share](Self::shared_by_anonymous) their responses.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct AnswerCallers {
    session_cookies: Vec<String>,
    secret: Option<Vec<u8>>,
    is_shared_by_anonymous: bool,
}

impl AnswerCallers {
    /// Creates the default: identities, and the credentials in headers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the names of the application's session cookies. Name all of them: callers who differ
    /// only in a cookie that is missing here would get each other's responses.
    ///
    /// # Errors
    ///
    /// [`Error`] for an empty list, and for an invalid cookie name.
    pub fn with_session_cookies<T: Into<String>>(
        self,
        names: impl IntoIterator<Item = T>,
    ) -> Result<Self, Error> {
        let session_cookies: Vec<String> = names.into_iter().map(T::into).collect();
        if session_cookies.is_empty() {
            return Err(Error(Reason::NoCookie));
        }
        match session_cookies.iter().find(|name| !is_token(name)) {
            Some(name) => Err(Error(Reason::CookieName(name.clone()))),
            None => Ok(Self { session_cookies, ..self }),
        }
    }

    /// Computes fingerprints under a secret of the deployment (for example 32 random bytes) instead
    /// of the published key. Changing the secret makes all stored responses unreachable.
    ///
    /// # Errors
    ///
    /// [`EmptySecret`] if the secret is empty or blank.
    pub fn with_secret(self, secret: impl AsRef<[u8]>) -> Result<Self, EmptySecret> {
        let secret = EmptySecret::check(secret.as_ref())?.to_vec();
        Ok(Self { secret: Some(secret), ..self })
    }

    /// Lets all requests without an identity and a credential share their stored responses. Any
    /// client that learns or guesses a key then gets its response. Use it only if anonymous
    /// responses are public.
    #[must_use]
    pub fn shared_by_anonymous(self) -> Self {
        Self { is_shared_by_anonymous: true, ..self }
    }

    /// Returns the caller of a request, as part of an idempotency scope. `None` for a request
    /// without a caller: handle it, and store nothing.
    ///
    /// `identity` is the trimmed authenticated identity, or an empty text.
    #[must_use]
    pub fn caller(&self, identity: &str, request: &Request) -> Option<String> {
        if !identity.is_empty() {
            return Some(format!("user:{}", payload_hash(identity.as_bytes())));
        }
        if let Some(credentials) = self.credentials(request) {
            let secret = self.secret.as_deref().unwrap_or(DEFAULT_KEY);
            return Some(fingerprint_with(secret, "credentials", &credentials));
        }
        self.is_shared_by_anonymous.then(|| "anonymous".to_string())
    }

    /// Returns all credentials of a request in one text; `None` if there are none.
    fn credentials(&self, request: &Request) -> Option<String> {
        let field = |name| {
            let values = request.headers.get_all(name).iter();
            values.map(str::trim).filter(|value| !value.is_empty()).collect::<Vec<_>>()
        };
        let authorization = field("authorization").into_iter().map(with_lower_case_scheme);
        let (authorization, api_key) = (authorization.collect::<Vec<_>>(), field("x-api-key"));
        let cookie = |name: &String| {
            let value = request.cookies.get(name).filter(|value| !value.is_empty());
            value.map(|value| (name.clone(), value.to_string()))
        };
        let cookies: Vec<_> = self.session_cookies.iter().filter_map(cookie).collect();
        let shows_none = authorization.is_empty() && api_key.is_empty() && cookies.is_empty();
        (!shows_none).then(|| json!([authorization, api_key, cookies]).to_string())
    }
}

/// Does not print the secret.
impl fmt::Debug for AnswerCallers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerCallers")
            .field("session_cookies", &self.session_cookies)
            .field("has_secret", &self.secret.is_some())
            .field("is_shared_by_anonymous", &self.is_shared_by_anonymous)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::{AnswerCallers, Error, Reason};
    use crate::http::{Cookies, Request};
    use crate::identity::EmptySecret;

    fn request(fields: &[(&str, &str)], cookies: &[(&str, &str)]) -> Request {
        let mut request =
            Request { headers: fields.iter().copied().collect(), ..Request::default() };
        let cookies = cookies.iter().map(|(name, value)| format!("{name}={value}"));
        request.cookies = Cookies::parse(cookies.collect::<Vec<_>>());
        request
    }

    #[test]
    fn every_identity_and_every_credential_is_a_caller_of_its_own() {
        let callers = AnswerCallers::new().with_session_cookies(["session", "sid"]).unwrap();
        let of = |identity: &str, fields: &[(&str, &str)], cookies: &[(&str, &str)]| {
            callers.caller(identity, &request(fields, cookies)).unwrap()
        };
        let all: Vec<String> = Vec::from([
            of("u1", &[], &[]),
            of("u2", &[], &[]),
            of("", &[("authorization", "Bearer a")], &[]),
            of("", &[("authorization", "Bearer A")], &[]),
            of("", &[("authorization", "Basic a")], &[]),
            of("", &[("x-api-key", "Bearer a")], &[]),
            of("", &[("x-api-key", "a")], &[]),
            of("", &[], &[("session", "a")]),
            of("", &[], &[("sid", "a")]),
            of("", &[], &[("session", "a"), ("sid", "a")]),
            of("", &[("authorization", "Bearer a")], &[("session", "a")]),
        ]);
        for (at, caller) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(caller), "{at}");
        }
        assert_eq!(of("", &[("authorization", "bEARER a")], &[]), all[2]);
        assert_eq!(of("u1", &[("x-api-key", "k")], &[("session", "s")]), all[0]);
    }

    #[test]
    fn a_request_without_credentials_has_no_caller_unless_anonymous_is_shared() {
        let callers = AnswerCallers::new();
        for nothing in [
            request(&[], &[("session", "not named")]),
            request(&[("authorization", " "), ("x-api-key", "")], &[]),
            request(&[("x-tenant-id", "t"), ("x-forwarded-for", "192.0.2.1")], &[]),
        ] {
            assert_eq!(callers.caller("", &nothing), None);
            let shared = callers.clone().shared_by_anonymous();
            assert_eq!(shared.caller("", &nothing).as_deref(), Some("anonymous"));
        }
    }

    #[test]
    fn a_secret_is_used_and_not_printed() {
        let key = request(&[("x-api-key", "k_secret")], &[]);
        let callers = AnswerCallers::new().with_secret("a secret of the deployment").unwrap();
        let caller = callers.caller("", &key).unwrap();
        assert!(caller.starts_with("credentials:hmac-sha256:"), "{caller}");
        assert_ne!(AnswerCallers::new().caller("", &key), Some(caller));
        assert!(!alloc::format!("{callers:?}").contains("secret of"));
    }

    #[test]
    fn missing_or_invalid_cookie_names_and_blank_secrets_are_refused() {
        let callers = AnswerCallers::new();
        let cookies = |names: &[&str]| callers.clone().with_session_cookies(names.iter().copied());
        assert_eq!(cookies(&[]), Err(Error(Reason::NoCookie)));
        for name in ["", " ", "a b", "a=", "a;"] {
            let refused = Err(Error(Reason::CookieName(name.into())));
            assert_eq!(cookies(&["session", name]), refused, "{name:?}");
        }
        for secret in ["", " \n"] {
            assert_eq!(callers.clone().with_secret(secret), Err(EmptySecret));
        }
    }
}
