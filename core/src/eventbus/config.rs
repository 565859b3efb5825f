//! The event bus as a configured value that makes machines.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use core::time::Duration;

use super::codec::EventCodec;
use super::cursor::CursorSeal;
use super::error::{Error, Setting};
use super::keys::Separator;
use super::metrics::BusMetric;
use super::schema::{ID_INDEX, PayloadEncoding, TENANT_INDEX, TimestampFormat};
use crate::backoff::Backoff;
use crate::identity::EmptySecret;
use crate::store::{AttributeStyle, IndexDefinition, KeySchema, TableDefinition, TableName};

/// The event bus on a table: its configuration, from which the machines are made. Cheap to clone.
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
#[derive(Clone, Debug)]
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

/// Collects the settings of a [`BusConfig`]. What is not set has the default that its method names.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct BusConfigBuilder {
    table: TableName,
    codec: EventCodec,
    ttl: Option<Duration>,
    retry_attempts: u32,
    retry_base_delay: Duration,
    read_budget: u32,
    separator: Separator,
    enable_metrics: bool,
    metrics_namespace: String,
    seal: Result<Option<CursorSeal>, EmptySecret>,
}

impl BusConfig {
    /// A builder with every default.
    pub fn builder() -> BusConfigBuilder {
        BusConfigBuilder {
            table: TableName::from(DEFAULT_TABLE_NAME),
            codec: EventCodec::default(),
            ttl: Some(DEFAULT_TTL),
            retry_attempts: DEFAULT_RETRY_ATTEMPTS,
            retry_base_delay: DEFAULT_RETRY_BASE_DELAY,
            read_budget: DEFAULT_READ_BUDGET,
            separator: Separator::Refused,
            enable_metrics: true,
            metrics_namespace: DEFAULT_METRICS_NAMESPACE.to_string(),
            seal: Ok(None),
        }
    }

    /// The table's name.
    #[must_use]
    pub fn table_name(&self) -> &TableName {
        &self.0.table
    }

    /// How events are stored.
    #[must_use]
    pub fn codec(&self) -> &EventCodec {
        &self.0.codec
    }

    /// The table that this bus needs, with both indexes.
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

    pub(super) fn separator(&self) -> Separator {
        self.0.separator
    }

    pub(super) fn seal(&self) -> Option<&CursorSeal> {
        self.0.seal.as_ref()
    }

    /// The record of a metric, if metrics are on; the table's name is a tag of each.
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
    /// The table's name; `apptheory-events` by default. Trimmed; a blank one changes nothing.
    pub fn table_name(self, name: impl AsRef<str>) -> Self {
        match name.as_ref().trim() {
            "" => self,
            name => Self { table: name.into(), ..self },
        }
    }

    /// Takes the table's name from the first variable of an environment that is set:
    /// `APPTHEORY_EVENTBUS_TABLE_NAME`, `EVENTBUS_TABLE_NAME`, `AUTHEORY_EVENTBUS_TABLE_NAME`, or
    /// `AUTHEORY_TABLE_NAME` with `-events` appended. Values are trimmed; a blank one is not set.
    /// Without any, the name stays as it is.
    pub fn env(self, env: impl Fn(&str) -> Option<String>) -> Self {
        let base = TableName::resolve(&[BASE_VARIABLE], "", &env);
        let table = match base.as_ref() {
            "" => self.table,
            base => alloc::format!("{base}{BASE_SUFFIX}").as_str().into(),
        };
        Self { table: TableName::resolve(&TABLE_VARIABLES, table.as_ref(), env), ..self }
    }

    /// The attribute names of the table; [`AttributeStyle::Pascal`] by default.
    pub fn attribute_style(mut self, style: AttributeStyle) -> Self {
        self.codec.attribute_style = style;
        self
    }

    /// How payloads are written; [`PayloadEncoding::Binary`] by default.
    pub fn payload_encoding(mut self, encoding: PayloadEncoding) -> Self {
        self.codec.payload_encoding = encoding;
        self
    }

    /// How instants are written; [`TimestampFormat::Fixed9`] by default.
    pub fn timestamp_format(mut self, format: TimestampFormat) -> Self {
        self.codec.timestamp_format = format;
        self
    }

    /// How long after publishing an event that does not say expires; 30 days by default, `None` to
    /// keep it.
    pub fn ttl(self, ttl: Option<Duration>) -> Self {
        Self { ttl, ..self }
    }

    /// How often a write that failed for a passing reason is tried again; 3 by default, 0 for never.
    pub fn retry_attempts(self, retry_attempts: u32) -> Self {
        Self { retry_attempts, ..self }
    }

    /// The longest wait before the first retry; 100 ms by default. It doubles with each retry, up
    /// to 1024 times, and the actual wait is a random part of it.
    pub fn retry_base_delay(self, retry_base_delay: Duration) -> Self {
        Self { retry_base_delay, ..self }
    }

    /// The most requests that one page of a query may cost; 10 by default.
    pub fn read_budget(self, read_budget: u32) -> Self {
        Self { read_budget, ..self }
    }

    /// Whether tenants and types may hold `#`; refused by default. See [`Separator`].
    pub fn allow_separator_in_keys(self, allowed: bool) -> Self {
        let separator = if allowed { Separator::Allowed } else { Separator::Refused };
        Self { separator, ..self }
    }

    /// Whether operations conclude with a metric record; on by default.
    pub fn enable_metrics(self, enable_metrics: bool) -> Self {
        Self { enable_metrics, ..self }
    }

    /// The namespace of metric records; `AppTheory/EventBus` by default.
    pub fn metrics_namespace(self, namespace: impl Into<String>) -> Self {
        Self { metrics_namespace: namespace.into(), ..self }
    }

    /// Seals cursors with HMAC-SHA256 under this secret, and accepts only sealed ones; cursors are
    /// plain by default. Called again, it rotates: the last secret seals, all of them are accepted.
    /// Cursors that are out when the first secret is set stop working.
    pub fn cursor_secret(self, secret: impl AsRef<[u8]>) -> Self {
        let seal = self.seal.and_then(|seal| match seal {
            None => CursorSeal::new(secret),
            Some(seal) => seal.rotated_to(secret),
        });
        Self { seal: seal.map(Some), ..self }
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`Configuration`](super::ErrorKind::Configuration) says which setting
    /// cannot work.
    pub fn build(self) -> Result<BusConfig, Error> {
        if self.ttl.is_some_and(|ttl| ttl < Duration::from_secs(1)) {
            return Err(Setting::TtlTooShort.into());
        }
        if self.read_budget == 0 {
            return Err(Setting::NoReadBudget.into());
        }
        Ok(BusConfig(Arc::new(Config {
            table: self.table,
            codec: self.codec,
            ttl: self.ttl,
            retry_attempts: self.retry_attempts,
            retry_base_delay: self.retry_base_delay,
            read_budget: self.read_budget,
            separator: self.separator,
            enable_metrics: self.enable_metrics,
            metrics_namespace: self.metrics_namespace,
            seal: self.seal?,
        })))
    }
}

// Hosts in other languages have the same, so that they can share a table.
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

/// Delays double ten times at most.
const MAX_DELAY_FACTOR: u32 = 1 << 10;

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::{BusConfig, Setting};

    #[test]
    fn the_table_name_is_the_first_one_set() {
        const A: &str = "APPTHEORY_EVENTBUS_TABLE_NAME";
        const B: &str = "EVENTBUS_TABLE_NAME";
        const C: &str = "AUTHEORY_EVENTBUS_TABLE_NAME";
        const D: &str = "AUTHEORY_TABLE_NAME";
        type Variables = [(&'static str, &'static str)];
        let cases: [(Option<&str>, &Variables, &str); 8] = [
            (None, &[], "apptheory-events"),
            (None, &[(D, " base ")], "base-events"),
            (None, &[(D, "base"), (C, "c")], "c"),
            (None, &[(C, "c"), (B, "b")], "b"),
            (None, &[(C, "c"), (B, "b"), (A, "a"), (D, "d")], "a"),
            (None, &[(A, " "), (B, "b")], "b"),
            (Some("mine"), &[(A, "a")], "mine"),
            (Some(" "), &[(A, "a")], "a"),
        ];
        for (explicit, env, expected) in cases {
            let env = |name: &str| {
                env.iter().find(|(variable, _)| *variable == name).map(|(_, v)| (*v).into())
            };
            let mut builder = BusConfig::builder().env(env);
            if let Some(name) = explicit {
                builder = builder.table_name(name);
            }
            assert_eq!(builder.build().unwrap().table_name().as_ref(), expected);
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let builder = BusConfig::builder;
        for (refused, setting) in [
            (builder().ttl(Some(Duration::ZERO)), Setting::TtlTooShort),
            (builder().read_budget(0), Setting::NoReadBudget),
            (builder().cursor_secret("s").cursor_secret(""), Setting::EmptyCursorSecret),
        ] {
            assert_eq!(refused.build().unwrap_err(), setting.into());
        }
    }
}
