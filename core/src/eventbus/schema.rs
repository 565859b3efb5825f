//! How an event is laid out in its table.

use alloc::string::String;

use serde::Deserialize;

use crate::store::AttributeStyle;
use crate::time::Timestamp;

/// How a payload is written. Both forms are read, whichever is chosen.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum PayloadEncoding {
    /// Bytes (`B`).
    #[default]
    Binary,
    /// A list with one number per byte (`L` of `N`), three to four times the size, as existing
    /// writers do it.
    ByteList,
}

/// How instants are written. Any RFC 3339 text is read, whichever is chosen.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum TimestampFormat {
    /// UTC with exactly nine fraction digits, so that the tenant index sorts by time.
    #[default]
    Fixed9,
    /// UTC with the shortest fraction, as existing writers do it. The tenant index then sorts by
    /// time only from second to second; pages are sorted as they are read.
    Trimmed,
}

impl TimestampFormat {
    /// The text of an instant.
    #[must_use]
    pub fn write(self, at: Timestamp) -> String {
        match self {
            Self::Fixed9 => at.to_rfc3339_fixed9(),
            Self::Trimmed => at.to_rfc3339(),
        }
    }
}

/// The names of the attributes in one style, by what they hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AttributeNames {
    /// Partition key of the table: `{tenant}#{type}`.
    pub partition_key: &'static str,
    /// Sort key of the table: `{published_at in nanoseconds}#{id}`.
    pub sort_key: &'static str,
    /// Partition key of [`ID_INDEX`].
    pub id: &'static str,
    /// Partition key of [`TENANT_INDEX`].
    pub tenant_id: &'static str,
    /// Sort key of [`TENANT_INDEX`].
    pub published_at: &'static str,
    /// The event's type.
    pub event_type: &'static str,
    /// What the event comes from.
    pub source_id: &'static str,
    /// What the event is tied to.
    pub correlation_id: &'static str,
    /// When the event was made.
    pub created_at: &'static str,
    /// When the event may be forgotten.
    pub expires_at: &'static str,
    /// The payload.
    pub payload: &'static str,
    /// The metadata, a map of texts.
    pub metadata: &'static str,
    /// The tags, a set of texts.
    pub tags: &'static str,
    /// The table's TTL attribute, in Unix seconds.
    pub ttl: &'static str,
    /// The version of the event's form.
    pub version: &'static str,
    /// The consumers' count of tries.
    pub retry_count: &'static str,
}

impl AttributeNames {
    /// The names in a style.
    #[must_use]
    pub const fn of(style: AttributeStyle) -> &'static Self {
        match style {
            AttributeStyle::Pascal => &PASCAL,
            AttributeStyle::TableTheory => &TABLE_THEORY,
        }
    }
}

/// The index of a tenant's events by time.
pub const TENANT_INDEX: &str = "tenant-timestamp-index";

/// The index of events by id.
pub const ID_INDEX: &str = "event-id-index";

const PASCAL: AttributeNames = AttributeNames {
    partition_key: "PartitionKey",
    sort_key: "SortKey",
    id: "ID",
    tenant_id: "TenantID",
    published_at: "PublishedAt",
    event_type: "EventType",
    source_id: "SourceID",
    correlation_id: "CorrelationID",
    created_at: "CreatedAt",
    expires_at: "ExpiresAt",
    payload: "Payload",
    metadata: "Metadata",
    tags: "Tags",
    ttl: "ttl",
    version: "Version",
    retry_count: "RetryCount",
};

const TABLE_THEORY: AttributeNames = AttributeNames {
    partition_key: "pk",
    sort_key: "sk",
    id: "id",
    tenant_id: "tenant_id",
    published_at: "published_at",
    event_type: "event_type",
    source_id: "source_id",
    correlation_id: "correlation_id",
    created_at: "created_at",
    expires_at: "expires_at",
    payload: "payload",
    metadata: "metadata",
    tags: "tags",
    ttl: "ttl",
    version: "version",
    retry_count: "retry_count",
};
