//! Calls and capacity units of a store.

use std::sync::{Arc, Mutex, PoisonError};

use apptheory_core::store::wire::Wire;
use apptheory_core::store::{BatchGetItem, ConsumedCapacity, GetItem, QueryItems, StoreUsage};

/// Adds up an executor's calls, and the capacity that DynamoDB reports. Clones share the same
/// meter.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter(Arc<Mutex<StoreUsage>>);

impl Meter {
    pub(super) fn usage(&self) -> StoreUsage {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn record(&self, operation: &'static str, consumed: ConsumedCapacity) {
        // No panic leaves the figures half-written, so a poisoned lock is still consistent.
        let mut usage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        usage.record(operation, consumed);
    }
}

/// Returns the capacity that a reply reports for one table: all units, and how many of them are for
/// reading.
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
