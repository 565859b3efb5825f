//! Tests of the key policy.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{CountedRequest, KeyPolicy};
use crate::http::HeaderMap;
use crate::identity::{EmptySecret, fingerprint_with};
use crate::limiter::error::Reason;
use crate::limiter::setting::Setting;

/// Returns the identifier of a request with these headers.
fn identifier(policy: &KeyPolicy, facts: CountedRequest<'_>, fields: &[(&str, &str)]) -> String {
    let headers: HeaderMap = fields.iter().copied().collect();
    let fields = |name: &str| headers.get_all(name).to_vec();
    let request = CountedRequest { fields: &fields, ..facts };
    match policy.key(&request) {
        Ok(key) => key.identifier().to_string(),
        Err(error) => error.to_string(),
    }
}

fn nobody() -> CountedRequest<'static> {
    CountedRequest::of("GET", "/", &|_| Vec::new())
}

/// Every header by which a client could name itself.
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
fn only_what_is_verified_for_names_a_counter() {
    let policy = KeyPolicy::new();
    let address = "203.0.113.7".parse().ok();
    let facts = CountedRequest { named_tenant_id: "alice", address, ..nobody() };
    assert_eq!(identifier(&policy, facts, &MADE_UP), "ip:203.0.113.7");
    let facts = CountedRequest { tenant_id: " t ", ..facts };
    assert_eq!(identifier(&policy, facts, &MADE_UP), "tenant:t");
    let facts = CountedRequest { identity: " u ", ..facts };
    assert_eq!(identifier(&policy, facts, &MADE_UP), "user:u");
    let unknown = CountedRequest { named_tenant_id: "alice", ..nobody() };
    let refusal = identifier(&policy, unknown, &MADE_UP);
    assert_eq!(refusal, Reason::NoCaller.to_string());
    assert!(refusal.contains("trusting_forwarded(hops)") && refusal.contains("shared()"));
    assert_eq!(identifier(&policy.shared(), unknown, &MADE_UP), "anonymous");
}

#[test]
fn no_name_passes_for_one_of_another_kind() {
    let named = |identity, tenant_id| CountedRequest { identity, tenant_id, ..nobody() };
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
    let facts = CountedRequest { address: "198.51.100.9".parse().ok(), ..nobody() };
    let list = [("x-forwarded-for", "10.0.0.1, 192.0.2.7"), ("x-forwarded-for", "192.0.2.8")];
    for (trusted, expected) in
        [(1, "ip:192.0.2.8"), (2, "ip:192.0.2.7"), (3, "ip:10.0.0.1"), (4, "ip:198.51.100.9")]
    {
        let policy = KeyPolicy::new().trusting_forwarded(trusted).unwrap();
        assert_eq!(identifier(&policy, facts, &list), expected);
    }
}

#[test]
fn addresses_can_be_all_that_counts() {
    let policy = KeyPolicy::new().per_address();
    let known = CountedRequest { identity: "u", tenant_id: "t", ..nobody() };
    let at = CountedRequest { address: "203.0.113.7".parse().ok(), ..known };
    assert_eq!(identifier(&policy, at, &MADE_UP), "ip:203.0.113.7");
    assert_eq!(identifier(&policy, known, &MADE_UP), Reason::NoCaller.to_string());
    assert!(policy.needs_verified_address(true) && KeyPolicy::new().needs_verified_address(false));
    assert!(!KeyPolicy::new().needs_verified_address(true));
    assert!(!policy.clone().shared().needs_verified_address(false));
    let behind_proxy = policy.trusting_forwarded(1).unwrap();
    assert_eq!(identifier(&behind_proxy, at, &MADE_UP), "ip:192.0.2.1");
    let refused = KeyPolicy::new().trusting_forwarded(0);
    assert_eq!(refused.unwrap_err(), Setting::NoHops.into());
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
    let known = CountedRequest { identity: "u", ..nobody() };
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
        assert_eq!(KeyPolicy::new().per_credential(secret), Err(EmptySecret.into()));
    }
}

#[test]
fn the_contract_policy_trusts_unverified_credentials_and_tenants() {
    let policy = KeyPolicy::contract();
    let all = CountedRequest { identity: " u ", tenant_id: "t", ..nobody() };
    assert_eq!(
        identifier(&policy, all, &[("x-api-key", "k_secret"), ("authorization", "Bearer t")]),
        "api_key:hmac-sha256:a48af556edf2550b862421fa6d4d674dadae13d4704898f539dce0e9e2e81c79"
    );
    let bearer = identifier(&policy, all, &[("authorization", "bearer t")]);
    assert!(bearer.starts_with("bearer:hmac-sha256:"));
    assert!(identifier(&policy, all, &[("x-api-key", " ")]).starts_with("api_key:"));
    assert_eq!(identifier(&policy, all, &[]), "u");
    let named = CountedRequest { named_tenant_id: " n ", ..nobody() };
    assert_eq!(identifier(&policy, named, &[]), "n");
    assert_eq!(identifier(&policy, nobody(), &[]), "anonymous");
}

#[test]
fn a_route_is_one_resource_and_a_path_has_one_spelling() {
    let policy = KeyPolicy::new().shared();
    let sort = |policy: &KeyPolicy, method, route, path| {
        let facts = CountedRequest { method, route, path, ..nobody() };
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

#[test]
fn callers_are_counted_by_one_name() {
    let read = |text: &str| serde_json::from_str::<KeyPolicy>(text).map_err(|e| e.to_string());
    assert_eq!(read("{}"), Ok(KeyPolicy::new()));
    let text =
        r#"{"trusting_forwarded": 2, "shared": true, "per_header": "X-Plan", "per_path": true}"#;
    let policy = KeyPolicy::new().trusting_forwarded(2).unwrap().shared().per_header("x-plan");
    assert_eq!(read(text), Ok(policy.per_path()));
    assert_eq!(read(r#"{"contract": true}"#), Ok(KeyPolicy::contract()));
    assert_eq!(read(r#"{"per_address": true}"#), Ok(KeyPolicy::new().per_address()));
    let refused = read(r#"{"per_address": true, "per_header": "x-plan"}"#).unwrap_err();
    assert_eq!(refused, Setting::SeveralNames.to_string());
    let refused = read(r#"{"per_header": "x-plan", "per_credential": "s"}"#).unwrap_err();
    assert_eq!(refused, Setting::SeveralNames.to_string());
    let refused = read(r#"{"per_credential": " "}"#).unwrap_err();
    assert_eq!(refused, EmptySecret.to_string());
    assert!(read(r#"{"per_head": "x-plan"}"#).is_err());
}
