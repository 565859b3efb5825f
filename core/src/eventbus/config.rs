//! The configuration of the event bus, from which its machines are created.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Deserializer};

use super::codec::EventCodec;
use super::cursor::CursorSeal;
use super::error::{Error, Setting};
use super::keys::Separator;
use super::metrics::BusMetric;
use super::schema::{ID_INDEX, PayloadEncoding, TENANT_INDEX, TimestampFormat};
use crate::backoff::Backoff;
use crate::identity::EmptySecret;
use crate::store::{AttributeStyle, IndexDefinition, KeySchema, TableDefinition, TableName};

/// The configuration of an event bus on a table, from which its machines are created. Cheap to
/// clone.
///
/// ```
/// use apptheory_core::eventbus::{BusConfig, AttributeStyle};
///
/// let bus = BusConfig::builder()
///     .env(|name| (name == "EVENTBUS_TABLE_NAME").then(|| "events-prod".to_string()))
///     .attribute_style(AttributeStyle::TableTheory)
///     .build()?;
/// assert_eq!(bus.table_name().as_ref(), "events-prod");
/// assert_eq!(bus.table().create_table_body()["KeySchema"][0]["AttributeName"], "pk");
/// # Ok::<(), apptheory_core::eventbus::Error>(())
/// ```
///
/// In configurations, the settings have the names of the builder's methods. A list of secrets
/// stands for a rotation: the last secret seals cursors, all of them open cursors.
///
/// ```
/// use apptheory_core::eventbus::BusConfig;
///
/// let bus: BusConfig = serde_json::from_str(r#"{
///     "table_name": "events-prod",
///     "ttl": "720h",
///     "retry_attempts": 5,
///     "retry_base_delay": "50ms",
///     "cursor_secret": ["old secret", "new secret"]
/// }"#)?;
/// assert_eq!(bus.table_name().as_ref(), "events-prod");
/// let refused = serde_json::from_str::<BusConfig>(r#"{"read_budget": 0}"#).unwrap_err();
/// assert!(refused.to_string().starts_with("read_budget must be at least 1"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "BusConfigBuilder")]
pub struct BusConfig(Arc<Config>);

#[derive(Debug)]
struct Config {
    table: TableName,
    codec: EventCodec,
    ttl: Option<Duration>,
    retry_attempts: u32,
    retry_base_delay: Duration,
    read_budget: u32,
    separator: Separator,
    enable_metrics: bool,
    metrics_namespace: String,
    seal: Option<CursorSeal>,
}

/// Builds a [`BusConfig`]. Each method documents the default of its setting.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use = "a builder does nothing until it is built"]
pub struct BusConfigBuilder {
    #[serde(rename = "table_name", deserialize_with = "read_table_name")]
    table: TableName,
    attribute_style: AttributeStyle,
    payload_encoding: PayloadEncoding,
    timestamp_format: TimestampFormat,
    #[serde(deserialize_with = "crate::duration::deserialize_option")]
    ttl: Option<Duration>,
    retry_attempts: u32,
    #[serde(deserialize_with = "crate::duration::deserialize")]
    retry_base_delay: Duration,
    read_budget: u32,
    allow_separator_in_keys: bool,
    enable_metrics: bool,
    metrics_namespace: String,
    #[serde(rename = "cursor_secret", deserialize_with = "read_secrets")]
    seal: Result<Option<CursorSeal>, EmptySecret>,
}

impl Default for BusConfigBuilder {
    fn default() -> Self {
        Self {
            table: TableName::from(DEFAULT_TABLE_NAME),
            attribute_style: AttributeStyle::default(),
            payload_encoding: PayloadEncoding::default(),
            timestamp_format: TimestampFormat::default(),
            ttl: Some(DEFAULT_TTL),
            retry_attempts: DEFAULT_RETRY_ATTEMPTS,
            retry_base_delay: DEFAULT_RETRY_BASE_DELAY,
            read_budget: DEFAULT_READ_BUDGET,
            allow_separator_in_keys: false,
            enable_metrics: true,
            metrics_namespace: DEFAULT_METRICS_NAMESPACE.to_string(),
            seal: Ok(None),
        }
    }
}

impl TryFrom<BusConfigBuilder> for BusConfig {
    type Error = Error;

    fn try_from(builder: BusConfigBuilder) -> Result<Self, Error> {
        builder.build()
    }
}

impl BusConfig {
    /// Starts building a configuration.
    pub fn builder() -> BusConfigBuilder {
        BusConfigBuilder::default()
    }

    /// Returns the table's name.
    #[must_use]
    pub fn table_name(&self) -> &TableName {
        &self.0.table
    }

    /// Checks the table's name against DynamoDB's rules. Building the configuration does not.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`Configuration`](super::ErrorKind::Configuration) if DynamoDB would
    /// refuse every request because of the name.
    pub fn check_table_name(&self) -> Result<(), Error> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_.-:/".contains(c);
        match self.0.table.as_ref().chars().all(fits) {
            true => Ok(()),
            false => Err(Setting::TableName(self.0.table.clone()).into()),
        }
    }

    /// Returns the codec of stored events.
    #[must_use]
    pub fn codec(&self) -> &EventCodec {
        &self.0.codec
    }

    /// Returns the definition of the table that this bus needs, with both indexes.
    #[must_use]
    pub fn table(&self) -> TableDefinition {
        let names = self.0.codec.names();
        TableDefinition {
            name: self.0.table.clone(),
            key: KeySchema {
                partition: names.partition_key.into(),
                sort: Some(names.sort_key.into()),
            },
            indexes: vec![
                IndexDefinition {
                    name: TENANT_INDEX.into(),
                    key: KeySchema {
                        partition: names.tenant_id.into(),
                        sort: Some(names.published_at.into()),
                    },
                },
                IndexDefinition {
                    name: ID_INDEX.into(),
                    key: KeySchema { partition: names.id.into(), sort: None },
                },
            ],
            ttl: names.ttl.into(),
        }
    }

    pub(super) fn ttl(&self) -> Option<Duration> {
        self.0.ttl
    }

    pub(super) fn retry_attempts(&self) -> u32 {
        self.0.retry_attempts
    }

    pub(super) fn backoff(&self) -> Backoff {
        let base = self.0.retry_base_delay;
        Backoff { base, cap: base.saturating_mul(MAX_DELAY_FACTOR) }
    }

    pub(super) fn read_budget(&self) -> u32 {
        self.0.read_budget
    }

    /// Returns whether tenants and types may contain `#`.
    #[must_use]
    pub fn separator(&self) -> Separator {
        self.0.separator
    }

    pub(super) fn seal(&self) -> Option<&CursorSeal> {
        self.0.seal.as_ref()
    }

    /// Returns a metric record, if metrics are enabled. The table's name is a tag of each.
    pub(super) fn metric<const N: usize>(
        &self,
        name: &'static str,
        tags: [(&'static str, &str); N],
    ) -> Option<BusMetric> {
        let table = ("table_name", self.0.table.as_ref());
        self.0.enable_metrics.then(|| BusMetric {
            namespace: self.0.metrics_namespace.clone(),
            name,
            value: 1.0,
            tags: tags.into_iter().chain([table]).map(|(tag, value)| (tag, value.into())).collect(),
        })
    }
}

impl BusConfigBuilder {
    /// Sets the table's name, trimmed. A blank name changes nothing. The default is
    /// `apptheory-events`.
    pub fn table_name(self, name: impl AsRef<str>) -> Self {
        match name.as_ref().trim() {
            "" => self,
            name => Self { table: name.into(), ..self },
        }
    }

    /// Reads the table's name from the environment, from the first of these variables that is not
    /// blank: `APPTHEORY_EVENTBUS_TABLE_NAME`, `EVENTBUS_TABLE_NAME`,
    /// `AUTHEORY_EVENTBUS_TABLE_NAME`, `AUTHEORY_TABLE_NAME` (with `-events` appended). Values are
    /// trimmed. If all are blank or missing, the name stays unchanged.
    pub fn env(self, env: impl Fn(&str) -> Option<String>) -> Self {
        let base = TableName::resolve(&[BASE_VARIABLE], "", &env);
        let table = match base.as_ref() {
            "" => self.table,
            base => alloc::format!("{base}{BASE_SUFFIX}").as_str().into(),
        };
        Self { table: TableName::resolve(&TABLE_VARIABLES, table.as_ref(), env), ..self }
    }

    /// Sets the style of the attribute names. The default is [`AttributeStyle::Pascal`].
    pub fn attribute_style(mut self, style: AttributeStyle) -> Self {
        self.attribute_style = style;
        self
    }

    /// Sets how payloads are written. The default is [`PayloadEncoding::Binary`].
    pub fn payload_encoding(mut self, encoding: PayloadEncoding) -> Self {
        self.payload_encoding = encoding;
        self
    }

    /// Sets how instants are written. The default is [`TimestampFormat::Fixed9`].
    pub fn timestamp_format(mut self, format: TimestampFormat) -> Self {
        self.timestamp_format = format;
        self
    }

    /// Sets how long after its publication an event without its own expiry expires. The default is
    /// 30 days; `None` keeps events forever.
    pub fn ttl(self, ttl: Option<Duration>) -> Self {
        Self { ttl, ..self }
    }

    /// Sets how often a write is retried after a temporary failure. The default is 3; 0 disables
    /// retries.
    pub fn retry_attempts(self, retry_attempts: u32) -> Self {
        Self { retry_attempts, ..self }
    }

    /// Sets the longest delay before the first retry. The default is 100 ms. The longest delay
    /// doubles with each retry, up to 1024 times the first; the actual delay is a random part of
    /// it.
    pub fn retry_base_delay(self, retry_base_delay: Duration) -> Self {
        Self { retry_base_delay, ..self }
    }

    /// Sets the most requests to DynamoDB for one page of a query. The default is 10.
    pub fn read_budget(self, read_budget: u32) -> Self {
        Self { read_budget, ..self }
    }

    /// Sets whether tenants and types may contain `#`. By default they may not; see [`Separator`].
    pub fn allow_separator_in_keys(self, allowed: bool) -> Self {
        Self { allow_separator_in_keys: allowed, ..self }
    }

    /// Sets whether operations return a metric record. The default is `true`.
    pub fn enable_metrics(self, enable_metrics: bool) -> Self {
        Self { enable_metrics, ..self }
    }

    /// Sets the namespace of metric records. The default is `AppTheory/EventBus`.
    pub fn metrics_namespace(self, namespace: impl Into<String>) -> Self {
        Self { metrics_namespace: namespace.into(), ..self }
    }

    /// Seals cursors with HMAC-SHA256 under this secret, and accepts only sealed cursors. By
    /// default cursors are not sealed. Call it again to rotate secrets: the last secret seals, all
    /// of them open. Setting the first secret invalidates all cursors that were handed out before.
    pub fn cursor_secret(self, secret: impl AsRef<[u8]>) -> Self {
        let seal = self.seal.and_then(|seal| match seal {
            None => CursorSeal::new(secret),
            Some(seal) => seal.rotated_to(secret),
        });
        Self { seal: seal.map(Some), ..self }
    }

    /// Checks the settings and builds the configuration.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`Configuration`](super::ErrorKind::Configuration), which names the
    /// invalid setting.
    pub fn build(self) -> Result<BusConfig, Error> {
        if self.ttl.is_some_and(|ttl| ttl < Duration::from_secs(1)) {
            return Err(Setting::TtlTooShort.into());
        }
        if self.read_budget == 0 {
            return Err(Setting::NoReadBudget.into());
        }
        let Self { attribute_style, payload_encoding, timestamp_format, .. } = self;
        let allowed = self.allow_separator_in_keys;
        Ok(BusConfig(Arc::new(Config {
            table: self.table,
            codec: EventCodec { attribute_style, payload_encoding, timestamp_format },
            ttl: self.ttl,
            retry_attempts: self.retry_attempts,
            retry_base_delay: self.retry_base_delay,
            read_budget: self.read_budget,
            separator: if allowed { Separator::Allowed } else { Separator::Refused },
            enable_metrics: self.enable_metrics,
            metrics_namespace: self.metrics_namespace,
            seal: self.seal?,
        })))
    }
}

/// Reads the name as [`BusConfigBuilder::table_name`] does: a blank name counts as absent.
fn read_table_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TableName, D::Error> {
    let name = String::deserialize(deserializer)?;
    Ok(BusConfigBuilder::default().table_name(name).table)
}

/// One secret, or the secrets of a rotation.
#[derive(Deserialize)]
#[serde(untagged)]
enum Secrets {
    One(String),
    Rotated(Vec<String>),
}

fn read_secrets<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Result<Option<CursorSeal>, EmptySecret>, D::Error> {
    let secrets = match Secrets::deserialize(deserializer)? {
        Secrets::One(secret) => vec![secret],
        // With an empty list, cursors would not be sealed.
        Secrets::Rotated(secrets) if secrets.is_empty() => return Ok(Err(EmptySecret)),
        Secrets::Rotated(secrets) => secrets,
    };
    Ok(secrets
        .iter()
        .fold(BusConfigBuilder::default(), |builder, secret| builder.cursor_secret(secret))
        .seal)
}

// Implementations in other languages use the same name, so that they can share a table.
const DEFAULT_TABLE_NAME: &str = "apptheory-events";
const DEFAULT_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const DEFAULT_RETRY_ATTEMPTS: u32 = 3;
const DEFAULT_RETRY_BASE_DELAY: Duration = Duration::from_millis(100);
const DEFAULT_READ_BUDGET: u32 = 10;
const DEFAULT_METRICS_NAMESPACE: &str = "AppTheory/EventBus";
const TABLE_VARIABLES: [&str; 3] =
    ["APPTHEORY_EVENTBUS_TABLE_NAME", "EVENTBUS_TABLE_NAME", "AUTHEORY_EVENTBUS_TABLE_NAME"];
const BASE_VARIABLE: &str = "AUTHEORY_TABLE_NAME";
const BASE_SUFFIX: &str = "-events";

/// The longest delay doubles ten times at most.
const MAX_DELAY_FACTOR: u32 = 1 << 10;

#[cfg(test)]
mod tests;
