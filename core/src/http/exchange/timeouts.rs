//! Request timeouts.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use core::time::Duration;

use serde::Deserialize;

use super::call::Call;
use crate::duration;
use crate::http::router::Pattern;
use crate::http::sending::is_token;
use crate::http::{UriPath, canonical_method};

/// Request timeouts. A request's timeout is that of its operation, or else of its tenant, or else
/// the default, and never more than the remaining time. A duration of zero disables a timeout.
///
/// Can be deserialized from a configuration, in which an operation is a method, a space and a path.
/// Missing members set no timeout; unknown members are errors.
///
/// ```
/// use core::time::Duration;
/// use apptheory_core::http::exchange::Timeouts;
///
/// let reports = Duration::from_secs(60);
/// let timeouts =
///     Timeouts::after(Duration::from_secs(5)).for_operation("POST", "/reports/{id}", reports);
///
/// let configured: Timeouts = serde_json::from_str(
///     r#"{ "default": "5s", "tenants": {}, "operations": { "POST /reports/{id}": "1m" } }"#,
/// )?;
/// assert_eq!(configured, timeouts);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(try_from = "Settings")]
pub struct Timeouts {
    default: Option<Duration>,
    tenants: BTreeMap<String, Duration>,
    operations: BTreeMap<String, Duration>,
}

impl Timeouts {
    /// Creates timeouts with a default. [`Timeouts::default`] only uses the remaining time.
    #[must_use]
    pub const fn after(time: Duration) -> Self {
        Self { default: Some(time), tenants: BTreeMap::new(), operations: BTreeMap::new() }
    }

    /// Sets the timeout of a tenant. By default this is the authenticated tenant; if a
    /// [`TenantSource`](super::TenantSource) lets requests name their tenant, clients choose their
    /// timeout.
    #[must_use]
    pub fn for_tenant(mut self, tenant_id: &str, time: Duration) -> Self {
        self.tenants.insert(tenant_id.to_string(), time);
        self
    }

    /// Sets the timeout of a method and a path: a route's pattern, or a single path. A path takes
    /// precedence over a pattern. The method may be in any case.
    #[must_use]
    pub fn for_operation(mut self, method: &str, path: &str, time: Duration) -> Self {
        // Normalized like the paths and patterns of requests.
        let path = match Pattern::parse(path) {
            Ok(pattern) => pattern.to_string(),
            Err(_) => UriPath::from_encoded(path).to_string(),
        };
        self.operations.insert(operation(&canonical_method(method), &path), time);
        self
    }

    /// Returns the timeout of a request, or of a record, which has no call and no operation.
    /// `remaining` is the time left of the invocation. `None` if there is no limit.
    #[must_use]
    pub fn of(
        &self,
        call: Option<&Call>,
        tenant_id: &str,
        remaining: Option<Duration>,
    ) -> Option<Duration> {
        let own = call
            .and_then(|call| self.of_operation(call))
            .or_else(|| self.tenants.get(tenant_id).copied());
        let own = own.or(self.default).filter(|time| !time.is_zero());
        [own, remaining].into_iter().flatten().min()
    }

    fn of_operation(&self, call: &Call) -> Option<Duration> {
        if self.operations.is_empty() || call.route_key().is_some() {
            // Fast path for nearly every request: no key is built. Messages have no operation.
            return None;
        }
        let find =
            |path: &str| self.operations.get(&operation(&call.request.method, path)).copied();
        find(&call.request.path).or_else(|| find(call.pattern()?.as_str()))
    }
}

fn operation(method: &str, path: &str) -> String {
    format!("{method}:{path}")
}

/// The timeouts as they are deserialized.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    #[serde(deserialize_with = "duration::deserialize_option")]
    default: Option<Duration>,
    tenants: BTreeMap<String, Time>,
    operations: BTreeMap<String, Time>,
}

#[derive(Deserialize)]
struct Time(#[serde(deserialize_with = "duration::deserialize")] Duration);

/// Says why configured timeouts are refused.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{0:?} is not an operation: write a method, a space and a path")]
    NotAnOperation(String),
    #[error("the operation {0:?} is set twice, in different spellings")]
    Twice(String),
}

impl TryFrom<Settings> for Timeouts {
    type Error = Refused;

    fn try_from(settings: Settings) -> Result<Self, Refused> {
        let Settings { default, tenants, operations } = settings;
        let tenants = tenants.into_iter().map(|(tenant, Time(time))| (tenant, time)).collect();
        let mut timeouts = Self { default, tenants, operations: BTreeMap::new() };
        for (text, Time(time)) in operations {
            let before = timeouts.operations.len();
            timeouts = match text.split_once(' ') {
                Some((method, path)) if is_token(method) && path.starts_with('/') => {
                    timeouts.for_operation(method, path, time)
                }
                _ => return Err(Refused::NotAnOperation(text)),
            };
            // Otherwise the alphabetical order would decide which of two timeouts wins.
            if timeouts.operations.len() == before {
                return Err(Refused::Twice(text));
            }
        }
        Ok(timeouts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Request;
    use crate::http::exchange::{Arrival, TenantSource};
    use crate::time::Timestamp;

    #[test]
    fn operation_timeouts_precede_tenant_ones_and_the_remaining_time_caps_all() {
        let secs = Duration::from_secs;
        let call = |method: &str, path: &str| {
            let path = UriPath::from_encoded(path);
            let request = Request { method: method.into(), path, ..Request::default() };
            let arrival = Arrival { now: Timestamp::UNIX_EPOCH, remaining: None };
            Call::unrouted(request, String::new(), arrival, TenantSource::Principal)
        };
        let timeouts = Timeouts::after(secs(5))
            .for_tenant("slow", secs(20))
            .for_tenant("free", Duration::ZERO)
            .for_operation("post", "/reports", secs(60));
        for (method, path, tenant_id, remaining, time) in [
            ("GET", "/reports", "", None, Some(5)),
            ("POST", "/reports", "slow", None, Some(60)),
            ("GET", "/x", "slow", Some(90), Some(20)),
            ("GET", "/x", "slow", Some(9), Some(9)),
            ("GET", "/x", "free", None, None),
            ("GET", "/x", "free", Some(0), Some(0)),
        ] {
            let found = timeouts.of(Some(&call(method, path)), tenant_id, remaining.map(secs));
            assert_eq!(found, time.map(secs), "{method} {path} {tenant_id} {remaining:?}");
        }
        assert_eq!(Timeouts::default().of(Some(&call("GET", "/")), "", None), None);
    }

    #[test]
    fn configured_times_are_those_of_the_code() {
        let read = serde_json::from_str::<Timeouts>;
        let timeouts = Timeouts::after(Duration::from_millis(1500))
            .for_tenant("free", Duration::ZERO)
            .for_operation("POST", "/a/{id}", Duration::from_secs(60));
        let text =
            r#"{"default":"1.5s","tenants":{"free":"0s"},"operations":{"post /a/{id}":"1m"}}"#;
        assert_eq!(read(text).unwrap(), timeouts);
        assert_eq!(read("{}").unwrap(), Timeouts::default());
        for (text, refused) in [
            (r#"{"defaults":"1s"}"#, "unknown field"),
            (r#"{"default":5}"#, "expected a string"),
            (r#"{"default":"-1s"}"#, "is negative"),
            (r#"{"tenants":{"t":"soon"}}"#, "not a duration"),
            (r#"{"operations":{"POST/a":"1s"}}"#, "not an operation"),
            (r#"{"operations":{"GET a":"1s"}}"#, "not an operation"),
            (r#"{"operations":{" /a":"1s"}}"#, "not an operation"),
            (r#"{"operations":{"GET /a":"1s","get /a":"2s"}}"#, "different spellings"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(refused), "{text}: {error}");
        }
    }
}
