//! DynamoDB in memory: the same answers without a network.
//!
//! [`Memory`] evaluates the guards, assignments and ranges of orders on its own tables. It is
//! deterministic: only [`set_time`](Memory::set_time) and [`Sleep`] change the time, and results
//! are sorted by key. It never deletes expired items: DynamoDB takes hours or days to do so, so no
//! reader may rely on it.
//!
//! It counts every call and the capacity that DynamoDB would charge; see [`usage`](Memory::usage).
//!
//! ```
//! use apptheory_core::run::Interpret;
//! use apptheory_core::store::memory::Memory;
//! use apptheory_core::store::{
//!     GetItem, Guard, Item, Key, KeySchema, PutItem, TableDefinition, Value, Written,
//! };
//!
//! let mut memory = Memory::default().with_table(TableDefinition {
//!     name: "notes".into(),
//!     key: KeySchema { partition: "ID".into(), sort: None },
//!     indexes: vec![],
//!     ttl: "ttl".into(),
//! });
//!
//! let item = Item::new().with("ID", Value::from("n1")).with("Text", Value::from("hello"));
//! let put = PutItem { table: "notes".into(), item, guard: Guard::absent("ID") };
//! assert_eq!(memory.interpret(&put)?.answer, Written::Applied { attributes: Item::new() });
//! assert!(matches!(memory.interpret(&put)?.answer, Written::Refused { seen: Some(_) }));
//!
//! let key = Key::of("ID", Value::from("n1"));
//! let get = GetItem { table: "notes".into(), key, consistent: true };
//! assert_eq!(memory.interpret(&get)?.answer.expect("it was put").text("Text"), Some("hello"));
//! assert_eq!(memory.usage().operation("PutItem").consumed.write_units, 2);
//! # Ok::<(), apptheory_core::store::Error>(())
//! ```

mod read;
mod table;
mod transact;
mod write;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use self::table::Table;
use self::transact::Tokens;
use self::write::Write;
use super::wire::Wire;
use super::{
    Answered, BatchGetItem, ConsumedCapacity, DeleteItem, Error, GetItem, Guard, Item,
    Misconfiguration, PutItem, QueryItems, Sleep, StoreUsage, TableDefinition, TableName,
    TransactWriteItems, UpdateItem,
};
use crate::machine::Effect;
use crate::run::Interpret;
use crate::time::Timestamp;

/// Tables in memory with DynamoDB's semantics, and a clock. Starts without tables, in 1970.
///
/// A clone has the same tables, items, tokens and usage, and then changes independently, so that a
/// test can follow several futures of one state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Memory {
    tables: Tables,
    tokens: Tokens,
    usage: StoreUsage,
    now: Timestamp,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            tables: Tables::default(),
            tokens: Tokens::default(),
            usage: StoreUsage::default(),
            now: Timestamp::UNIX_EPOCH,
        }
    }
}

impl Memory {
    /// Adds an empty table. An existing table stays unchanged.
    #[must_use]
    pub fn with_table(mut self, definition: TableDefinition) -> Self {
        self.create(definition);
        self
    }

    /// Adds an empty table, unless a table of that name exists.
    pub fn create(&mut self, definition: TableDefinition) {
        let name = definition.name.clone();
        self.tables.0.entry(name).or_insert_with(|| Table::new(definition));
    }

    /// Returns all items of a table, sorted by key; empty if the table does not exist.
    #[must_use]
    pub fn items(&self, table: &TableName) -> Vec<Item> {
        let items = self.tables.get(table).into_iter().flat_map(|table| table.items.iter());
        items.map(|item| Item::clone(item)).collect()
    }

    /// Adds items to a table without a call or costs.
    ///
    /// # Errors
    ///
    /// The error that a [`PutItem`] of the first invalid item would return. Items before it are
    /// added.
    pub fn seed(
        &mut self,
        table: &TableName,
        items: impl IntoIterator<Item = Item>,
    ) -> Result<(), Error> {
        for item in items {
            let put = PutItem { table: table.clone(), item, guard: Guard::Always };
            put.check()?;
            write::write(&mut self.tables, Write::Put(&put))?;
        }
        Ok(())
    }

    /// Returns the current time, at which orders are answered and idempotency tokens expire.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Sets the time. It may go back.
    pub const fn set_time(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Returns the calls and consumed capacity so far. Compare two snapshots with
    /// [`StoreUsage::since`].
    #[must_use]
    pub const fn usage(&self) -> &StoreUsage {
        &self.usage
    }
}

/// The result of an order and its cost. A rejected order costs nothing.
type Carried<T> = Result<(T, ConsumedCapacity), Error>;

/// Implements each effect on a table: checks it, carries it out, and counts its cost.
macro_rules! carries_out {
    ($($effect:ident: $act:expr,)+) => {$(
        impl Interpret<$effect> for Memory {
            fn interpret(&mut self, order: &$effect) -> <$effect as Effect>::Outcome {
                order.check()?;
                let act: fn(&mut Self, &$effect) -> Carried<_> = $act;
                let carried = act(self, order);
                let cost = carried.as_ref().map_or_else(|_| Default::default(), |(_, cost)| *cost);
                self.usage.record(<$effect as Wire>::OPERATION, cost);
                carried.map(|(answer, _)| Answered { answer, at: self.now })
            }
        }
    )+};
}

carries_out! {
    GetItem: |memory, order| read::get_item(&memory.tables, order),
    BatchGetItem: |memory, order| read::batch_get_item(&memory.tables, order),
    QueryItems: |memory, order| read::query(&memory.tables, order),
    PutItem: |memory, order| write::write(&mut memory.tables, Write::Put(order)),
    UpdateItem: |memory, order| write::write(&mut memory.tables, Write::Update(order)),
    DeleteItem: |memory, order| write::write(&mut memory.tables, Write::Delete(order)),
    TransactWriteItems: |memory, order| {
        let Memory { tables, tokens, now, .. } = memory;
        transact::transact_write_items(tables, tokens, order, *now)
    },
}

/// Advances the time without waiting.
impl Interpret<Sleep> for Memory {
    fn interpret(&mut self, sleep: &Sleep) -> Timestamp {
        self.now = self.now.saturating_add(sleep.duration);
        self.now
    }
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Tables(BTreeMap<TableName, Table>);

impl Tables {
    fn get(&self, name: &TableName) -> Result<&Table, Error> {
        self.0.get(name).ok_or(Error::Misconfigured(Misconfiguration::MissingTable))
    }
}

/// DynamoDB's `ValidationException`.
const INVALID_REQUEST: Error = Error::Misconfigured(Misconfiguration::InvalidRequest);

#[cfg(test)]
mod tests;
