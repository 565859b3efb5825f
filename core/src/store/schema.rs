//! Which names a table's attributes have.

/// Which attribute names the tables of this crate use. Nothing but names differs; index names are
/// the same in both.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Schema {
    /// The names of the mission document, in PascalCase: `PartitionKey`, `TenantID`, `Count`, ….
    #[default]
    Mission,
    /// The names that existing TableTheory deployments hold: the event bus's in snake_case
    /// (`tenant_id`), the limiter's in camelCase (`windowStart`) beside `PK` and `SK`.
    TableTheory,
}
