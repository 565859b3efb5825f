//! Reads counters in batches of DynamoDB's size, with one retry of keys that it leaves out.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::{BatchOutcome, Call};
use crate::store::{
    self, Answered, AttributeName, BatchGetItem, Item, Key, MAX_BATCH_GET_KEYS, TableName, Value,
};
use crate::time::Timestamp;

#[derive(Clone, Debug)]
pub(in crate::limiter) struct Reads {
    table: TableName,
    projection: Vec<AttributeName>,
    pending: Vec<Key>,
    found: BTreeMap<String, Item>,
    retried: bool,
    /// When the last batch was answered.
    pub(super) answered_at: Option<Timestamp>,
}

impl Reads {
    pub(super) fn new(call: &Call, keys: Vec<Key>, counters: Vec<AttributeName>) -> Self {
        let mut projection = Vec::from([AttributeName::from("PK"), AttributeName::from("SK")]);
        projection.extend(counters);
        Self { projection, pending: keys, ..Self::none(call.config.table.clone()) }
    }

    /// Returns a list without reads.
    pub(in crate::limiter) const fn none(table: TableName) -> Self {
        Self {
            table,
            projection: Vec::new(),
            pending: Vec::new(),
            found: BTreeMap::new(),
            retried: false,
            answered_at: None,
        }
    }

    /// Returns the next batch to read, or `None` once everything has been read.
    pub(in crate::limiter) fn next_batch(&mut self) -> Option<BatchGetItem> {
        if self.pending.is_empty() {
            return None;
        }
        let rest = self.pending.split_off(self.pending.len().min(MAX_BATCH_GET_KEYS));
        let keys = core::mem::replace(&mut self.pending, rest);
        let (table, projection) = (self.table.clone(), self.projection.clone());
        Some(BatchGetItem { table, keys, projection, consistent: true })
    }

    /// Adds the items of a batch. Keys that the store left out are read once more; if it leaves
    /// keys out again, that counts as throttling.
    pub(in crate::limiter) fn absorb(&mut self, outcome: BatchOutcome) -> Result<(), store::Error> {
        let Answered { answer: read, at } = outcome?;
        for item in read.items {
            if let Some(partition) = item.text("PK") {
                self.found.insert(partition.into(), item);
            }
        }
        self.answered_at = Some(at);
        if !read.unprocessed.is_empty() {
            if self.retried {
                return Err(store::Error::Throttled);
            }
            self.retried = true;
            self.pending.extend(read.unprocessed);
        }
        Ok(())
    }

    /// Returns the item of a key, if it exists.
    pub(super) fn item(&self, key: &Key) -> Option<&Item> {
        key.partition.value.as_text().and_then(|partition| self.found.get(partition))
    }

    /// Returns a counter of a key, or zero if it does not exist.
    pub(super) fn count(&self, key: &Key, counter: &str) -> i64 {
        self.item(key).map_or(0, |item| count_in(item, counter).unwrap_or(0))
    }
}

/// Returns a counter of an item, clamped to 64 bits.
pub(super) fn count_in(item: &Item, counter: &str) -> Option<i64> {
    let count = item.get(counter).and_then(Value::as_number)?.to_i128()?;
    Some(i64::try_from(count).unwrap_or(if count < 0 { i64::MIN } else { i64::MAX }))
}
