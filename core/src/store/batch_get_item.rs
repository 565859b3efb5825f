//! `BatchGetItem`: reads up to 100 items of one table by their keys.

use alloc::string::ToString;
use alloc::vec::Vec;

use serde_json::{Map, Value as Json};

use super::MAX_BATCH_GET_KEYS;
use super::error::Error;
use super::expression::Expressions;
use super::item::{AttributeName, Item, Key};
use super::table::TableName;
use super::wire::{Reply, Wire, answer, body, check_key, read_items, require};

/// Reads up to [`MAX_BATCH_GET_KEYS`] items of one table by their keys, in one call.
///
/// *If the outcome is lost*: harmless, nothing was written. *Costs* read units per key as
/// [`GetItem`](super::GetItem) does, also for keys that have no item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BatchGetItem {
    /// The table.
    pub table: TableName,
    /// The keys, each once.
    pub keys: Vec<Key>,
    /// The attributes to return; all of them when empty. Name the key's attributes too, or the
    /// items cannot be told apart.
    pub projection: Vec<AttributeName>,
    /// Whether the reads see every write that was acknowledged before them.
    pub consistent: bool,
}

/// What a batch read brought.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BatchRead {
    /// The items that exist, in no particular order.
    pub items: Vec<Item>,
    /// Keys that the store did not get to, for lack of throughput or room in the reply.
    pub unprocessed: Vec<Key>,
}

impl BatchGetItem {
    /// The projection as an expression with placeholders.
    #[must_use]
    pub fn expressions(&self) -> Expressions {
        Expressions::default().with_projection(&self.projection)
    }

    fn read_keys(&self, keys: Option<&Json>) -> Result<Vec<Key>, Error> {
        let keys = read_items(keys)?;
        keys.iter().map(|item| self.key_of(item).ok_or(Error::Unavailable)).collect()
    }

    /// The key of this order that `item` holds.
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

impl Wire for BatchGetItem {
    type Answer = BatchRead;

    const OPERATION: &'static str = "BatchGetItem";

    fn table(&self) -> Option<&TableName> {
        Some(&self.table)
    }

    fn to_body(&self) -> Json {
        let mut request = body([
            ("Keys", keys_json(&self.keys)),
            ("ConsistentRead", Json::from(self.consistent)),
        ]);
        self.expressions().write_to(&mut request);
        let tables = Map::from_iter([(self.table.to_string(), Json::Object(request))]);
        Json::Object(body([("RequestItems", Json::Object(tables))]))
    }

    fn check(&self) -> Result<(), Error> {
        require((1..=MAX_BATCH_GET_KEYS).contains(&self.keys.len()))?;
        self.keys.iter().try_for_each(check_key)?;
        require(is_distinct(&self.keys))?;
        require(is_distinct(&self.projection))?;
        require(self.projection.iter().all(|name| !name.is_empty()))
    }

    fn read_answer(&self, answer: &Json) -> Result<BatchRead, Error> {
        let table = self.table.as_ref();
        let unprocessed = answer
            .get("UnprocessedKeys")
            .and_then(|tables| tables.get(table))
            .and_then(|request| request.get("Keys"));
        Ok(BatchRead {
            items: read_items(answer.get("Responses").and_then(|all| all.get(table)))?,
            unprocessed: self.read_keys(unprocessed)?,
        })
    }

    fn to_reply(&self, read: &BatchRead) -> Reply {
        let of_table = |content| Json::Object(Map::from_iter([(self.table.to_string(), content)]));
        let items = ("Responses", of_table(read.items.iter().map(Item::to_json).collect()));
        if read.unprocessed.is_empty() {
            return answer([items]);
        }
        let keys = keys_json(&read.unprocessed);
        answer([items, ("UnprocessedKeys", of_table(Json::Object(body([("Keys", keys)]))))])
    }
}

fn keys_json(keys: &[Key]) -> Json {
    keys.iter().map(|key| key.to_item().to_json()).collect()
}
