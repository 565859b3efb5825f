//! A DynamoDB in memory: the same answers, no network, no waiting.
//!
//! [`Memory`] decides every order by the evaluating half of guards, assignments and ranges, on
//! tables that it owns. It is deterministic: time is what [`set_time`](Memory::set_time) and
//! [`Sleep`] make it, order comes from keys, and nothing else matters. It does not know what the
//! items mean, and it never expires any: DynamoDB takes hours or days for that, so no reader may
//! rely on it.
//!
//! It keeps account of every call and of the capacity that DynamoDB would charge; see
//! [`usage`](Memory::usage).
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

/// Tables in memory with DynamoDB's semantics, and the time there. Starts without tables, in 1970.
///
/// A clone has the same tables, items, tokens and account, and a future of its own, so that a test
/// can follow several futures of one past.
#[derive(Clone, Debug)]
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
    /// Adds an empty table. A table that is there already stays as it is.
    #[must_use]
    pub fn with_table(mut self, definition: TableDefinition) -> Self {
        self.create(definition);
        self
    }

    /// Adds an empty table, unless there is one of that name.
    pub fn create(&mut self, definition: TableDefinition) {
        let name = definition.name.clone();
        self.tables.0.entry(name).or_insert_with(|| Table::new(definition));
    }

    /// Returns all items of a table in the order of their keys; empty if there is no such table.
    #[must_use]
    pub fn items(&self, table: &TableName) -> Vec<Item> {
        let items = self.tables.get(table).into_iter().flat_map(|table| table.items.iter());
        items.map(|item| Item::clone(item)).collect()
    }

    /// Puts items in a table as if they had been there: at no cost and without a call.
    ///
    /// # Errors
    ///
    /// What a [`PutItem`] of the item would be refused with. The items before it are there.
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

    /// Returns the time at which orders are answered and idempotency tokens lapse.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Sets the time, also backwards.
    pub const fn set_time(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Returns calls and consumed capacity so far. Compare two snapshots with [`StoreUsage::since`].
    #[must_use]
    pub const fn usage(&self) -> &StoreUsage {
        &self.usage
    }
}

/// What carrying out an order gave, and what it cost; a refused order costs nothing.
type Carried<T> = Result<(T, ConsumedCapacity), Error>;

/// Carries out each effect on a table: checks it, acts, and books it.
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

/// Time passes, and nobody waits.
impl Interpret<Sleep> for Memory {
    fn interpret(&mut self, sleep: &Sleep) -> Timestamp {
        self.now = self.now.saturating_add(sleep.duration);
        self.now
    }
}

#[derive(Clone, Debug, Default)]
struct Tables(BTreeMap<TableName, Table>);

impl Tables {
    fn get(&self, name: &TableName) -> Result<&Table, Error> {
        self.0.get(name).ok_or(Error::Misconfigured(Misconfiguration::MissingTable))
    }
}

/// What DynamoDB calls a `ValidationException`.
const INVALID_REQUEST: Error = Error::Misconfigured(Misconfiguration::InvalidRequest);

#[cfg(test)]
mod tests;
