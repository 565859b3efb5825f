//! `UpdateItem`: changes one item if a guard holds.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use serde::{Serialize, Serializer};

use super::effect::Conclusion;
use super::error::Error;
use super::expression::Expressions;
use super::guard::Guard;
use super::item::{Item, Key};
use super::table::TableName;
use super::update::Assignment;
use super::value::Value;
use super::wire::{
    Fault, Reply, Wire, WriteBody, check_key, conclude_written, read_applied, read_refused,
    require, write_written,
};

/// Changes one item, or creates it, if the guard holds.
///
/// *If the outcome is lost*: the change may have been applied, once. A repeated order may apply it
/// again, or be refused because of it, so an executor must only retry an order that [is
/// idempotent](Self::is_idempotent). *Costs* one write unit per KB of the larger of the item before
/// and after, at least one, also when refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UpdateItem {
    /// The table.
    pub table: TableName,
    /// The key of the item.
    pub key: Key,
    /// The changes, each to a different attribute.
    pub assignments: Vec<Assignment>,
    /// The condition on the item, or on its absence.
    pub guard: Guard,
}

/// The outcome of a guarded write. A refusal is an answer, not an error.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Written {
    /// The guard held and the write was applied.
    Applied {
        /// After an update, the new values of the changed attributes (`UPDATED_NEW`); after a
        /// delete, the old item (`ALL_OLD`), empty if there was none; after a put, empty.
        attributes: Item,
    },
    /// The guard did not hold; nothing was written.
    Refused {
        /// The existing item (`ALL_OLD`); `None` if there was none, or the store did not return it.
        seen: Option<Item>,
    },
}

impl UpdateItem {
    /// Returns the changes and the guard as expressions with placeholders.
    #[must_use]
    pub fn expressions(&self) -> Expressions<'_> {
        Expressions::default().with_update(&self.assignments).with_guard(&self.guard)
    }

    /// Returns the request as it is in a transaction.
    pub(super) fn body(&self) -> WriteBody<'_> {
        WriteBody::new(&self.table, &self.guard, self.expressions()).key(&self.key)
    }

    /// Returns whether sending the same order twice has the same effect and answer as sending it
    /// once. An addition would be applied twice, and a guard may refuse the second order because of
    /// the first.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        let adds = |change: &Assignment| matches!(change, Assignment::Add { .. });
        self.guard.is_always() && !self.assignments.iter().any(adds)
    }

    /// Returns the attributes of the current item that the order changes (`UPDATED_NEW`).
    #[must_use]
    pub fn changed_attributes(&self, item: &Item) -> Item {
        item.retained(|name| self.assignments.iter().any(|change| change.name() == name))
    }

    /// Returns the size of the item after the order, given the current item and its size; `None` if
    /// an assignment cannot be applied.
    pub(super) fn size_after(&self, old: Option<(&Item, usize)>) -> Option<usize> {
        let mut bytes = old.map_or_else(|| self.key.size(), |(_, bytes)| bytes);
        for assignment in &self.assignments {
            let before = old.and_then(|(item, _)| item.get(assignment.name()));
            if before.is_some() && matches!(assignment, Assignment::SetIfAbsent { .. }) {
                continue;
            }
            let after = assignment.value_after(before).ok()?;
            let size = |value: &Value| value.size().saturating_add(assignment.name().len());
            bytes = bytes.saturating_add(after.as_deref().map_or(0, size));
            bytes = bytes.saturating_sub(before.map_or(0, size));
        }
        Some(bytes)
    }

    /// Returns the value of an attribute after the order, given the current item.
    pub(super) fn value_after<'a>(
        &'a self,
        old: Option<&'a Item>,
        name: &str,
    ) -> Option<Cow<'a, Value>> {
        let before = old.map_or_else(|| self.key.get(name), |item| item.get(name));
        match self.assignments.iter().find(|assignment| **assignment.name() == *name) {
            Some(assignment) => assignment.value_after(before).ok()?,
            None => before.map(Cow::Borrowed),
        }
    }

    /// Applies the order to an item, as DynamoDB stores it. The order must be applicable to the
    /// item.
    pub(super) fn apply_to(&self, item: &mut Item) {
        for assignment in &self.assignments {
            let _ = assignment.apply(item);
        }
        item.normalize();
    }
}

impl Serialize for UpdateItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.body().returning("UPDATED_NEW").serialize(serializer)
    }
}

impl Wire for UpdateItem {
    type Answer = Written;

    const OPERATION: &'static str = "UpdateItem";

    fn table(&self) -> Option<&TableName> {
        Some(&self.table)
    }

    fn check(&self) -> Result<(), Error> {
        check_key(&self.key)?;
        require(self.assignments.iter().all(Assignment::is_valid))?;
        require(!Assignment::overlap(&self.assignments))?;
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
