//! The in-memory executor: core's [`Memory`], shared, with a clock.
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

/// Tables in memory with DynamoDB's semantics. Clones share them. Programs usually take a
/// [`Store::memory`](super::Store::memory).
#[derive(Clone, Debug)]
pub struct MemoryStore<C = ManualClock> {
    memory: Arc<Mutex<Memory>>,
    clock: C,
}

/// Creates a store without tables, with a clock at 1970 that is moved by hand.
impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(ManualClock::new(Timestamp::UNIX_EPOCH))
    }
}

impl<C> MemoryStore<C> {
    /// Creates a store without tables. The clock gives the arrival times of replies and the expiry
    /// of idempotency tokens, and sleeps.
    #[must_use]
    pub fn new(clock: C) -> Self {
        Self { memory: Arc::default(), clock }
    }

    /// Creates an empty table. An existing table is kept.
    pub fn create_table(&self, definition: TableDefinition) {
        self.memory().create(definition);
    }

    /// Adds an empty table, as [`create_table`](Self::create_table) does.
    #[must_use]
    pub fn with_table(self, definition: TableDefinition) -> Self {
        self.create_table(definition);
        self
    }

    /// Adds empty tables, as [`with_table`](Self::with_table) does.
    #[must_use]
    pub fn with_tables(self, definitions: impl IntoIterator<Item = TableDefinition>) -> Self {
        definitions.into_iter().fold(self, Self::with_table)
    }

    /// Copies the store, with another clock: tables, items, tokens and usage. Later changes of one
    /// do not affect the other.
    #[must_use]
    pub fn fork<D>(&self, clock: D) -> MemoryStore<D> {
        let memory = self.memory().clone();
        MemoryStore { memory: Arc::new(Mutex::new(memory)), clock }
    }

    /// Returns the store's clock.
    pub const fn clock(&self) -> &C {
        &self.clock
    }

    /// Returns all items of a table in the order of their keys; empty for an unknown table.
    #[must_use]
    pub fn items(&self, table: &TableName) -> Vec<Item> {
        self.memory().items(table)
    }

    /// Puts items into a table without a call and without cost.
    ///
    /// # Errors
    ///
    /// The error with which a [`PutItem`] of the item would be refused. Earlier items are in the
    /// table then.
    pub fn seed(
        &self,
        table: &TableName,
        items: impl IntoIterator<Item = Item>,
    ) -> Result<(), store::Error> {
        self.memory().seed(table, items)
    }

    /// Returns the calls and the consumed capacity so far. Compare two snapshots with
    /// [`StoreUsage::since`].
    #[must_use]
    pub fn usage(&self) -> StoreUsage {
        self.memory().usage().clone()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Nothing panics while the lock is held, so a poisoned lock is still consistent.
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
