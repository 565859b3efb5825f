//! The limiter's configuration, and the calls on it.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use serde::Deserialize;

use super::attempt::Attempt;
use super::builder::LimiterBuilder;
use super::check::Check;
use super::check_and_increment::CheckAndIncrement;
use super::error::{Error, Operation};
use super::key::RateLimitKey;
use super::name::LimiterName;
use super::plan::{AnyPlan, Call};
use super::recall::Recall;
use super::record::RecordRequest;
use super::schema::{AttributeNames, DEFAULT_TABLE_NAME};
use super::setting::Setting;
use super::strategy::Strategy;
use super::usage::Usage;
use super::window::TimeWindow;
use crate::duration;
use crate::store::{AttributeStyle, KeySchema, TableDefinition, TableName};
use crate::time::Timestamp;

/// A rate limiter: a strategy, and how its counters are stored. Immutable, and cheap to clone.
///
/// Can be deserialized from a configuration. `strategy` and `fail_open` are required;
/// [`LimiterBuilder`] documents the defaults of the other members. Contradictory settings and
/// unknown members are errors:
///
/// ```
/// use apptheory_core::limiter::Limiter;
///
/// let limiter: Limiter = serde_json::from_str(
///     r#"{
///         "strategy": {"kind": "sliding", "window": "1m", "granularity": "10s", "limit": 100},
///         "fail_open": false,
///         "on_misconfigured": "closed",
///         "table_name": "rate-limits",
///         "name": "orders",
///         "attribute_style": "pascal",
///         "ttl_buffer": "1h",
///         "skew_allowance": "10ms",
///         "deny_cache": false,
///         "shadow": false,
///         "transactions": true,
///         "read_back": false,
///         "allow_separator_in_keys": false
///     }"#,
/// )?;
/// assert_eq!(limiter.table().name.to_string(), "rate-limits");
///
/// let skewed = r#"{
///     "strategy": {"kind": "sliding", "window": "1m", "granularity": "10s", "limit": 100},
///     "fail_open": false,
///     "skew_allowance": "10s"
/// }"#;
/// let refused = serde_json::from_str::<Limiter>(skewed).unwrap_err();
/// assert!(refused.to_string().starts_with("the skew allowance 10s is not shorter than 10s"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Config")]
pub struct Limiter(Arc<Config>);

/// The settings of a limiter, as they are deserialized.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) strategy: Strategy,
    pub(super) fail_open: bool,
    /// Defaults to `fail_open`.
    pub(super) on_misconfigured: Option<OnFailure>,
    #[serde(default = "default_table", rename = "table_name")]
    pub(super) table: TableName,
    pub(super) name: Option<LimiterName>,
    /// Whether resources may contain `#`.
    #[serde(default, rename = "allow_separator_in_keys")]
    pub(super) separators: bool,
    #[serde(default)]
    pub(super) attribute_style: AttributeStyle,
    #[serde(default = "default_ttl_buffer", deserialize_with = "duration::deserialize")]
    pub(super) ttl_buffer: Duration,
    #[serde(default)]
    pub(super) shadow: bool,
    #[serde(default)]
    pub(super) deny_cache: bool,
    #[serde(default = "default_skew_allowance", deserialize_with = "duration::deserialize")]
    pub(super) skew_allowance: Duration,
    #[serde(default = "default_transactions")]
    pub(super) transactions: bool,
    #[serde(default)]
    pub(super) read_back: bool,
}

/// Says what the limiter does while its store does not answer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Allows the request, and reports this as [`Basis::FailOpen`](super::Basis::FailOpen).
    Open,
    /// Returns an error, so the request is neither allowed nor denied.
    Closed,
}

impl Limiter {
    /// Starts building a limiter that allows requests while its store does not answer.
    pub fn fail_open(strategy: impl Into<Strategy>) -> LimiterBuilder {
        LimiterBuilder(Config::new(strategy.into(), true))
    }

    /// Starts building a limiter that returns an error while its store does not answer.
    pub fn fail_closed(strategy: impl Into<Strategy>) -> LimiterBuilder {
        LimiterBuilder(Config::new(strategy.into(), false))
    }

    /// Creates a key like [`RateLimitKey::new`], but the resource may contain `#` if the limiter
    /// [allows that](LimiterBuilder::allow_separator_in_keys).
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank part, or for a `#` where it is not allowed.
    pub fn key(
        &self,
        identifier: &str,
        resource: &str,
        operation: &str,
    ) -> Result<RateLimitKey, Error> {
        if self.0.separators {
            RateLimitKey::allowing_separators(identifier, resource, operation)
        } else {
            RateLimitKey::new(identifier, resource, operation)
        }
    }

    /// Returns the machine that decides on a request, and counts it if it is allowed.
    pub fn check_and_increment(&self, attempt: Attempt, recall: &Recall) -> CheckAndIncrement {
        let call = self.call(attempt, Operation::CheckAndIncrement);
        match call.remembered_denial(recall) {
            Some(denied) => CheckAndIncrement::denied(denied),
            None => CheckAndIncrement::new(AnyPlan::new(call, recall)),
        }
    }

    /// Returns the machine that decides on a request without counting it.
    pub fn check(&self, attempt: Attempt, recall: &Recall) -> Check {
        Check::new(self.plan(attempt, Operation::Check, recall))
    }

    /// Returns the machine that counts a request without deciding on it, even beyond the limit.
    pub fn record(&self, attempt: Attempt, recall: &Recall) -> RecordRequest {
        RecordRequest::new(self.plan(attempt, Operation::Record, recall))
    }

    /// Returns the machine that reads the usage of a key's limits.
    pub fn usage(&self, key: RateLimitKey, now: Timestamp) -> Usage {
        let attempt = Attempt::new(key, now);
        Usage::new(self.plan(attempt, Operation::Usage, &Recall::with_capacity(0)))
    }

    /// Returns the windows of a key without exceptions as of `now`, in the order of the
    /// configuration; a sliding window's sub-windows are listed newest first. A token bucket has no
    /// windows.
    #[must_use]
    pub fn windows(&self, now: Timestamp) -> Vec<TimeWindow> {
        self.0.strategy.windows(now)
    }

    /// Returns the Unix second after which a window's counter may be removed.
    #[must_use]
    pub fn expires_at(&self, window: &TimeWindow) -> i64 {
        self.0.expires_at(window)
    }

    /// Returns the table that this limiter needs.
    #[must_use]
    pub fn table(&self) -> TableDefinition {
        TableDefinition {
            name: self.0.table.clone(),
            key: KeySchema { partition: "PK".into(), sort: Some("SK".into()) },
            indexes: Vec::new(),
            ttl: AttributeNames::of(self.0.attribute_style).ttl.into(),
        }
    }

    pub(super) fn of(config: Config) -> Self {
        Self(Arc::new(config))
    }

    pub(super) fn config(&self) -> &Config {
        &self.0
    }

    fn plan(&self, attempt: Attempt, operation: Operation, recall: &Recall) -> AnyPlan {
        AnyPlan::new(self.call(attempt, operation), recall)
    }

    fn call(&self, mut attempt: Attempt, operation: Operation) -> Call {
        if let Some(name) = &self.0.name {
            attempt.key = attempt.key.among(name);
        }
        Call { config: Arc::clone(&self.0), attempt, operation }
    }
}

impl TryFrom<Config> for Limiter {
    type Error = Error;

    fn try_from(config: Config) -> Result<Self, Error> {
        Ok(Self::of(config.with_checked_keys()?.with_checked_skew()?))
    }
}

impl Config {
    fn new(strategy: Strategy, fail_open: bool) -> Self {
        Self {
            strategy,
            fail_open,
            on_misconfigured: None,
            table: default_table(),
            name: None,
            separators: false,
            attribute_style: AttributeStyle::default(),
            ttl_buffer: default_ttl_buffer(),
            shadow: false,
            deny_cache: false,
            skew_allowance: default_skew_allowance(),
            transactions: default_transactions(),
            read_back: false,
        }
    }

    pub(super) fn with_checked_keys(self) -> Result<Self, Error> {
        if self.separators && self.name.is_some() {
            return Err(Setting::NameWithSeparators.into());
        }
        Ok(self)
    }

    pub(super) fn with_checked_skew(self) -> Result<Self, Error> {
        match self.strategy.shortest_relied_on() {
            Some(shortest) if self.skew_allowance >= shortest => {
                Err(Setting::SkewAllowance { skew: self.skew_allowance, shortest }.into())
            }
            _ => Ok(self),
        }
    }

    pub(super) fn on_unavailable(&self) -> OnFailure {
        if self.fail_open { OnFailure::Open } else { OnFailure::Closed }
    }

    pub(super) fn expires_at(&self, window: &TimeWindow) -> i64 {
        let buffer = match &self.strategy {
            // An ended sub-window counts until the whole window has passed it on every clock.
            Strategy::Sliding(sliding) => {
                let skew = self.skew_allowance;
                let seconds = skew.as_secs().saturating_add(u64::from(skew.subsec_nanos() > 0));
                let kept = self.ttl_buffer.max(sliding.window);
                kept.saturating_add(Duration::from_secs(seconds))
            }
            Strategy::Fixed(_) | Strategy::Multi(_) | Strategy::TokenBucket(_) => self.ttl_buffer,
        };
        seconds_after(window.end().unix_seconds(), buffer)
    }
}

/// Returns the Unix second `by` whole seconds after another one.
pub(super) fn seconds_after(unix_second: i64, by: Duration) -> i64 {
    unix_second.saturating_add(i64::try_from(by.as_secs()).unwrap_or(i64::MAX))
}

fn default_table() -> TableName {
    TableName::from(DEFAULT_TABLE_NAME)
}

/// An hour: long enough to inspect past usage, and for late writes to find their counter.
const fn default_ttl_buffer() -> Duration {
    Duration::from_secs(3_600)
}

/// How far callers' clocks may differ. Amazon Time Sync keeps a host within a millisecond; the rest
/// is a margin for hosts that have just started.
const fn default_skew_allowance() -> Duration {
    Duration::from_millis(10)
}

const fn default_transactions() -> bool {
    true
}
