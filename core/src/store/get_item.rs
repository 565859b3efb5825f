//! `GetItem`: reads one item by its key.

use alloc::borrow::Cow;

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use super::error::Error;
use super::item::{Item, Key};
use super::table::TableName;
use super::wire::{FaultType, Reply, Wire, check_key, read};

/// Reads one item by its key.
///
/// *If the outcome is lost*: harmless, because nothing was written. *Costs* one read unit per 4 KB
/// if consistent, half of that otherwise; at least one block.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GetItem {
    /// The table.
    pub table: TableName,
    /// The key of the item.
    pub key: Key,
    /// Whether the read sees every write acknowledged before it.
    pub consistent: bool,
}

impl Serialize for GetItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("ConsistentRead", &self.consistent)?;
        body.serialize_entry("Key", &self.key)?;
        body.serialize_entry("TableName", self.table.as_ref())?;
        body.end()
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "PascalCase")]
struct GetAnswer<'a> {
    #[serde(rename = "__type", skip_serializing_if = "Option::is_none")]
    fault: Option<FaultType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Cow<'a, Item>>,
}

impl Wire for GetItem {
    type Answer = Option<Item>;

    const OPERATION: &'static str = "GetItem";

    fn table(&self) -> Option<&TableName> {
        Some(&self.table)
    }

    fn check(&self) -> Result<(), Error> {
        check_key(&self.key)
    }

    fn read_answer(&self, answer: &[u8]) -> Result<Option<Item>, Error> {
        let GetAnswer { item, fault: None } = read(answer)?;
        Ok(item.map(Cow::into_owned).filter(|item| !item.is_empty()))
    }

    fn to_reply(&self, item: &Option<Item>) -> Reply<'static> {
        Reply::answer(&GetAnswer { item: item.as_ref().map(Cow::Borrowed), fault: None })
    }
}
