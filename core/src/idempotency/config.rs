//! The configuration of idempotency, and the calls on it.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use serde::Deserialize;

use super::acquire::{Acquire, Lease};
use super::complete::Complete;
use super::entry::{AttributeNames, Owner};
use super::key::{IdempotencyKey, PARTITION_KEY, SORT_KEY};
use super::release::Release;
use crate::store::{AttributeStyle, KeySchema, TableDefinition, TableName};
use crate::time::Timestamp;

/// Configures how work that must be done only once is tracked. Immutable, and cheap to clone.
///
/// In configurations, the settings have the names of the builder's methods:
///
/// ```
/// use apptheory_core::idempotency::IdempotencyConfig;
///
/// let json = r#"{"table_name": "idempotency-prod", "ttl": "24h"}"#;
/// let idempotency: IdempotencyConfig = serde_json::from_str(json)?;
/// assert_eq!(idempotency.table().name.as_ref(), "idempotency-prod");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Config")]
pub struct IdempotencyConfig(Arc<Config>);

impl From<Config> for IdempotencyConfig {
    fn from(config: Config) -> Self {
        Self(Arc::new(config))
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    #[serde(rename = "table_name")]
    pub(super) table: TableName,
    pub(super) attribute_style: AttributeStyle,
    #[serde(deserialize_with = "crate::duration::deserialize")]
    pub(super) ttl: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            table: TableName::from(DEFAULT_TABLE_NAME),
            attribute_style: AttributeStyle::default(),
            ttl: DEFAULT_TTL,
        }
    }
}

impl Config {
    pub(super) const fn names(&self) -> &'static AttributeNames {
        AttributeNames::of(self.attribute_style)
    }

    /// Returns the Unix second at which an item written now expires.
    pub(super) fn expires_at(&self, now: Timestamp) -> i64 {
        now.saturating_add(self.ttl).unix_seconds_ceil()
    }
}

impl IdempotencyConfig {
    /// Starts building a configuration.
    pub fn builder() -> IdempotencyConfigBuilder {
        IdempotencyConfigBuilder(Config::default())
    }

    /// Returns the machine that asks as of `now` whether the work may be done. `payload_hash`
    /// identifies the input; see [`payload_hash`](super::payload_hash). `owner` must be new for
    /// every call. The lease lasts for `remaining`, the time that the host has left, or 60 s if
    /// that is unknown; at least a millisecond.
    pub fn acquire(
        &self,
        key: IdempotencyKey,
        payload_hash: impl Into<String>,
        owner: Owner,
        now: Timestamp,
        remaining: Option<Duration>,
    ) -> Acquire {
        let lease = remaining.unwrap_or(DEFAULT_LEASE).max(SHORTEST_LEASE);
        Acquire::new(Arc::clone(&self.0), key, payload_hash.into(), owner, now, lease)
    }

    /// Returns the machine that stores the result of work.
    pub fn complete(&self, lease: Lease, result: impl Into<Vec<u8>>, now: Timestamp) -> Complete {
        Complete::new(Arc::clone(&self.0), lease, Some(result.into()), now)
    }

    /// Returns the machine that marks work as done without storing a result. Use it for results
    /// that cannot be stored, such as streams.
    pub fn complete_without_result(&self, lease: Lease, now: Timestamp) -> Complete {
        Complete::new(Arc::clone(&self.0), lease, None, now)
    }

    /// Returns the machine that releases the lease of work that was not done, so that it can be
    /// tried again at once.
    pub fn release(&self, lease: Lease) -> Release {
        Release::new(Arc::clone(&self.0), lease)
    }

    /// Returns the definition of the table that is needed.
    #[must_use]
    pub fn table(&self) -> TableDefinition {
        TableDefinition {
            name: self.0.table.clone(),
            key: KeySchema { partition: PARTITION_KEY.into(), sort: Some(SORT_KEY.into()) },
            indexes: Vec::new(),
            ttl: self.0.names().ttl.into(),
        }
    }
}

/// Builds an [`IdempotencyConfig`].
#[derive(Clone, Debug)]
#[must_use = "call build()"]
pub struct IdempotencyConfigBuilder(Config);

impl IdempotencyConfigBuilder {
    /// Sets the table's name; `idempotency` by default. The table may be shared with a limiter or
    /// registry of the same attribute style, because their keys differ.
    pub fn table_name(mut self, name: impl Into<TableName>) -> Self {
        self.0.table = name.into();
        self
    }

    /// Reads the table's name from the environment variable `APPTHEORY_IDEMPOTENCY_TABLE_NAME`,
    /// unless it is missing or blank.
    pub fn env(mut self, env: impl Fn(&str) -> Option<String>) -> Self {
        let name = TableName::resolve(&[TABLE_VARIABLE], self.0.table.as_ref(), env);
        self.0.table = name;
        self
    }

    /// Sets the style of the attribute names; [`AttributeStyle::Pascal`] by default.
    pub fn attribute_style(mut self, style: AttributeStyle) -> Self {
        self.0.attribute_style = style;
        self
    }

    /// Sets how long results are valid; an hour by default.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.0.ttl = ttl;
        self
    }

    /// Builds the configuration.
    #[must_use]
    pub fn build(self) -> IdempotencyConfig {
        IdempotencyConfig(Arc::new(self.0))
    }
}

const DEFAULT_TABLE_NAME: &str = "idempotency";
const TABLE_VARIABLE: &str = "APPTHEORY_IDEMPOTENCY_TABLE_NAME";

/// How long results are valid.
const DEFAULT_TTL: Duration = Duration::from_secs(3_600);

/// The length of a lease if the remaining time is unknown.
const DEFAULT_LEASE: Duration = Duration::from_secs(60);

/// Leases end on whole milliseconds, and must end after they begin.
const SHORTEST_LEASE: Duration = Duration::from_millis(1);
