//! `GetItem`: reads one item by its key.

use serde_json::Value as Json;

use super::error::Error;
use super::item::{Item, Key};
use super::table::TableName;
use super::wire::{Reply, Wire, answer, body, check_key, read_item};

/// Reads one item by its key.
///
/// *If the outcome is lost*: harmless, nothing was written. *Costs* one read unit per 4 KB when
/// consistent, half of that otherwise; at least one block.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GetItem {
    /// The table.
    pub table: TableName,
    /// The key of the item.
    pub key: Key,
    /// Whether the read sees every write that was acknowledged before it.
    pub consistent: bool,
}

impl Wire for GetItem {
    type Answer = Option<Item>;

    const OPERATION: &'static str = "GetItem";

    fn table(&self) -> Option<&TableName> {
        Some(&self.table)
    }

    fn to_body(&self) -> Json {
        Json::Object(body([
            ("TableName", Json::from(self.table.as_ref())),
            ("Key", self.key.to_item().to_json()),
            ("ConsistentRead", Json::from(self.consistent)),
        ]))
    }

    fn check(&self) -> Result<(), Error> {
        check_key(&self.key)
    }

    fn read_answer(&self, answer: &Json) -> Result<Option<Item>, Error> {
        Ok(Some(read_item(answer, "Item")?).filter(|item| !item.is_empty()))
    }

    fn to_reply(&self, item: &Option<Item>) -> Reply {
        match item {
            Some(item) => answer([("Item", item.to_json())]),
            None => answer([]),
        }
    }
}
