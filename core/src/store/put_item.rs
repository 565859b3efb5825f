//! `PutItem`: writes one whole item if a guard holds.

use serde::{Serialize, Serializer};

use super::MAX_ITEM_BYTES;
use super::effect::Conclusion;
use super::error::Error;
use super::expression::Expressions;
use super::guard::Guard;
use super::item::Item;
use super::table::TableName;
use super::update_item::Written;
use super::wire::{
    Fault, Reply, Wire, WriteBody, conclude_written, read_applied, read_refused, require,
    write_written,
};

/// Writes one whole item, and replaces an existing one with the same key, if the guard holds.
///
/// *If the outcome is lost*: the item may have been written. A repeated order with
/// [`Guard::Absent`] then returns [`Written::Refused`] with the item in `seen`. *Costs* one write
/// unit per KB of the larger of the old and new item, at least one, also when refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PutItem {
    /// The table.
    pub table: TableName,
    /// The item, including its key attributes.
    pub item: Item,
    /// The condition on the existing item, or on its absence.
    pub guard: Guard,
}

impl PutItem {
    /// Returns the guard as an expression with placeholders.
    #[must_use]
    pub fn expressions(&self) -> Expressions<'_> {
        Expressions::default().with_guard(&self.guard)
    }

    /// Returns the request as it is in a transaction.
    pub(super) fn body(&self) -> WriteBody<'_> {
        WriteBody::new(&self.table, &self.guard, self.expressions()).item(&self.item)
    }
}

impl Serialize for PutItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.body().serialize(serializer)
    }
}

impl Wire for PutItem {
    type Answer = Written;

    const OPERATION: &'static str = "PutItem";

    fn table(&self) -> Option<&TableName> {
        Some(&self.table)
    }

    fn check(&self) -> Result<(), Error> {
        if self.item.size() > MAX_ITEM_BYTES {
            return Err(Error::TooLarge);
        }
        require(self.item.is_valid() && self.guard.is_valid())
    }

    fn read_answer(&self, answer: &[u8]) -> Result<Written, Error> {
        read_applied(answer)
    }

    fn read_fault(&self, fault: Fault) -> Result<Written, Error> {
        read_refused(fault)
    }

    fn to_reply(&self, written: &Written) -> Reply<'static> {
        write_written(written)
    }

    fn conclude(written: &Written) -> Conclusion {
        conclude_written(written)
    }
}
