//! `BatchGetItem`: reads up to 100 items of one table by their keys.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize, Serializer};

use super::MAX_BATCH_GET_KEYS;
use super::error::Error;
use super::expression::{Expressions, serialize_names};
use super::item::{AttributeName, Item, Key};
use super::table::TableName;
use super::wire::{FaultType, Reply, Wire, check_key, read, require};

/// Reads up to [`MAX_BATCH_GET_KEYS`] items of one table by their keys, in one call.
///
/// *If the outcome is lost*: harmless, because nothing was written. *Costs* read units per key like
/// [`GetItem`](super::GetItem), also for keys without an item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BatchGetItem {
    /// The table.
    pub table: TableName,
    /// The keys, without duplicates.
    pub keys: Vec<Key>,
    /// The attributes to return; all if empty. Include the key's attributes, or the items cannot be
    /// told apart.
    pub projection: Vec<AttributeName>,
    /// Whether the reads see every write acknowledged before them.
    pub consistent: bool,
}

/// The result of a batch read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BatchRead {
    /// The items that exist, in no particular order.
    pub items: Vec<Item>,
    /// Keys that were not read because of throttling or the size of the reply.
    pub unprocessed: Vec<Key>,
}

impl BatchGetItem {
    /// Returns the projection as an expression with placeholders.
    #[must_use]
    pub fn expressions(&self) -> Expressions<'_> {
        Expressions::default().with_projection(&self.projection)
    }

    /// Returns the key in `item` with the attributes of this order's keys.
    #[must_use]
    pub fn key_of(&self, item: &Item) -> Option<Key> {
        self.keys.iter().find(|key| key.matches(item)).cloned()
    }
}

fn is_distinct<T: PartialEq>(values: &[T]) -> bool {
    values
        .iter()
        .enumerate()
        .all(|(index, value)| !values.iter().take(index).any(|earlier| earlier == value))
}

impl Serialize for BatchGetItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let expressions = self.expressions();
        let of_table = TableRequest {
            consistent_read: self.consistent,
            expression_attribute_names: expressions.names,
            keys: &self.keys,
            projection_expression: expressions.projection,
        };
        let request_items = BTreeMap::from([(self.table.as_ref(), of_table)]);
        BTreeMap::from([("RequestItems", request_items)]).serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TableRequest<'a> {
    consistent_read: bool,
    #[serde(serialize_with = "serialize_names", skip_serializing_if = "Vec::is_empty")]
    expression_attribute_names: Vec<&'a AttributeName>,
    keys: &'a [Key],
    #[serde(skip_serializing_if = "Option::is_none")]
    projection_expression: Option<String>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "PascalCase")]
struct BatchAnswer<'a> {
    #[serde(rename = "__type", skip_serializing_if = "Option::is_none")]
    fault: Option<FaultType>,
    responses: BTreeMap<Cow<'a, str>, Cow<'a, [Item]>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    unprocessed_keys: BTreeMap<Cow<'a, str>, UnprocessedKeys>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "PascalCase")]
struct UnprocessedKeys {
    keys: Vec<Item>,
}

impl Wire for BatchGetItem {
    type Answer = BatchRead;

    const OPERATION: &'static str = "BatchGetItem";

    fn table(&self) -> Option<&TableName> {
        Some(&self.table)
    }

    fn check(&self) -> Result<(), Error> {
        require((1..=MAX_BATCH_GET_KEYS).contains(&self.keys.len()))?;
        self.keys.iter().try_for_each(check_key)?;
        require(is_distinct(&self.keys))?;
        require(is_distinct(&self.projection))?;
        require(self.projection.iter().all(|name| !name.is_empty()))
    }

    fn read_answer(&self, answer: &[u8]) -> Result<BatchRead, Error> {
        let BatchAnswer { mut responses, mut unprocessed_keys, fault: None } = read(answer)?;
        let table = self.table.as_ref();
        let items = responses.remove(table).unwrap_or_default();
        let unprocessed = unprocessed_keys.remove(table).unwrap_or_default();
        let key_of = |item: &Item| self.key_of(item).ok_or(Error::Unavailable);
        Ok(BatchRead {
            items: items.into_owned(),
            unprocessed: unprocessed.keys.iter().map(key_of).collect::<Result<_, _>>()?,
        })
    }

    fn to_reply(&self, read: &BatchRead) -> Reply<'static> {
        let table = || Cow::Borrowed(self.table.as_ref());
        let keys = UnprocessedKeys { keys: read.unprocessed.iter().map(Key::to_item).collect() };
        let unprocessed = (!read.unprocessed.is_empty()).then(|| (table(), keys));
        Reply::answer(&BatchAnswer {
            responses: BTreeMap::from([(table(), Cow::Borrowed(&*read.items))]),
            unprocessed_keys: unprocessed.into_iter().collect(),
            fault: None,
        })
    }
}
