//! The limiter's table: its attribute names, and its name.

use crate::store::AttributeStyle;

/// The attribute names of one style, by their contents. The table's key is `PK` and `SK` in every
/// style.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct AttributeNames {
    /// The identifier, as in the key.
    pub(super) identifier: &'static str,
    /// The resource, as in the key.
    pub(super) resource: &'static str,
    /// The operation, not escaped.
    pub(super) operation: &'static str,
    /// The window's start, in Unix seconds.
    pub(super) window_start: &'static str,
    /// The window's key text.
    pub(super) window_type: &'static str,
    /// The window's start, as text.
    pub(super) window_id: &'static str,
    /// The counter. Packed items have counters named `c_{seconds}_{start}`.
    pub(super) count: &'static str,
    /// A token bucket's theoretical arrival time, in Unix nanoseconds.
    pub(super) tat: &'static str,
    /// The table's TTL attribute, in Unix seconds.
    pub(super) ttl: &'static str,
    /// When the item was created.
    pub(super) created_at: &'static str,
    /// When the item was last written.
    pub(super) updated_at: &'static str,
    /// The caller's metadata, a map.
    pub(super) metadata: &'static str,
}

impl AttributeNames {
    /// Returns the names of a style.
    pub(super) const fn of(style: AttributeStyle) -> &'static Self {
        match style {
            AttributeStyle::Pascal => &PASCAL,
            AttributeStyle::TableTheory => &TABLE_THEORY,
        }
    }
}

const PASCAL: AttributeNames = AttributeNames {
    identifier: "Identifier",
    resource: "Resource",
    operation: "Operation",
    window_start: "WindowStart",
    window_type: "WindowType",
    window_id: "WindowID",
    count: "Count",
    tat: "Tat",
    ttl: "TTL",
    created_at: "CreatedAt",
    updated_at: "UpdatedAt",
    metadata: "Metadata",
};

const TABLE_THEORY: AttributeNames = AttributeNames {
    identifier: "identifier",
    resource: "resource",
    operation: "operation",
    window_start: "windowStart",
    window_type: "windowType",
    window_id: "windowID",
    count: "count",
    tat: "tat",
    ttl: "ttl",
    created_at: "createdAt",
    updated_at: "updatedAt",
    metadata: "metadata",
};

/// The environment variables with the table's name, in order of precedence.
pub(super) const TABLE_VARIABLES: [&str; 4] = [
    "APPTHEORY_RATE_LIMIT_TABLE_NAME",
    "RATE_LIMIT_TABLE_NAME",
    "RATE_LIMIT_TABLE",
    "LIMITED_TABLE_NAME",
];

/// The default table name.
pub(super) const DEFAULT_TABLE_NAME: &str = "rate-limits";
