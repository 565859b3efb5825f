//! A table: its items sorted by key, and its indexes.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Bound;

use crate::store::{
    ConsumedCapacity, IndexDefinition, Item, Key, KeySchema, MAX_PARTITION_KEY_BYTES,
    MAX_SORT_KEY_BYTES, SortRange, TableDefinition, UpdateItem, Value,
};

/// A table and its global secondary indexes, which share the items.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Table {
    pub(super) items: Sorted,
    indexes: Vec<(IndexDefinition, Sorted)>,
}

/// Items by partition, and in a partition by position.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Sorted {
    pub(super) key: KeySchema,
    partitions: BTreeMap<String, BTreeMap<Position<'static>, Arc<Item>>>,
}

/// The primary key of an item, borrowed from the order or item. The sort key is empty in tables
/// without one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct PrimaryKey<'a> {
    pub(super) partition: &'a str,
    pub(super) sort: &'a str,
}

/// The position of an item in its partition: by sort key. In an index, where items may share a sort
/// key, then by their primary keys, partition first. A position without an owner precedes all
/// others with its sort key. Stored positions own their texts; those used for look-ups borrow them.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Position<'a> {
    sort: Cow<'a, str>,
    owner: Option<(Cow<'a, str>, Cow<'a, str>)>,
}

/// A range of a partition.
pub(super) type Stretch<'a> = (Bound<Position<'a>>, Bound<Position<'a>>);

/// Says why an item cannot be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum InvalidKey {
    /// A key attribute is missing, is not a string, or is too long.
    Mismatch,
    /// A key attribute is an empty string, for which DynamoDB refuses a whole transaction.
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

    /// Returns the primary key in a whole item.
    pub(super) fn primary_key<'a>(&self, item: &'a Item) -> Result<PrimaryKey<'a>, InvalidKey> {
        self.key_of(|name| item.get(name))
    }

    /// Returns the primary key in an order: exactly the table's key attributes.
    pub(super) fn locate<'a>(&self, key: &'a Key) -> Result<PrimaryKey<'a>, InvalidKey> {
        if key.attributes().count() != self.items.key.attributes().count() {
            return Err(InvalidKey::Mismatch);
        }
        self.key_of(|name| key.get(name))
    }

    fn key_of<'a>(
        &self,
        value_of: impl Fn(&str) -> Option<&'a Value>,
    ) -> Result<PrimaryKey<'a>, InvalidKey> {
        let KeySchema { partition, sort } = &self.items.key;
        let partition = key_text(value_of(partition), MAX_PARTITION_KEY_BYTES)?;
        let sort = sort.as_ref().map(|sort| key_text(value_of(sort), MAX_SORT_KEY_BYTES));
        Ok(PrimaryKey { partition, sort: sort.transpose()?.unwrap_or_default() })
    }

    /// Returns the values of the table's key attributes, if all are scalars. Their types may be
    /// others than the table's: DynamoDB compares the targets of a transaction before it looks at
    /// those.
    pub(super) fn target<'a>(
        &self,
        value_of: impl Fn(&str) -> Option<&'a Value>,
    ) -> Option<(&'a Value, Option<&'a Value>)> {
        let scalar = |name: &str| {
            value_of(name).filter(|value| matches!(value, Value::S(_) | Value::N(_) | Value::B(_)))
        };
        let KeySchema { partition, sort } = &self.items.key;
        let sort = match sort {
            Some(sort) => Some(scalar(sort)?),
            None => None,
        };
        Some((scalar(partition)?, sort))
    }

    /// Refuses an item that an index cannot hold, given its attributes. An item without the index's
    /// key is not in the index.
    pub(super) fn check_indexed<'a>(
        &self,
        value_of: impl Fn(&str) -> Option<Cow<'a, Value>>,
    ) -> Result<(), InvalidKey> {
        for (index, _) in &self.indexes {
            let KeySchema { partition, sort } = &index.key;
            let partition = Some((partition, MAX_PARTITION_KEY_BYTES));
            let sort = sort.as_ref().map(|sort| (sort, MAX_SORT_KEY_BYTES));
            for (name, most) in partition.into_iter().chain(sort) {
                if let Some(value) = value_of(name) {
                    key_text(Some(&value), most)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn get<'a>(&'a self, key: PrimaryKey<'a>) -> Option<&'a Arc<Item>> {
        self.items.get(key.partition, &Position::before(key.sort))
    }

    /// Replaces the item at a key by `new`, or removes it. Returns the old item and the cost in the
    /// indexes.
    pub(super) fn replace(
        &mut self,
        key: PrimaryKey<'_>,
        new: Option<Arc<Item>>,
    ) -> (Option<Arc<Item>>, ConsumedCapacity) {
        let place = (key.partition, Position::before(key.sort).into_owned());
        let old = match new.clone() {
            Some(item) => self.items.insert(place, item),
            None => self.items.remove(place),
        };
        let consumed = follow(&mut self.indexes, key, old.as_ref(), new.as_ref());
        (old, consumed)
    }

    /// Applies an update that is known to be applicable, or creates the item. Returns the new item
    /// and the cost in the indexes.
    pub(super) fn update(
        &mut self,
        key: PrimaryKey<'_>,
        update: &UpdateItem,
    ) -> (Arc<Item>, ConsumedCapacity) {
        let position = Position::before(key.sort).into_owned();
        let Some(item) = self.items.get_mut(key.partition, &position) else {
            let mut created = update.key.to_item();
            update.apply_to(&mut created);
            let created = Arc::new(created);
            let (_, consumed) = self.replace(key, Some(Arc::clone(&created)));
            return (created, consumed);
        };
        // Indexes need the old item. Without indexes the item is not shared, and changes in place
        // instead of being copied.
        let old = (!self.indexes.is_empty()).then(|| Arc::clone(item));
        update.apply_to(Arc::make_mut(item));
        let consumed = follow(&mut self.indexes, key, old.as_ref(), Some(item));
        (Arc::clone(item), consumed)
    }
}

/// Updates the indexes after a change in their table, and returns the cost: one write for each
/// entry that is added, removed or changed, two for one that moves.
fn follow(
    indexes: &mut [(IndexDefinition, Sorted)],
    key: PrimaryKey<'_>,
    old: Option<&Arc<Item>>,
    new: Option<&Arc<Item>>,
) -> ConsumedCapacity {
    indexes.iter_mut().map(|(_, index)| index.follow(key, old, new)).sum()
}

impl Sorted {
    fn new(key: KeySchema) -> Self {
        Self { key, partitions: BTreeMap::new() }
    }

    /// Yields all items, sorted by key.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Item>> {
        self.partitions.values().flat_map(BTreeMap::values)
    }

    fn get<'a>(&'a self, partition: &str, at: &Position<'a>) -> Option<&'a Arc<Item>> {
        let items: &BTreeMap<Position<'a>, _> = self.partitions.get(partition)?;
        items.get(at)
    }

    fn get_mut(&mut self, partition: &str, at: &Position<'static>) -> Option<&mut Arc<Item>> {
        self.partitions.get_mut(partition)?.get_mut(at)
    }

    /// Yields the items of a partition within a range, ascending.
    pub(super) fn range<'a>(
        &'a self,
        partition: &str,
        stretch: Stretch<'a>,
    ) -> impl DoubleEndedIterator<Item = &'a Arc<Item>> {
        let items: Option<&BTreeMap<Position<'a>, _>> = self.partitions.get(partition);
        items.into_iter().flat_map(move |items| items.range(stretch.clone())).map(|(_, item)| item)
    }

    /// Returns the place of an item in the index; `None` for an item without the index's key.
    fn place<'a>(&self, item: &'a Item, owner: PrimaryKey<'a>) -> Option<(&'a str, Position<'a>)> {
        let partition = item.text(&self.key.partition)?;
        let sort = match &self.key.sort {
            Some(name) => item.text(name)?,
            None => "",
        };
        Some((partition, Position::of(sort, Some(owner))))
    }

    /// Updates an index after a change in its table.
    fn follow(
        &mut self,
        owner: PrimaryKey<'_>,
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

    fn insert(
        &mut self,
        (partition, at): (&str, Position<'_>),
        item: Arc<Item>,
    ) -> Option<Arc<Item>> {
        let at = at.into_owned();
        match self.partitions.get_mut(partition) {
            Some(items) => items.insert(at, item),
            None => {
                self.partitions.insert(partition.to_owned(), BTreeMap::from([(at, item)]));
                None
            }
        }
    }

    fn remove(&mut self, (partition, at): (&str, Position<'_>)) -> Option<Arc<Item>> {
        let items = self.partitions.get_mut(partition)?;
        let removed = items.remove(&at.into_owned());
        if items.is_empty() {
            self.partitions.remove(partition);
        }
        removed
    }
}

impl<'a> Position<'a> {
    /// Returns the position of an item in a table, or in an index if `owner` is given.
    pub(super) fn of(sort: &'a str, owner: Option<PrimaryKey<'a>>) -> Self {
        let owner = owner.map(|owner| (owner.partition.into(), owner.sort.into()));
        Self { sort: sort.into(), owner }
    }

    /// Returns the position before all others with this sort key.
    fn before(sort: &'a str) -> Self {
        Self::of(sort, None)
    }

    /// Returns the position after all others with this sort key: no text lies between a text and
    /// the same text with a NUL appended.
    fn after(sort: &str) -> Self {
        Self { sort: format!("{sort}\0").into(), owner: None }
    }

    fn into_owned(self) -> Position<'static> {
        let owned = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        let owner = self.owner.map(|(partition, sort)| (owned(partition), owned(sort)));
        Position { sort: owned(self.sort), owner }
    }
}

/// Returns the part of a partition whose sort keys are in the range; `None` if a bound is not a
/// string.
pub(super) fn stretch(range: &SortRange) -> Option<Stretch<'_>> {
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
            past(prefix).map_or(Bound::Unbounded, |end| {
                Bound::Excluded(Position { sort: end.into(), owner: None })
            }),
        ),
    })
}

/// Returns the first text after all texts with a prefix: its last character incremented, or the one
/// before if the last is the highest. `None` if all characters are the highest.
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
