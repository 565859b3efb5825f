//! The configuration of the connection registry, and the calls on it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::num::NonZeroU32;
use core::time::Duration;

use serde::Deserialize;

use super::error::{Error, Reason};
use super::list::ListConnections;
use super::write::{Register, Remove, Touch};
use crate::store::{
    self, AttributeStyle, IndexDefinition, Key, KeySchema, StoreFailure, TableDefinition,
    TableName, Value,
};
use crate::time::Timestamp;

/// Configures where connections are stored. Immutable, and cheap to clone.
///
/// In configurations, the settings have the names of the builder's methods:
///
/// ```
/// use apptheory_core::registry::RegistryConfig;
///
/// let registry: RegistryConfig = serde_json::from_str(r#"{"table_name": "chat-connections"}"#)?;
/// assert_eq!(registry.table().name.as_ref(), "chat-connections");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Config")]
pub struct RegistryConfig(Arc<Config>);

impl From<Config> for RegistryConfig {
    fn from(config: Config) -> Self {
        Self(Arc::new(config))
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    #[serde(rename = "table_name")]
    pub(super) table: TableName,
    attribute_style: AttributeStyle,
}

impl Default for Config {
    fn default() -> Self {
        let table = TableName::from(DEFAULT_TABLE_NAME);
        Self { table, attribute_style: AttributeStyle::default() }
    }
}

impl Config {
    pub(super) const fn names(&self) -> &'static AttributeNames {
        AttributeNames::of(self.attribute_style)
    }

    /// Returns the error of a failed change.
    pub(super) fn not_written(&self, error: store::Error) -> Error {
        let failure = StoreFailure { table: self.table.clone(), error };
        Error(Reason::Store { failure, is_write: true })
    }

    pub(super) fn not_read(&self, error: store::Error) -> Error {
        let failure = StoreFailure { table: self.table.clone(), error };
        Error(Reason::Store { failure, is_write: false })
    }
}

/// The attribute names of one style, by their contents. The table's key is `PK` and `SK` in every
/// style.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct AttributeNames {
    /// The topic of the connection; the partition key of [`TOPIC_INDEX`].
    pub(super) topic: &'static str,
    /// When the connection was registered.
    pub(super) connected_at: &'static str,
    /// The table's TTL attribute, in Unix seconds.
    pub(super) ttl: &'static str,
}

impl AttributeNames {
    /// Returns the names of a style.
    const fn of(style: AttributeStyle) -> &'static Self {
        match style {
            AttributeStyle::Pascal => {
                &Self { topic: "Topic", connected_at: "ConnectedAt", ttl: "TTL" }
            }
            AttributeStyle::TableTheory => {
                &Self { topic: "topic", connected_at: "connectedAt", ttl: "ttl" }
            }
        }
    }
}

/// A connection's partition key in the table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ConnectionKey(String);

impl ConnectionKey {
    fn new(connection_id: &str) -> Result<Self, Error> {
        match connection_id.trim() {
            "" => Err(Error(Reason::MissingConnectionId)),
            id if id.len() > MAX_TEXT_BYTES => Err(Error(Reason::TooLong)),
            id => Ok(Self(id.to_string())),
        }
    }

    pub(super) fn to_store_key(&self) -> Key {
        let partition = format!("{KEY_PREFIX}{}", self.0);
        Key::of(PARTITION_KEY, Value::S(partition)).with_sort(SORT_KEY, Value::from(SORT))
    }
}

impl RegistryConfig {
    /// Starts building a configuration.
    pub fn builder() -> RegistryConfigBuilder {
        RegistryConfigBuilder(Config::default())
    }

    /// Returns the machine that registers a connection as of `now`, or overwrites a registered one.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank or too long id or topic.
    pub fn register(
        &self,
        connection_id: &str,
        topic: &str,
        now: Timestamp,
    ) -> Result<Register, Error> {
        let key = ConnectionKey::new(connection_id)?;
        Ok(Register::new(Arc::clone(&self.0), key, topic_of(topic)?, now))
    }

    /// Returns the machine that extends a registration: from `now`, as long as a new one.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank or too long id.
    pub fn touch(&self, connection_id: &str, now: Timestamp) -> Result<Touch, Error> {
        Ok(Touch::new(Arc::clone(&self.0), ConnectionKey::new(connection_id)?, now))
    }

    /// Returns the machine that removes a connection.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank or too long id.
    pub fn remove(&self, connection_id: &str) -> Result<Remove, Error> {
        Ok(Remove::new(Arc::clone(&self.0), ConnectionKey::new(connection_id)?))
    }

    /// Returns the machine that lists at most `limit` connections of a topic that have not expired
    /// as of `now`, from the cursor of an earlier page.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank or too long topic, and for an invalid cursor or one of another topic.
    pub fn list(
        &self,
        topic: &str,
        limit: NonZeroU32,
        cursor: Option<&str>,
        now: Timestamp,
    ) -> Result<ListConnections, Error> {
        let topic = topic_of(topic)?;
        let read = |cursor| super::list::read_cursor(cursor, &topic, self.0.names());
        let start_after = cursor.map(read).transpose()?;
        Ok(ListConnections::new(Arc::clone(&self.0), topic, limit, start_after, now))
    }

    /// Returns the definition of the table that the registry needs.
    #[must_use]
    pub fn table(&self) -> TableDefinition {
        let names = self.0.names();
        TableDefinition {
            name: self.0.table.clone(),
            key: KeySchema { partition: PARTITION_KEY.into(), sort: Some(SORT_KEY.into()) },
            indexes: [IndexDefinition {
                name: TOPIC_INDEX.into(),
                key: KeySchema { partition: names.topic.into(), sort: Some(PARTITION_KEY.into()) },
            }]
            .into(),
            ttl: names.ttl.into(),
        }
    }
}

/// Builds a [`RegistryConfig`].
#[derive(Clone, Debug)]
#[must_use = "call build()"]
pub struct RegistryConfigBuilder(Config);

impl RegistryConfigBuilder {
    /// Sets the table's name; `connections` by default.
    pub fn table_name(mut self, name: impl Into<TableName>) -> Self {
        self.0.table = name.into();
        self
    }

    /// Reads the table's name from the environment variable `APPTHEORY_CONNECTIONS_TABLE_NAME`,
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

    /// Builds the configuration.
    #[must_use]
    pub fn build(self) -> RegistryConfig {
        RegistryConfig(Arc::new(self.0))
    }
}

fn topic_of(topic: &str) -> Result<String, Error> {
    match topic.trim() {
        "" => Err(Error(Reason::MissingTopic)),
        topic if topic.len() > MAX_TEXT_BYTES => Err(Error(Reason::TooLong)),
        topic => Ok(topic.to_string()),
    }
}

/// Returns the Unix second at which the registration of a connection seen at `now` expires.
pub(super) fn expires_at(now: Timestamp) -> i64 {
    now.saturating_add(LONGEST_CONNECTION).saturating_add(BUFFER).unix_seconds_ceil()
}

/// The index of a topic's connections.
pub const TOPIC_INDEX: &str = "topic-index";

pub(super) const PARTITION_KEY: &str = "PK";
pub(super) const SORT_KEY: &str = "SK";
pub(super) const KEY_PREFIX: &str = "conn#";

/// The sort key of every item.
pub(super) const SORT: &str = "conn";

const DEFAULT_TABLE_NAME: &str = "connections";
const TABLE_VARIABLE: &str = "APPTHEORY_CONNECTIONS_TABLE_NAME";

/// The longest duration of a connection (API Gateway limit).
const LONGEST_CONNECTION: Duration = Duration::from_secs(2 * 3_600);

/// The margin for clocks that differ.
const BUFFER: Duration = Duration::from_secs(600);

/// The longest id, and the longest topic, in bytes. The index allows 2048 bytes of topic and 1024
/// bytes of `PK` (DynamoDB limits).
pub(crate) const MAX_TEXT_BYTES: usize = 1_024 - KEY_PREFIX.len();
