//! Attribute names of the limiter's table, and its definition.

use alloc::string::String;
use alloc::vec::Vec;

use crate::store::{KeySchema, TableDefinition, TableName};

/// Under which names attributes are stored. `PK` and `SK` are the same in both.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Schema {
    /// `Count`, `TTL`, `WindowStart`, …
    #[default]
    Mission,
    /// `count`, `ttl`, `windowStart`, …: the names that existing deployments hold.
    TableTheory,
}

/// The attribute names of one schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    pub(super) identifier: &'static str,
    pub(super) resource: &'static str,
    pub(super) operation: &'static str,
    pub(super) window_start: &'static str,
    pub(super) window_type: &'static str,
    pub(super) window_id: &'static str,
    pub(super) count: &'static str,
    pub(super) tat: &'static str,
    pub(super) ttl: &'static str,
    pub(super) created_at: &'static str,
    pub(super) updated_at: &'static str,
    pub(super) metadata: &'static str,
}

impl Schema {
    pub(super) const fn names(self) -> Names {
        match self {
            Self::Mission => Names {
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
            },
            Self::TableTheory => Names {
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
            },
        }
    }

    /// The attribute that holds a counter, for whoever reads the table directly.
    #[must_use]
    pub const fn count_attribute(self) -> &'static str {
        self.names().count
    }

    /// The attribute that holds the Unix second after which a counter may be removed.
    #[must_use]
    pub const fn ttl_attribute(self) -> &'static str {
        self.names().ttl
    }

    /// The table that a limiter of this schema needs.
    #[must_use]
    pub fn table(self, name: TableName) -> TableDefinition {
        TableDefinition {
            name,
            key: KeySchema { partition: "PK".into(), sort: Some("SK".into()) },
            indexes: Vec::new(),
            ttl: self.ttl_attribute().into(),
        }
    }
}

/// The limiter's table name from an injected environment look-up: the first of
/// `APPTHEORY_RATE_LIMIT_TABLE_NAME`, `RATE_LIMIT_TABLE_NAME`, `RATE_LIMIT_TABLE` and
/// `LIMITED_TABLE_NAME` that is not blank, else `rate-limits`.
#[must_use]
pub fn table_name(env: impl Fn(&str) -> Option<String>) -> TableName {
    TableName::resolve(&TABLE_NAME_VARIABLES, DEFAULT_TABLE_NAME, env)
}

/// Where the table name is looked for, in order (`limited.md` §4).
const TABLE_NAME_VARIABLES: [&str; 4] = [
    "APPTHEORY_RATE_LIMIT_TABLE_NAME",
    "RATE_LIMIT_TABLE_NAME",
    "RATE_LIMIT_TABLE",
    "LIMITED_TABLE_NAME",
];

/// The table name where none is set (`limited.md` §4).
pub(super) const DEFAULT_TABLE_NAME: &str = "rate-limits";
