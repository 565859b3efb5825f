//! Writes: first a verdict, then the change. A transaction collects all verdicts first.

use alloc::borrow::Cow;
use alloc::sync::Arc;

use super::table::{InvalidKey, PrimaryKey, Table};
use super::{Carried, INVALID_REQUEST, Tables};
use crate::store::{
    CancellationReason, ConditionCheck, ConsumedCapacity, DeleteItem, Error, Guard, Item,
    MAX_ITEM_BYTES, PutItem, TableName, TransactWrite, UpdateItem, Value, Written,
};

/// One write, alone or in a transaction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Write<'a> {
    Put(&'a PutItem),
    Update(&'a UpdateItem),
    Delete(&'a DeleteItem),
    Check(&'a ConditionCheck),
}

/// The effect that a write would have. Nothing has changed yet.
#[derive(Debug)]
pub(super) struct Verdict<'a> {
    pub(super) ruling: Ruling<'a>,
    /// The size that the write is charged for: the larger of the item before and after.
    pub(super) bytes: usize,
}

#[derive(Debug)]
pub(super) enum Ruling<'a> {
    /// The guard holds.
    Granted(Change<'a>),
    /// The guard does not hold for this item, or for its absence.
    Refused(Option<Arc<Item>>),
    /// The write is invalid for its table or item.
    Invalid,
}

/// A change whose guard holds.
#[derive(Debug)]
pub(super) struct Change<'a> {
    write: Write<'a>,
    key: PrimaryKey<'a>,
}

impl<'a> Write<'a> {
    pub(super) const fn table(self) -> &'a TableName {
        match self {
            Self::Put(put) => &put.table,
            Self::Update(update) => &update.table,
            Self::Delete(delete) => &delete.table,
            Self::Check(check) => &check.table,
        }
    }

    /// Returns the key that the write is for.
    pub(super) fn key(self, table: &Table) -> Result<PrimaryKey<'a>, InvalidKey> {
        match self {
            Self::Put(put) => table.primary_key(&put.item),
            Self::Update(update) => table.locate(&update.key),
            Self::Delete(delete) => table.locate(&delete.key),
            Self::Check(check) => table.locate(&check.key),
        }
    }

    /// Returns the values that identify the item in its table, if they are scalars.
    pub(super) fn target(self, table: &Table) -> Option<(&'a Value, Option<&'a Value>)> {
        match self {
            Self::Put(put) => table.target(|name| put.item.get(name)),
            Self::Update(update) => table.target(|name| update.key.get(name)),
            Self::Delete(delete) => table.target(|name| delete.key.get(name)),
            Self::Check(check) => table.target(|name| check.key.get(name)),
        }
    }

    const fn guard(self) -> &'a Guard {
        match self {
            Self::Put(put) => &put.guard,
            Self::Update(update) => &update.guard,
            Self::Delete(delete) => &delete.guard,
            Self::Check(check) => &check.guard,
        }
    }

    /// Decides the write on the current item.
    ///
    /// # Errors
    ///
    /// For errors that refuse a whole transaction: the table is missing, or a key is empty.
    pub(super) fn decide(self, tables: &Tables) -> Result<Verdict<'a>, Error> {
        let table = tables.get(self.table())?;
        match self.decide_in(table) {
            Ok(verdict) => Ok(verdict),
            Err(InvalidKey::Mismatch) => Ok(Verdict { ruling: Ruling::Invalid, bytes: 0 }),
            Err(InvalidKey::Empty) => Err(INVALID_REQUEST),
        }
    }

    fn decide_in(self, table: &Table) -> Result<Verdict<'a>, InvalidKey> {
        let key = self.key(table)?;
        if let Self::Put(put) = self {
            table.check_indexed(|name| put.item.get(name).map(Cow::Borrowed))?;
        }
        let old = table.get(key);
        let before = old.map_or(0, |item| item.size());
        let after = self.size_after(table, old, before);
        if !self.guard().holds(old.map(Arc::as_ref)) {
            let bytes = before.max(after.unwrap_or(0));
            return Ok(Verdict { ruling: Ruling::Refused(old.cloned()), bytes });
        }
        let Some(after) = after else {
            return Ok(Verdict { ruling: Ruling::Invalid, bytes: before });
        };
        if let Self::Update(update) = self {
            table.check_indexed(|name| update.value_after(old.map(Arc::as_ref), name))?;
        }
        let ruling = Ruling::Granted(Change { write: self, key });
        Ok(Verdict { ruling, bytes: before.max(after) })
    }

    /// Returns the size of the item after the write; `None` if the write cannot be applied.
    fn size_after(self, table: &Table, old: Option<&Arc<Item>>, before: usize) -> Option<usize> {
        match self {
            Self::Put(put) => Some(put.item.size()),
            Self::Update(update) => {
                // The key cannot change.
                let is_key = |name: &str| table.items.key.attributes().any(|key| **key == *name);
                if update.assignments.iter().any(|assignment| is_key(assignment.name())) {
                    return None;
                }
                let after = update.size_after(old.map(|item| (item.as_ref(), before)));
                after.filter(|bytes| *bytes <= MAX_ITEM_BYTES)
            }
            Self::Delete(_) | Self::Check(_) => Some(0),
        }
    }
}

impl<'a> From<&'a TransactWrite> for Write<'a> {
    fn from(write: &'a TransactWrite) -> Self {
        match write {
            TransactWrite::Update(update) => Self::Update(update),
            TransactWrite::Put(put) => Self::Put(put),
            TransactWrite::Delete(delete) => Self::Delete(delete),
            TransactWrite::Check(check) => Self::Check(check),
        }
    }
}

/// Carries out a single write.
pub(super) fn write(tables: &mut Tables, write: Write<'_>) -> Carried<Written> {
    let Verdict { ruling, bytes } = write.decide(tables)?;
    let consumed = ConsumedCapacity::write(bytes);
    match ruling {
        Ruling::Granted(change) => {
            let (item, in_indexes) = tables.apply(change);
            let attributes = match (write, item) {
                (Write::Update(update), Some(item)) => update.changed_attributes(&item),
                (Write::Delete(_), old) => unshared(old).unwrap_or_default(),
                (Write::Put(_) | Write::Check(_), _) | (Write::Update(_), None) => Item::new(),
            };
            Ok((Written::Applied { attributes }, consumed + in_indexes))
        }
        Ruling::Refused(seen) => Ok((Written::Refused { seen: unshared(seen) }, consumed)),
        Ruling::Invalid => Err(INVALID_REQUEST),
    }
}

impl Ruling<'_> {
    /// Returns the reason that a refused or invalid write gives for its transaction's cancellation.
    pub(super) fn reason(self) -> CancellationReason {
        match self {
            Self::Granted(_) => CancellationReason::None,
            Self::Refused(seen) => {
                CancellationReason::ConditionalCheckFailed { seen: unshared(seen) }
            }
            Self::Invalid => CancellationReason::Failed(INVALID_REQUEST),
        }
    }
}

fn unshared(item: Option<Arc<Item>>) -> Option<Item> {
    item.map(Arc::unwrap_or_clone)
}

impl Tables {
    /// Applies a change. Returns the item in the write's answer (after an update the new item,
    /// otherwise the old one), and the cost of the change in the indexes.
    pub(super) fn apply(&mut self, change: Change<'_>) -> (Option<Arc<Item>>, ConsumedCapacity) {
        let Change { write, key } = change;
        // The verdict has found the table, and tables are never dropped.
        let Some(table) = self.0.get_mut(write.table()) else { return Default::default() };
        match write {
            Write::Put(put) => table.replace(key, Some(Arc::new(put.item.clone().normalized()))),
            Write::Update(update) => {
                let (item, in_indexes) = table.update(key, update);
                (Some(item), in_indexes)
            }
            Write::Delete(_) => table.replace(key, None),
            Write::Check(_) => Default::default(),
        }
    }
}
