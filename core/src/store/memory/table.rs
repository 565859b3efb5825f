//! One table: its items in key order, and its indexes beside it.

use alloc::borrow::ToOwned as _;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Bound;

use crate::store::{
    ConsumedCapacity, IndexDefinition, Item, Key, KeySchema, MAX_PARTITION_KEY_BYTES,
    MAX_SORT_KEY_BYTES, SortRange, TableDefinition, Value,
};

/// A table and its global secondary indexes. Items are shared between them.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) items: Sorted,
    indexes: Vec<(IndexDefinition, Sorted)>,
}

/// Items by partition, and within it by position.
#[derive(Clone, Debug)]
pub(super) struct Sorted {
    pub(super) key: KeySchema,
    partitions: BTreeMap<String, BTreeMap<Position, Arc<Item>>>,
}

/// The primary key of an item; the sort key is empty in tables that have none.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct PrimaryKey {
    pub(super) partition: String,
    pub(super) sort: String,
}

/// Where an item stands in its partition: by sort key; in an index, where several items may share
/// one, then by their primary keys. A position without an owner stands before all of its sort key.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Position {
    sort: String,
    owner: Option<PrimaryKey>,
}

/// A stretch of a partition.
pub(super) type Stretch = (Bound<Position>, Bound<Position>);

/// Why an item cannot be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum InvalidKey {
    /// A key attribute is missing, not a text, or too long.
    Mismatch,
    /// A key attribute is an empty text, for which DynamoDB refuses a whole transaction.
    Empty,
}

impl Table {
    pub(super) fn new(definition: TableDefinition) -> Self {
        let indexes = definition.indexes.into_iter();
        Self {
            items: Sorted::new(definition.key),
            indexes: indexes.map(|index| (index.clone(), Sorted::new(index.key))).collect(),
        }
    }

    pub(super) fn index(&self, name: &str) -> Option<&Sorted> {
        self.indexes.iter().find(|(index, _)| *index.name == *name).map(|(_, items)| items)
    }

    /// The primary key that a whole item holds.
    pub(super) fn primary_key(&self, item: &Item) -> Result<PrimaryKey, InvalidKey> {
        let KeySchema { partition, sort } = &self.items.key;
        let partition = key_text(item.get(partition), MAX_PARTITION_KEY_BYTES)?;
        let sort = sort.as_ref().map(|sort| key_text(item.get(sort), MAX_SORT_KEY_BYTES));
        Ok(PrimaryKey {
            partition: partition.to_owned(),
            sort: sort.transpose()?.unwrap_or_default().to_owned(),
        })
    }

    /// The primary key that an order names: exactly the table's key attributes.
    pub(super) fn locate(&self, key: &Key) -> Result<PrimaryKey, InvalidKey> {
        if key.attributes().count() != self.items.key.attributes().count() {
            return Err(InvalidKey::Mismatch);
        }
        self.primary_key(&key.to_item())
    }

    /// Refuses an item that an index could not hold. Without the index's key it is simply not in it.
    pub(super) fn check_indexed(&self, item: &Item) -> Result<(), InvalidKey> {
        for (index, _) in &self.indexes {
            let KeySchema { partition, sort } = &index.key;
            let partition = Some((partition, MAX_PARTITION_KEY_BYTES));
            let sort = sort.as_ref().map(|sort| (sort, MAX_SORT_KEY_BYTES));
            for (name, most) in partition.into_iter().chain(sort) {
                if let Some(value) = item.get(name) {
                    key_text(Some(value), most)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, key: &PrimaryKey) -> Option<&Arc<Item>> {
        let position = Position { sort: key.sort.clone(), owner: None };
        self.items.partitions.get(&key.partition)?.get(&position)
    }

    /// Puts `new`, or nothing, in the place of whatever the key holds. Says what that costs in the
    /// indexes: one write for each whose entry comes, goes or changes, two where it moves.
    pub(super) fn replace(&mut self, key: &PrimaryKey, new: Option<Arc<Item>>) -> ConsumedCapacity {
        let position = Position { sort: key.sort.clone(), owner: None };
        let place = (key.partition.as_str(), position);
        let old = match new.clone() {
            Some(item) => self.items.insert(place, item),
            None => self.items.remove(place),
        };
        self.indexes
            .iter_mut()
            .map(|(_, index)| index.follow(key, old.as_ref(), new.as_ref()))
            .sum()
    }
}

impl Sorted {
    fn new(key: KeySchema) -> Self {
        Self { key, partitions: BTreeMap::new() }
    }

    /// All items, in key order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Item>> {
        self.partitions.values().flat_map(BTreeMap::values)
    }

    /// The items of one partition within a stretch, ascending.
    pub(super) fn range(
        &self,
        partition: &str,
        stretch: Stretch,
    ) -> impl DoubleEndedIterator<Item = &Arc<Item>> {
        let items = self.partitions.get(partition);
        items.into_iter().flat_map(move |items| items.range(stretch.clone())).map(|(_, item)| item)
    }

    /// Where the index keeps an item; `None` for an item without the index's key.
    fn place<'a>(&self, item: &'a Item, owner: &PrimaryKey) -> Option<(&'a str, Position)> {
        let partition = item.text(&self.key.partition)?;
        let sort = match &self.key.sort {
            Some(name) => item.text(name)?.to_owned(),
            None => String::new(),
        };
        Some((partition, Position { sort, owner: Some(owner.clone()) }))
    }

    /// Brings an index up to date with a change in its table.
    fn follow(
        &mut self,
        owner: &PrimaryKey,
        old: Option<&Arc<Item>>,
        new: Option<&Arc<Item>>,
    ) -> ConsumedCapacity {
        let write = |item: &Arc<Item>| ConsumedCapacity::write(item.size());
        let old = old.and_then(|item| Some((item, self.place(item, owner)?)));
        let new = new.and_then(|item| Some((item, self.place(item, owner)?)));
        match (old, new) {
            (None, None) => ConsumedCapacity::default(),
            (Some((old, place)), None) => {
                self.remove(place);
                write(old)
            }
            (None, Some((new, place))) => {
                self.insert(place, Arc::clone(new));
                write(new)
            }
            (Some((old, from)), Some((new, to))) if from != to => {
                self.remove(from);
                self.insert(to, Arc::clone(new));
                write(old) + write(new)
            }
            (Some((old, _)), Some((new, _))) if old == new => ConsumedCapacity::default(),
            (Some((old, _)), Some((new, place))) => {
                self.insert(place, Arc::clone(new));
                ConsumedCapacity::write(old.size().max(new.size()))
            }
        }
    }

    fn insert(&mut self, (partition, at): (&str, Position), item: Arc<Item>) -> Option<Arc<Item>> {
        match self.partitions.get_mut(partition) {
            Some(items) => items.insert(at, item),
            None => {
                self.partitions.insert(partition.to_owned(), BTreeMap::from([(at, item)]));
                None
            }
        }
    }

    fn remove(&mut self, (partition, at): (&str, Position)) -> Option<Arc<Item>> {
        let items = self.partitions.get_mut(partition)?;
        let removed = items.remove(&at);
        if items.is_empty() {
            self.partitions.remove(partition);
        }
        removed
    }
}

impl Position {
    /// The position of an item in a table, or in an index when `owner` is given.
    pub(super) const fn new(sort: String, owner: Option<PrimaryKey>) -> Self {
        Self { sort, owner }
    }

    /// Before everything with this sort key.
    fn before(sort: &str) -> Self {
        Self { sort: sort.to_owned(), owner: None }
    }

    /// After everything with this sort key: no text lies between a text and itself with a NUL.
    fn after(sort: &str) -> Self {
        Self { sort: format!("{sort}\0"), owner: None }
    }
}

/// The part of a partition whose sort keys lie in the range; `None` when a bound is not a text.
pub(super) fn stretch(range: &SortRange) -> Option<Stretch> {
    Some(match range {
        SortRange::AtLeast(low) => {
            (Bound::Included(Position::before(low.as_text()?)), Bound::Unbounded)
        }
        SortRange::AtMost(high) => {
            (Bound::Unbounded, Bound::Excluded(Position::after(high.as_text()?)))
        }
        SortRange::Between(low, high) => (
            Bound::Included(Position::before(low.as_text()?)),
            Bound::Excluded(Position::after(high.as_text()?)),
        ),
        SortRange::BeginsWith(prefix) => (
            Bound::Included(Position::before(prefix)),
            past(prefix).map_or(Bound::Unbounded, |end| Bound::Excluded(Position::before(&end))),
        ),
    })
}

/// The first text after all that start with `prefix`: its last character stepped up, or the one
/// before it where there is no higher. `None` when all characters are the highest.
fn past(prefix: &str) -> Option<String> {
    let mut rest = prefix.chars();
    loop {
        let last = rest.next_back()?;
        // Not every number is a character: the range skips the surrogates.
        if let Some(next) = (last..=char::MAX).nth(1) {
            return Some(format!("{}{next}", rest.as_str()));
        }
    }
}

fn key_text(value: Option<&Value>, most: usize) -> Result<&str, InvalidKey> {
    match value.and_then(Value::as_text) {
        Some("") => Err(InvalidKey::Empty),
        Some(text) if text.len() <= most => Ok(text),
        Some(_) | None => Err(InvalidKey::Mismatch),
    }
}

#[cfg(test)]
mod tests {
    use super::past;

    #[test]
    fn a_prefix_ends_before_its_successor() {
        assert_eq!(past("a#").as_deref(), Some("a$"));
        assert_eq!(past("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(past("a\u{10ffff}\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(past("\u{10ffff}"), None);
    }
}
