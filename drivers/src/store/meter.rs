//! What a store has cost so far.

use std::sync::{Arc, Mutex, PoisonError};

use apptheory_core::store::wire::Wire;
use apptheory_core::store::{BatchGetItem, ConsumedCapacity, GetItem, QueryItems, StoreUsage};

/// Adds up the calls of an executor, and the capacity that DynamoDB says they consumed. Clones are
/// the same meter.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter(Arc<Mutex<StoreUsage>>);

impl Meter {
    pub(super) fn usage(&self) -> StoreUsage {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn record(&self, operation: &'static str, consumed: ConsumedCapacity) {
        // A panic elsewhere cannot leave the figures half-written: poisoning says nothing here.
        let mut usage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        usage.record(operation, consumed);
    }
}

/// The capacity that an answer reports for one table: all units, and those of them that are said to
/// be of reading.
pub(super) fn reported(operation: &str, units: f64, read_units: Option<f64>) -> ConsumedCapacity {
    let is_read =
        matches!(operation, GetItem::OPERATION | BatchGetItem::OPERATION | QueryItems::OPERATION);
    // A repeated transaction is charged as a read.
    if is_read || read_units.is_some() {
        ConsumedCapacity { read_half_units: (units * 2.0).round() as u64, write_units: 0 }
    } else {
        ConsumedCapacity { read_half_units: 0, write_units: units.round() as u64 }
    }
}
