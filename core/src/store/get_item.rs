//! `GetItem`: reads one item by its key.

use serde_json::Value as Json;

use super::error::Error;
use super::item::{Item, Key};
use super::table::TableName;
use super::wire::{Reply, Wire, answer, body, check_key, read_item};
use crate::machine::Effect;
use crate::time::Timestamp;

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

/// The item, or `None` where there is none.
impl Effect for GetItem {
    type Outcome = Result<Option<Item>, Error>;

    fn failed(error: Error) -> Option<Self::Outcome> {
        Some(Err(error))
    }
}

impl Wire for GetItem {
    const OPERATION: &'static str = "GetItem";

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

    fn read_reply(&self, reply: Reply, _: Timestamp) -> Self::Outcome {
        match reply {
            Reply::Answer(answer) => {
                Ok(Some(read_item(&answer, "Item")?).filter(|item| !item.is_empty()))
            }
            Reply::Fault(fault) => Err(fault.error()),
        }
    }

    fn to_reply(&self, outcome: &Self::Outcome) -> Reply {
        match outcome {
            Ok(Some(item)) => answer([("Item", item.to_json())]),
            Ok(None) => answer([]),
            Err(error) => Reply::of_error(*error),
        }
    }
}
