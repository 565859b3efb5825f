//! `DeleteItem`: removes one item if a guard holds.

use serde::{Serialize, Serializer};

use super::effect::Conclusion;
use super::error::Error;
use super::expression::Expressions;
use super::guard::Guard;
use super::item::Key;
use super::table::TableName;
use super::update_item::Written;
use super::wire::{
    Fault, Reply, Wire, WriteBody, check_key, conclude_written, read_applied, read_refused,
    require, write_written,
};

/// Removes one item by its key if the guard holds. Removing an item that does not exist succeeds.
///
/// *If the outcome is lost*: the item may be removed; repeating the order is harmless. *Costs* one
/// write unit per KB of the item, at least one, also when refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeleteItem {
    /// The table.
    pub table: TableName,
    /// The key of the item.
    pub key: Key,
    /// The condition on the item, or on its absence.
    pub guard: Guard,
}

impl DeleteItem {
    /// Returns the guard as an expression with placeholders.
    #[must_use]
    pub fn expressions(&self) -> Expressions<'_> {
        Expressions::default().with_guard(&self.guard)
    }

    /// Returns the request as it is in a transaction.
    pub(super) fn body(&self) -> WriteBody<'_> {
        WriteBody::new(&self.table, &self.guard, self.expressions()).key(&self.key)
    }
}

impl Serialize for DeleteItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.body().returning("ALL_OLD").serialize(serializer)
    }
}

impl Wire for DeleteItem {
    type Answer = Written;

    const OPERATION: &'static str = "DeleteItem";

    fn table(&self) -> Option<&TableName> {
        Some(&self.table)
    }

    fn check(&self) -> Result<(), Error> {
        check_key(&self.key)?;
        require(self.guard.is_valid())
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
