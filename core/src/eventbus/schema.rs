//! The layout of an event in its table.

use alloc::string::String;

use serde::Deserialize;

use crate::store::AttributeStyle;
use crate::time::Timestamp;

/// How a payload is written. Reading accepts both forms.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum PayloadEncoding {
    /// Binary (`B`).
    #[default]
    Binary,
    /// A list with one number per byte (`L` of `N`), as existing writers store it; three to four
    /// times the size.
    ByteList,
}

/// How instants are written. Reading accepts any RFC 3339 text.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum TimestampFormat {
    /// UTC with exactly nine fraction digits, so that the tenant index sorts by time.
    #[default]
    Fixed9,
    /// UTC with the shortest fraction, as existing writers store it. The tenant index then sorts by
    /// time only to the second; pages are sorted after reading.
    Trimmed,
}

impl TimestampFormat {
    /// Returns an instant as text.
    #[must_use]
    pub fn write(self, at: Timestamp) -> String {
        match self {
            Self::Fixed9 => at.to_rfc3339_fixed9(),
            Self::Trimmed => at.to_rfc3339(),
        }
    }
}

/// The attribute names of one style, by their contents.
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
    /// The event's source.
    pub source_id: &'static str,
    /// The event's correlation id.
    pub correlation_id: &'static str,
    /// When the event was created.
    pub created_at: &'static str,
    /// When the event may be deleted.
    pub expires_at: &'static str,
    /// The payload.
    pub payload: &'static str,
    /// The metadata, a map of strings.
    pub metadata: &'static str,
    /// The tags, a set of strings.
    pub tags: &'static str,
    /// The table's TTL attribute, in Unix seconds.
    pub ttl: &'static str,
    /// The version of the event's schema.
    pub version: &'static str,
    /// The consumers' attempt counter.
    pub retry_count: &'static str,
}

impl AttributeNames {
    /// Returns the names of a style.
    #[must_use]
    pub const fn of(style: AttributeStyle) -> &'static Self {
        match style {
            AttributeStyle::Pascal => &PASCAL,
            AttributeStyle::TableTheory => &TABLE_THEORY,
        }
    }
}

/// The index of a tenant's events, sorted by time.
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
