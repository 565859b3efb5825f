//! Writes: first a verdict on each, then the change; a transaction gathers all verdicts first.

use alloc::sync::Arc;

use super::table::{InvalidKey, PrimaryKey, Table};
use super::{Carried, INVALID_REQUEST, Tables};
use crate::store::{
    Assignment, CancellationReason, ConditionCheck, ConsumedCapacity, DeleteItem, Error, Guard,
    Item, MAX_ITEM_BYTES, PutItem, TableName, TransactWrite, UpdateItem, Written,
};

/// One write, alone or of a transaction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Write<'a> {
    Put(&'a PutItem),
    Update(&'a UpdateItem),
    Delete(&'a DeleteItem),
    Check(&'a ConditionCheck),
}

/// What a write would do. Nothing has happened yet.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) ruling: Ruling,
    /// The size that the write is charged for: the larger of the item before and after.
    pub(super) bytes: usize,
}

#[derive(Debug)]
pub(super) enum Ruling {
    /// The guard holds.
    Granted(Change),
    /// The guard does not hold on this item, or on its absence.
    Refused(Option<Arc<Item>>),
    /// The write is not valid for its table or item.
    Invalid,
}

/// A change that a guard let through.
#[derive(Debug)]
pub(super) struct Change {
    table: TableName,
    key: PrimaryKey,
    effect: ChangeTo,
    /// What the write returns.
    attributes: Item,
}

#[derive(Debug)]
enum ChangeTo {
    Item(Arc<Item>),
    Nothing,
    Same,
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

    /// The key that the write is for.
    pub(super) fn key(self, table: &Table) -> Result<PrimaryKey, InvalidKey> {
        match self {
            Self::Put(put) => table.primary_key(&put.item),
            Self::Update(update) => table.locate(&update.key),
            Self::Delete(delete) => table.locate(&delete.key),
            Self::Check(check) => table.locate(&check.key),
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

    /// Decides the write on the item as it is.
    ///
    /// # Errors
    ///
    /// When even a transaction is refused as a whole: its table is missing, or a key is empty.
    pub(super) fn decide(self, tables: &Tables) -> Result<Verdict, Error> {
        let table = tables.get(self.table())?;
        match self.decide_in(table) {
            Ok(verdict) => Ok(verdict),
            Err(InvalidKey::Mismatch) => Ok(Verdict { ruling: Ruling::Invalid, bytes: 0 }),
            Err(InvalidKey::Empty) => Err(INVALID_REQUEST),
        }
    }

    fn decide_in(self, table: &Table) -> Result<Verdict, InvalidKey> {
        let key = self.key(table)?;
        if let Self::Put(put) = self {
            table.check_indexed(&put.item)?;
        }
        let old = table.get(&key);
        let before = old.map_or(0, |item| item.size());
        if !self.guard().holds(old.map(Arc::as_ref)) {
            let bytes = before.max(self.attempted_size(table, old));
            return Ok(Verdict { ruling: Ruling::Refused(old.cloned()), bytes });
        }
        let Some((effect, attributes)) = self.outcome(table, old) else {
            return Ok(Verdict { ruling: Ruling::Invalid, bytes: before });
        };
        let bytes = before.max(effect.size());
        if let (Self::Update(_), ChangeTo::Item(item)) = (self, &effect) {
            table.check_indexed(item)?;
        }
        let change = Change { table: self.table().clone(), key, effect, attributes };
        Ok(Verdict { ruling: Ruling::Granted(change), bytes })
    }

    /// The size of the item that a refused write would have left.
    fn attempted_size(self, table: &Table, old: Option<&Arc<Item>>) -> usize {
        match self {
            Self::Put(put) => put.item.size(),
            Self::Update(update) => updated(update, table, old).map_or(0, |item| item.size()),
            Self::Delete(_) | Self::Check(_) => 0,
        }
    }

    /// What the write makes of the item, and what it returns; `None` when it cannot be applied.
    fn outcome(self, table: &Table, old: Option<&Arc<Item>>) -> Option<(ChangeTo, Item)> {
        match self {
            Self::Put(put) => {
                let item = Arc::new(put.item.clone().normalised());
                Some((ChangeTo::Item(item), Item::new()))
            }
            Self::Update(update) => {
                let new = updated(update, table, old)?;
                let attributes = update.changed_attributes(&new);
                Some((ChangeTo::Item(Arc::new(new)), attributes))
            }
            Self::Delete(_) => {
                let old = old.map(|item| Item::clone(item)).unwrap_or_default();
                Some((ChangeTo::Nothing, old))
            }
            Self::Check(_) => Some((ChangeTo::Same, Item::new())),
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

impl ChangeTo {
    fn size(&self) -> usize {
        match self {
            Self::Item(item) => item.size(),
            Self::Nothing | Self::Same => 0,
        }
    }
}

/// The item after an update; `None` when an assignment cannot be applied, changes the key, or makes
/// the item too large.
fn updated(update: &UpdateItem, table: &Table, old: Option<&Arc<Item>>) -> Option<Item> {
    let is_key = |name: &str| table.items.key.attributes().any(|key| **key == *name);
    if update.assignments.iter().any(|assignment| is_key(assignment.name())) {
        return None;
    }
    let created;
    let base = match old {
        Some(item) => item.as_ref(),
        None => {
            created = update.key.to_item();
            &created
        }
    };
    let new = Assignment::apply_all(&update.assignments, base).ok()?;
    (new.size() <= MAX_ITEM_BYTES).then(|| new.normalised())
}

/// Carries out a single write.
pub(super) fn write(tables: &mut Tables, write: Write<'_>) -> Carried<Written> {
    let Verdict { ruling, bytes } = write.decide(tables)?;
    let consumed = ConsumedCapacity::write(bytes);
    match ruling {
        Ruling::Granted(mut change) => {
            let attributes = core::mem::take(&mut change.attributes);
            Ok((Written::Applied { attributes }, consumed + tables.apply(change)))
        }
        Ruling::Refused(seen) => Ok((Written::Refused { seen: unshared(seen) }, consumed)),
        Ruling::Invalid => Err(INVALID_REQUEST),
    }
}

impl Ruling {
    /// What a refused or invalid write has to do with the end of its transaction.
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
    /// Makes a change. Says what it costs in the indexes.
    pub(super) fn apply(&mut self, change: Change) -> ConsumedCapacity {
        let Change { table, key, effect, attributes: _ } = change;
        // The verdict found the table, and tables are never dropped.
        let Some(table) = self.0.get_mut(&table) else { return ConsumedCapacity::default() };
        match effect {
            ChangeTo::Item(item) => table.replace(&key, Some(item)),
            ChangeTo::Nothing => table.replace(&key, None),
            ChangeTo::Same => ConsumedCapacity::default(),
        }
    }
}
