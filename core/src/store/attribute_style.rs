//! Which names a table's attributes have.

use serde::Deserialize;

/// Which names the attributes of a table have. Nothing but names differs; index names are the same in
/// both. Choose one before the first item is written: a reader of the other finds nothing.
/// Configurations say `pascal` or `table_theory`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum AttributeStyle {
    /// PascalCase: `PartitionKey`, `TenantID`, `Count`, ….
    #[default]
    Pascal,
    /// The names that existing TableTheory deployments hold: the event bus's in snake_case
    /// (`tenant_id`), all others in camelCase (`windowStart`) beside `PK` and `SK`.
    TableTheory,
}
