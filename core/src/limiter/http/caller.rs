//! Callers' names that clients choose themselves.

use alloc::format;
use alloc::string::{String, ToString};

use super::CountedRequest;
use crate::identity::{DEFAULT_KEY, fingerprint_with, with_lower_case_scheme};

/// Returns the identifier for the value of a header. Credentials are stored as fingerprints.
pub(super) fn named_by_field(name: &str, value: &str) -> String {
    let fingerprint = |value: &str| fingerprint_with(DEFAULT_KEY, &format!("header:{name}"), value);
    match name {
        "authorization" | "proxy-authorization" => fingerprint(&with_lower_case_scheme(value)),
        "cookie" | "x-api-key" => fingerprint(value),
        _ => format!("header:{name}:{value}"),
    }
}

pub(super) fn credential(secret: &[u8], request: &CountedRequest<'_>) -> Option<String> {
    let bearer = || Some(fingerprint_with(secret, "bearer", &request.bearer()?));
    let api_key = request.field("x-api-key");
    api_key.map(|key| fingerprint_with(secret, "api_key", &key)).or_else(bearer)
}

/// Returns the identifier by the rules of the contract: the key may be blank, and the scheme
/// `Bearer` is matched in any case.
pub(super) fn contract_identifier(request: &CountedRequest<'_>) -> String {
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

/// The identifier shared by all requests without their own. It has no prefix.
pub(super) const ANONYMOUS: &str = "anonymous";
