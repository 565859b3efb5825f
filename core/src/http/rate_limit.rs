//! Rate limits on HTTP: whose counter a request belongs to, and how refusals are answered.
//!
//! This module decides the key of a request and the error of a denial. It refuses to know the limit
//! and the store: those are the [`limiter`](crate::limiter)'s.
//!
//! ```
//! use apptheory_core::http::rate_limit::Caller;
//! use apptheory_core::http::Headers;
//!
//! let headers: Headers = [("authorization", "Bearer tok")].into_iter().collect();
//! let caller = Caller { headers: &headers, identity: "u1", tenant_id: "t1" };
//! assert!(caller.identifier(None).starts_with("bearer:hmac-sha256:"));
//! ```

use alloc::string::{String, ToString};

use super::headers::Headers;
use super::{AppError, code};
use crate::identity::{fingerprint, fingerprint_with};
use crate::limiter::headers::{HeaderStyle, headers, store_failure};
use crate::limiter::{Decision, KeyError, LimiterError};

/// What is known about who calls.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The header fields of the request.
    pub headers: &'a Headers,
    /// The identity that authentication vouches for, or an empty text.
    pub identity: &'a str,
    /// The tenant, or an empty text.
    pub tenant_id: &'a str,
}

impl Caller<'_> {
    /// Whose counter the request belongs to (`limited.md` §10): the first of these that it has.
    ///
    /// 1. `x-api-key`, as a fingerprint;
    /// 2. the token of an `authorization` that starts with `Bearer `, as a fingerprint;
    /// 3. the identity;
    /// 4. the tenant;
    /// 5. `anonymous`.
    ///
    /// Fingerprints are under `secret`, or under a published key without one: whoever reads the
    /// table can then guess weak credentials. Credentials that nobody checked before let a client
    /// choose its counter, even one that authenticated with others: check each, strip them, or
    /// count per client address.
    #[must_use]
    pub fn identifier(&self, secret: Option<&[u8]>) -> String {
        let print = |kind: &str, credential: &str| match secret {
            Some(secret) => fingerprint_with(secret, kind, credential),
            None => fingerprint(kind, credential),
        };
        let token = self.headers.first("authorization").strip_prefix("Bearer ");
        match (self.headers.first("x-api-key"), token.unwrap_or_default().trim()) {
            ("", "") => {}
            ("", token) => return print("bearer", token),
            (api_key, _) => return print("api_key", api_key),
        }
        match (self.identity.trim(), self.tenant_id.trim()) {
            ("", "") => "anonymous".to_string(),
            ("", tenant_id) => tenant_id.to_string(),
            (identity, _) => identity.to_string(),
        }
    }
}

/// The answer to a request over its limit: 429, with the header fields of the decision.
#[must_use]
pub fn denial(decision: &Decision, style: HeaderStyle) -> AppError {
    let fields = headers(decision, style).into_iter();
    fields.fold(AppError::of(code::RATE_LIMITED), |error, (name, value)| {
        error.with_header(name, value)
    })
}

/// The answer when nobody knows whether the limit is reached, and the limiter fails closed: 503.
#[must_use]
pub fn undecided(error: LimiterError) -> AppError {
    let answer = AppError::of(code::OVERLOADED).with_cause(error);
    store_failure().into_iter().fold(answer, |error, (name, value)| error.with_header(name, value))
}

/// The answer to a request that has no counter: 500. What nobody can count is not let through.
impl From<KeyError> for AppError {
    fn from(error: KeyError) -> Self {
        Self::internal().with_cause(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifier(fields: &[(&str, &str)], identity: &str, tenant_id: &str) -> String {
        let headers: Headers = fields.iter().copied().collect();
        Caller { headers: &headers, identity, tenant_id }.identifier(None)
    }

    #[test]
    fn credentials_come_first_and_are_never_shown() {
        let key = [("x-api-key", "k_secret"), ("authorization", "Bearer t")];
        assert_eq!(
            identifier(&key, "u", "t"),
            "api_key:hmac-sha256:a48af556edf2550b862421fa6d4d674dadae13d4704898f539dce0e9e2e81c79"
        );
        assert!(identifier(&key[1..], "u", "t").starts_with("bearer:hmac-sha256:"));
        let headers: Headers = key.into_iter().collect();
        let own = Caller { headers: &headers, identity: "", tenant_id: "" };
        assert_ne!(own.identifier(Some(b"own")), own.identifier(None));
    }

    #[test]
    fn blank_candidates_are_skipped() {
        for fields in [&[][..], &[("authorization", "Bearer  ")], &[("authorization", "bearer x")]]
        {
            assert_eq!(identifier(fields, " u ", "t"), "u");
            assert_eq!(identifier(fields, " ", " t "), "t");
            assert_eq!(identifier(fields, "", ""), "anonymous");
        }
        assert!(identifier(&[("x-api-key", " ")], "", "").starts_with("api_key:"));
    }
}
