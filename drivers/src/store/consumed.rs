//! The capacity that a reply says it consumed.

use apptheory_core::store::ConsumedCapacity;
use apptheory_core::store::wire::Reply;
use serde::Deserialize;

use super::meter::reported;

/// The capacity that a reply reports, over all tables. A fault reports none.
pub(super) fn consumed(operation: &str, reply: &Reply<'_>) -> ConsumedCapacity {
    let Reply::Answer(answer) = reply else { return ConsumedCapacity::default() };
    // An answer that cannot be read fails its order.
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

/// What an answer says besides what it brings.
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
    /// Of a batch or transaction, which may be of several.
    OfEach(Vec<Table>),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Table {
    capacity_units: Option<f64>,
    read_capacity_units: Option<f64>,
}
