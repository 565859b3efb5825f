//! The style of a table's attribute names.

use serde::Deserialize;

/// The style of a table's attribute names. Styles differ in attribute names only; index names are
/// the same. Choose a style before the first item is written: readers with another style find no
/// items. In configurations: `pascal` or `table_theory`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum AttributeStyle {
    /// PascalCase: `PartitionKey`, `TenantID`, `Count`, ….
    #[default]
    Pascal,
    /// The names in existing TableTheory deployments: snake_case for the event bus (`tenant_id`),
    /// camelCase for all others (`windowStart`), and `PK` and `SK`.
    TableTheory,
}
