//! Response headers and bodies for a decision.
//!
//! Renders a [`Decision`] as the widespread `X-RateLimit-*` headers, `Retry-After` (RFC 9110
//! §10.2.3), the IETF draft's `RateLimit` and `RateLimit-Policy`
//! (draft-ietf-httpapi-ratelimit-headers-10), and as one of two bodies. Header names are lower
//! case, values are ASCII.
//!
//! ```
//! use core::time::Duration;
//!
//! use apptheory_core::limiter::headers;
//! use apptheory_core::limiter::{Attempt, FixedWindow, Limiter, RateLimitKey, Recall};
//! use apptheory_core::machine::{Machine, Step};
//! use apptheory_core::time::Timestamp;
//!
//! // A limit of zero is decided without a store.
//! let limiter = Limiter::fail_closed(FixedWindow::new(Duration::from_secs(60), 0)?).build();
//! let key = RateLimitKey::new("i", "/r", "GET")?;
//! let attempt = Attempt::new(key, "1970-01-01T00:00:30Z".parse()?);
//! let step = limiter.check_and_increment(attempt, &Recall::default()).start();
//! let Step::Done(decided) = step else { panic!("no store needed") };
//! let decision = decided.decision?;
//!
//! assert_eq!(headers::retry_after(&decision).as_deref(), Some("30"));
//! assert_eq!(headers::rate_limit(&decision).as_deref(), Some(r#""1m";r=0;t=30"#));
//! assert_eq!(headers::rate_limit_policy(&decision), r#""1m";q=0;w=60"#);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::decision::{Basis, Decision};
use super::strategy::Quota;
use crate::duration::write_duration_short;

/// Selects the headers of a response, in addition to `retry-after` on a denial. In configurations:
/// `x_ratelimit`, `ietf`, `both` or `contract`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum HeaderStyle {
    /// `x-ratelimit-limit`, `x-ratelimit-remaining`, and `x-ratelimit-reset`, the Unix second at
    /// which a unit [becomes available](Decision::room_at); on a denial also `x-ratelimit-window`.
    #[default]
    #[serde(rename = "x_ratelimit")]
    XRateLimit,
    /// `ratelimit` and `ratelimit-policy` of the IETF draft.
    Ietf,
    /// Both sets.
    Both,
    /// The `x-ratelimit-*` headers of the [contract profile](crate::contract): the reset is
    /// [`Decision::resets_at`], even if units become available later, and a limiter that failed
    /// open writes 0 in all three. Well-behaved clients stop at 0, so use this style only if
    /// clients rely on it.
    Contract,
}

/// Returns all headers for the response to a request with this decision. If the limiter failed
/// open, the usage is unknown, and the only header is `x-rate-limit-fail-open: true` (except with
/// [`HeaderStyle::Contract`]).
#[must_use]
pub fn headers(decision: &Decision, style: HeaderStyle) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    if let Basis::FailOpen { .. } = decision.basis {
        if style == HeaderStyle::Contract {
            headers.extend([LIMIT, REMAINING, RESET].map(|name| (name, "0".to_string())));
        }
        headers.push((FAIL_OPEN, "true".to_string()));
        return headers;
    }
    match style {
        // Rounded down, a client would return a second too early.
        HeaderStyle::XRateLimit | HeaderStyle::Both => {
            headers.extend(x_rate_limit(decision, decision.room_at.unix_seconds_ceil()));
        }
        HeaderStyle::Contract => {
            headers.extend(x_rate_limit(decision, decision.resets_at.unix_seconds()));
        }
        HeaderStyle::Ietf => {}
    }
    if let HeaderStyle::Ietf | HeaderStyle::Both = style {
        headers.push(("ratelimit-policy", rate_limit_policy(decision)));
        headers.extend(rate_limit(decision).map(|value| ("ratelimit", value)));
    }
    headers.extend(retry_after(decision).map(|value| ("retry-after", value)));
    headers
}

/// Returns the headers of the 503 response of a limiter that fails closed.
#[must_use]
pub fn store_failure() -> [(&'static str, &'static str); 2] {
    [("retry-after", "1"), ("x-rate-limit-fail-closed", "true")]
}

/// Returns the `x-ratelimit-*` headers. Leaves out the remaining units if the count is unknown.
fn x_rate_limit(decision: &Decision, reset: i64) -> Vec<(&'static str, String)> {
    let mut headers = Vec::from([(LIMIT, decision.limit.to_string())]);
    headers.extend(decision.remaining().map(|remaining| (REMAINING, remaining.to_string())));
    headers.push((RESET, reset.to_string()));
    if !decision.allowed {
        headers.extend(limiting_quota(decision).map(|quota| (WINDOW, policy_name(quota))));
    }
    headers
}

/// Returns the whole seconds to wait, rounded up, at least 1. `None` unless this is a denial.
#[must_use]
pub fn retry_after(decision: &Decision) -> Option<String> {
    decision.retry_after.map(|wait| ceil_seconds(wait).max(1).to_string())
}

/// Returns the `RateLimit` header: the remaining units of the limiting policy (`r`), and the
/// seconds until a unit [becomes available](Decision::room_at) (`t`), rounded up. `None` if the
/// count is unknown.
#[must_use]
pub fn rate_limit(decision: &Decision) -> Option<String> {
    let (quota, remaining) = (limiting_quota(decision)?, decision.remaining()?);
    let until = decision.decided_at.until(decision.room_at);
    let (name, remaining) = (policy_name(quota), structured_integer(remaining));
    let seconds = i64::try_from(ceil_seconds(until)).unwrap_or(i64::MAX);
    Some(format!("\"{name}\";r={remaining};t={}", structured_integer(seconds)))
}

/// Returns the `RateLimit-Policy` header: every quota that applies to the key (`q`), with its
/// window in seconds (`w`).
#[must_use]
pub fn rate_limit_policy(decision: &Decision) -> String {
    let policies: Vec<String> = decision.quotas.iter().map(policy).collect();
    policies.join(", ")
}

/// The default body of a denial, as `application/json`.
pub const DENIAL_BODY: &str =
    r#"{"error":"rate_limit_exceeded","message":"Too many requests. Please retry later."}"#;

/// Returns the body of a denial as problem details (RFC 9457), as `application/problem+json`, with
/// the draft's type `quota-exceeded`.
#[must_use]
pub fn problem_body(decision: &Decision) -> String {
    let violated: Vec<String> = limiting_quota(decision).map(policy_name).into_iter().collect();
    json!({
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "title": "Too many requests",
        "status": 429,
        "violated-policies": violated,
    })
    .to_string()
}

fn limiting_quota(decision: &Decision) -> Option<&Quota> {
    decision.quotas.get(decision.quota)
}

fn policy(quota: &Quota) -> String {
    let limit = structured_integer(quota.limit.max(0));
    let window = i64::try_from(quota.window.as_secs()).unwrap_or(i64::MAX);
    format!("\"{}\";q={limit};w={}", policy_name(quota), structured_integer(window))
}

/// Names a policy after its window: `1m`, `1h30m`.
fn policy_name(quota: &Quota) -> String {
    write_duration_short(quota.window)
}

fn ceil_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() != 0))
}

fn structured_integer(value: i64) -> i64 {
    value.clamp(-MAX_STRUCTURED_INTEGER, MAX_STRUCTURED_INTEGER)
}

const LIMIT: &str = "x-ratelimit-limit";
const REMAINING: &str = "x-ratelimit-remaining";
const RESET: &str = "x-ratelimit-reset";
const WINDOW: &str = "x-ratelimit-window";
const FAIL_OPEN: &str = "x-rate-limit-fail-open";

/// The largest integer in a structured field (RFC 9651 §3.3.1).
const MAX_STRUCTURED_INTEGER: i64 = 999_999_999_999_999;
