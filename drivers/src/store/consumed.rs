//! The capacity units in a reply.

use apptheory_core::store::ConsumedCapacity;
use apptheory_core::store::wire::Reply;
use serde::Deserialize;

use super::meter::reported;

/// Returns the capacity units that a reply reports, over all tables. A fault reports none.
pub(super) fn consumed(operation: &str, reply: &Reply<'_>) -> ConsumedCapacity {
    let Reply::Answer(answer) = reply else { return ConsumedCapacity::default() };
    // A malformed reply fails its call, so its units do not matter.
    let Metered { consumed_capacity } = serde_json::from_slice(answer).unwrap_or_default();
    let tables = match consumed_capacity {
        Reported::Nothing => Vec::new(),
        Reported::OfTable(table) => vec![table],
        Reported::OfEach(tables) => tables,
    };
    let of_table = |table: Table| {
        reported(operation, table.capacity_units.unwrap_or_default(), table.read_capacity_units)
    };
    tables.into_iter().map(of_table).sum()
}

/// The metering part of a reply.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Metered {
    consumed_capacity: Reported,
}

#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Reported {
    #[default]
    Nothing,
    OfTable(Table),
    /// For a batch or transaction, which may use several tables.
    OfEach(Vec<Table>),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Table {
    capacity_units: Option<f64>,
    read_capacity_units: Option<f64>,
}
