//! The in-memory executor: core's [`Memory`], shared, by a clock.
//!
//! ```
//! use apptheory::execute::Execute;
//! use apptheory::store::{GetItem, Item, Key, KeySchema, MemoryStore, TableDefinition, Value};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let store = MemoryStore::default().with_table(TableDefinition {
//!     name: "notes".into(),
//!     key: KeySchema { partition: "ID".into(), sort: None },
//!     indexes: vec![],
//!     ttl: "ttl".into(),
//! });
//! store.seed(&"notes".into(), [Item::new().with("ID", Value::from("n1"))])?;
//!
//! let key = Key::of("ID", Value::from("n1"));
//! let get = GetItem { table: "notes".into(), key, consistent: false };
//! assert!(store.execute(&get).await?.answer.is_some());
//! assert_eq!(store.usage().operation("GetItem").consumed.read_units(), 0.5);
//! # Ok::<(), apptheory::store::Error>(())
//! # }).unwrap();
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apptheory_core::machine::Effect;
use apptheory_core::run::Interpret;
use apptheory_core::store::memory::Memory;
use apptheory_core::store::{
    self, BatchGetItem, DeleteItem, GetItem, Item, PutItem, QueryItems, Sleep, StoreUsage,
    TableDefinition, TableName, TransactWriteItems, UpdateItem,
};
use apptheory_core::time::Timestamp;

use crate::clock::{Clock, ManualClock};
use crate::execute::Execute;

/// Tables in memory with DynamoDB's semantics. Clones share them.
#[derive(Clone, Debug)]
pub struct MemoryStore<C = ManualClock> {
    memory: Arc<Mutex<Memory>>,
    clock: C,
}

/// A store without tables, whose clock stands at 1970 until it is moved.
impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(ManualClock::new(Timestamp::UNIX_EPOCH))
    }
}

impl<C> MemoryStore<C> {
    /// Makes a store without tables. The clock says when answers arrive and when idempotency tokens
    /// lapse, and carries out the sleeping.
    #[must_use]
    pub fn new(clock: C) -> Self {
        Self { memory: Arc::default(), clock }
    }

    /// Creates an empty table. A table that is there already stays as it is.
    pub fn create_table(&self, definition: TableDefinition) {
        self.memory().create(definition);
    }

    /// Adds an empty table, as [`create_table`](Self::create_table) does.
    #[must_use]
    pub fn with_table(self, definition: TableDefinition) -> Self {
        self.create_table(definition);
        self
    }

    /// Adds empty tables, each as with [`with_table`](Self::with_table).
    #[must_use]
    pub fn with_tables(self, definitions: impl IntoIterator<Item = TableDefinition>) -> Self {
        definitions.into_iter().fold(self, Self::with_table)
    }

    /// Makes a store by another clock that starts with what this one holds: the same tables, items,
    /// tokens and account. What happens to either afterwards does not touch the other.
    #[must_use]
    pub fn fork<D>(&self, clock: D) -> MemoryStore<D> {
        let memory = self.memory().clone();
        MemoryStore { memory: Arc::new(Mutex::new(memory)), clock }
    }

    /// Returns the store's clock.
    pub const fn clock(&self) -> &C {
        &self.clock
    }

    /// Returns all items of a table in the order of their keys; empty if there is no such table.
    #[must_use]
    pub fn items(&self, table: &TableName) -> Vec<Item> {
        self.memory().items(table)
    }

    /// Puts items in a table as if they had been there: at no cost and without a call.
    ///
    /// # Errors
    ///
    /// What a [`PutItem`] of the item would be refused with. The items before it are there.
    pub fn seed(
        &self,
        table: &TableName,
        items: impl IntoIterator<Item = Item>,
    ) -> Result<(), store::Error> {
        self.memory().seed(table, items)
    }

    /// Returns calls and consumed capacity so far. Compare two snapshots with
    /// [`StoreUsage::since`].
    #[must_use]
    pub fn usage(&self) -> StoreUsage {
        self.memory().usage().clone()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Nothing in there panics half-way through a change: poisoning says nothing.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carry_out<E: Effect>(&self, order: &E) -> E::Outcome
    where
        Memory: Interpret<E>,
        C: Clock,
    {
        let now = self.clock.now();
        let mut memory = self.memory();
        memory.set_time(now);
        memory.interpret(order)
    }
}

macro_rules! carries_out {
    ($($effect:ident $method:ident,)+) => {$(
        impl<C: Clock> Execute<$effect> for MemoryStore<C> {
            async fn execute(&self, order: &$effect) -> <$effect as Effect>::Outcome {
                self.carry_out(order)
            }
        }
    )+};
}

apptheory_core::each_store_order!(carries_out);

impl<C: Clock> Execute<Sleep> for MemoryStore<C> {
    async fn execute(&self, sleep: &Sleep) -> Timestamp {
        self.clock.sleep(sleep.duration).await
    }
}

const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<MemoryStore>();
};
