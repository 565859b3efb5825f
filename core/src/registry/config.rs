//! The registry as a value, and the calls on it.

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

/// Where connections are kept. Cheap to clone, never changes.
///
/// As data, its settings have the names of the builder's methods:
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

    /// The change that was to be made failed.
    pub(super) fn not_written(&self, error: store::Error) -> Error {
        let failure = StoreFailure { table: self.table.clone(), error };
        Error(Reason::Store { failure, is_write: true })
    }

    pub(super) fn not_read(&self, error: store::Error) -> Error {
        let failure = StoreFailure { table: self.table.clone(), error };
        Error(Reason::Store { failure, is_write: false })
    }
}

/// The names of the attributes in one style, by what they hold. The
/// table's key is `PK` and `SK` in both.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct AttributeNames {
    /// What the connection wants to hear of; the partition key of [`TOPIC_INDEX`].
    pub(super) topic: &'static str,
    /// When the connection was registered.
    pub(super) connected_at: &'static str,
    /// The table's TTL attribute, in Unix seconds.
    pub(super) ttl: &'static str,
}

impl AttributeNames {
    /// The names in a style.
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

/// A connection's place in the table.
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
    /// Starts a registry.
    pub fn builder() -> RegistryConfigBuilder {
        RegistryConfigBuilder(Config::default())
    }

    /// Keeps a connection, as of `now`; one that is there is written anew.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank or over-long text.
    pub fn register(
        &self,
        connection_id: &str,
        topic: &str,
        now: Timestamp,
    ) -> Result<Register, Error> {
        let key = ConnectionKey::new(connection_id)?;
        Ok(Register::new(Arc::clone(&self.0), key, topic_of(topic)?, now))
    }

    /// Keeps a connection for longer: from `now` for as long as when it was registered.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank or over-long id.
    pub fn touch(&self, connection_id: &str, now: Timestamp) -> Result<Touch, Error> {
        Ok(Touch::new(Arc::clone(&self.0), ConnectionKey::new(connection_id)?, now))
    }

    /// Forgets a connection.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank or over-long id.
    pub fn remove(&self, connection_id: &str) -> Result<Remove, Error> {
        Ok(Remove::new(Arc::clone(&self.0), ConnectionKey::new(connection_id)?))
    }

    /// Lists the connections of a topic that have not expired as of `now`, at most `limit` of them,
    /// from a cursor of the page before.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank or over-long topic, and for what is not a cursor of this topic.
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

    /// The table that the registry needs.
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

/// A registry in the making.
#[derive(Clone, Debug)]
#[must_use = "call build()"]
pub struct RegistryConfigBuilder(Config);

impl RegistryConfigBuilder {
    /// The table's name; `connections` by default.
    pub fn table_name(mut self, name: impl Into<TableName>) -> Self {
        self.0.table = name.into();
        self
    }

    /// Takes the table's name from `APPTHEORY_CONNECTIONS_TABLE_NAME` in an environment, unless that
    /// is missing or blank.
    pub fn env(mut self, env: impl Fn(&str) -> Option<String>) -> Self {
        let name = TableName::resolve(&[TABLE_VARIABLE], self.0.table.as_ref(), env);
        self.0.table = name;
        self
    }

    /// The names of the attributes; [`AttributeStyle::Pascal`] by default.
    pub fn attribute_style(mut self, style: AttributeStyle) -> Self {
        self.0.attribute_style = style;
        self
    }

    /// The registry.
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

/// The Unix second after which a connection that was seen at `now` is forgotten.
pub(super) fn expires_at(now: Timestamp) -> i64 {
    now.saturating_add(LONGEST_CONNECTION).saturating_add(BUFFER).unix_seconds_ceil()
}

/// The index that finds the connections of a topic.
pub const TOPIC_INDEX: &str = "topic-index";

pub(super) const PARTITION_KEY: &str = "PK";
pub(super) const SORT_KEY: &str = "SK";
pub(super) const KEY_PREFIX: &str = "conn#";

/// The sort key of every item.
pub(super) const SORT: &str = "conn";

const DEFAULT_TABLE_NAME: &str = "connections";
const TABLE_VARIABLE: &str = "APPTHEORY_CONNECTIONS_TABLE_NAME";

/// How long a connection lasts at most (API Gateway limit).
const LONGEST_CONNECTION: Duration = Duration::from_secs(2 * 3_600);

/// How much longer it is kept, for clocks that differ.
const BUFFER: Duration = Duration::from_secs(600);

/// The longest id, and the longest topic: the index has room for 2048 bytes of topic and 1024 of
/// `PK` (DynamoDB limits).
const MAX_TEXT_BYTES: usize = 1_024 - KEY_PREFIX.len();
