//! A DynamoDB in memory: the same answers, no network, no waiting.
//!
//! [`MemoryStore`] decides every order by the evaluating half of the core's guards, assignments and
//! ranges, on tables that live in this process. It is deterministic: time comes from its clock,
//! order from keys, and nothing else matters. It refuses to know what the items mean, and it never
//! expires any: DynamoDB takes hours or days for that, so no reader may rely on it.
//!
//! It keeps account of every call and of the capacity that DynamoDB would charge; see
//! [`usage`](MemoryStore::usage).
//!
//! ```
//! use apptheory::memory::MemoryStore;
//! use apptheory_core::run::Interpret;
//! use apptheory_core::store::{
//!     GetItem, Guard, Item, Key, KeySchema, PutItem, TableDefinition, Value, Written,
//! };
//!
//! let notes = TableDefinition {
//!     name: "notes".into(),
//!     key: KeySchema { partition: "ID".into(), sort: None },
//!     indexes: vec![],
//!     ttl: "ttl".into(),
//! };
//! let mut store = MemoryStore::default().with_table(notes);
//!
//! let item = Item::new().with("ID", Value::from("n1")).with("Text", Value::from("hello"));
//! let put = PutItem { table: "notes".into(), item, guard: Guard::absent("ID") };
//! assert_eq!(store.interpret(&put), Ok(Written::Applied { attributes: Item::new() }));
//! assert!(matches!(store.interpret(&put), Ok(Written::Refused { seen: Some(_) })));
//!
//! let key = Key::of("ID", Value::from("n1"));
//! let get = GetItem { table: "notes".into(), key, consistent: true };
//! assert_eq!(store.interpret(&get).unwrap().unwrap().text("Text"), Some("hello"));
//! assert_eq!(store.usage().operation("PutItem").consumed.write_units, 2);
//! ```

mod read;
mod state;
mod table;
mod transact;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apptheory_core::machine::Effect;
use apptheory_core::run::Interpret;
use apptheory_core::store::wire::Wire;
use apptheory_core::store::{
    BatchGetItem, DeleteItem, GetItem, Guard, Item, PutItem, Query, Sleep, StoreError,
    TableDefinition, TableName, TransactWriteItems, UpdateItem,
};
use apptheory_core::time::Timestamp;

use self::state::State;
use self::write::Write;
use crate::clock::{Clock, ManualClock};
use crate::execute::Execute;
use crate::usage::{ConsumedCapacity, StoreUsage};

/// Tables in memory with DynamoDB's semantics. Clones share them.
#[derive(Clone, Debug)]
pub struct MemoryStore<C = ManualClock> {
    state: Arc<Mutex<State>>,
    clock: C,
}

/// A store without tables, whose clock stands at 1970 until it is moved.
impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(ManualClock::new(Timestamp::UNIX_EPOCH))
    }
}

impl<C> MemoryStore<C> {
    /// A store without tables. The clock says when answers arrive and when idempotency tokens
    /// lapse, and carries out the sleeping.
    #[must_use]
    pub fn new(clock: C) -> Self {
        Self { state: Arc::default(), clock }
    }

    /// The same store with one more, empty table. A table that is there already stays as it is.
    #[must_use]
    pub fn with_table(self, definition: TableDefinition) -> Self {
        self.state().tables.create(definition);
        self
    }

    /// The same store with more, empty tables, each as with [`with_table`](Self::with_table).
    #[must_use]
    pub fn with_tables(self, definitions: impl IntoIterator<Item = TableDefinition>) -> Self {
        definitions.into_iter().fold(self, Self::with_table)
    }

    /// A store by another clock that starts with what this one holds: the same tables, items, tokens
    /// and account. What happens to either afterwards does not touch the other, so that a test can
    /// follow several futures of one past.
    #[must_use]
    pub fn fork<D>(&self, clock: D) -> MemoryStore<D> {
        let state = State::clone(&self.state());
        MemoryStore { state: Arc::new(Mutex::new(state)), clock }
    }

    /// The store's clock.
    pub const fn clock(&self) -> &C {
        &self.clock
    }

    /// All items of a table, in the order of their keys; none if there is no such table.
    #[must_use]
    pub fn items(&self, table: &TableName) -> Vec<Item> {
        let state = self.state();
        let items = state.tables.get(table).into_iter().flat_map(|table| table.items.iter());
        items.map(|item| Item::clone(item)).collect()
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
    ) -> Result<(), StoreError> {
        for item in items {
            let put = PutItem { table: table.clone(), item, guard: Guard::Always };
            put.check()?;
            write::write(&mut self.state().tables, Write::Put(&put))?;
        }
        Ok(())
    }

    /// Calls and consumed capacity so far. Compare two snapshots with [`StoreUsage::since`].
    #[must_use]
    pub fn usage(&self) -> StoreUsage {
        self.state().usage.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way through a change: poisoning says nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks an order, carries it out, and books it.
    fn carry_out<E, T>(
        &self,
        order: &E,
        act: impl FnOnce(&mut State, &E, Timestamp) -> Result<(T, ConsumedCapacity), StoreError>,
    ) -> Result<T, StoreError>
    where
        E: Wire,
        C: Clock,
    {
        order.check()?;
        let now = self.clock.now();
        let mut state = self.state();
        let answer = act(&mut state, order, now);
        let consumed = answer.as_ref().map_or_else(|_| Default::default(), |(_, cost)| *cost);
        state.usage.record(E::OPERATION, consumed);
        answer.map(|(outcome, _)| outcome)
    }
}

/// The store's answer to each effect on a table, in both loops.
macro_rules! carries_out {
    ($($effect:ident: $act:expr,)+) => {$(
        impl<C: Clock> Execute<$effect> for MemoryStore<C> {
            async fn execute(&self, order: &$effect) -> <$effect as Effect>::Outcome {
                self.carry_out(order, $act)
            }
        }

        impl<C: Clock> Interpret<$effect> for MemoryStore<C> {
            fn interpret(&mut self, order: &$effect) -> <$effect as Effect>::Outcome {
                self.carry_out(order, $act)
            }
        }
    )+};
}

carries_out! {
    GetItem: |state, order, _| read::get_item(&state.tables, order),
    BatchGetItem: |state, order, now| read::batch_get_item(&state.tables, order, now),
    Query: |state, order, _| read::query(&state.tables, order),
    PutItem: |state, order, _| write::write(&mut state.tables, Write::Put(order)),
    UpdateItem: |state, order, now| write::update_item(&mut state.tables, order, now),
    DeleteItem: |state, order, _| write::write(&mut state.tables, Write::Delete(order)),
    TransactWriteItems: |state, order, now| {
        let State { tables, tokens, .. } = state;
        transact::transact_write_items(tables, tokens, order, now)
    },
}

impl<C: Clock> Execute<Sleep> for MemoryStore<C> {
    async fn execute(&self, sleep: &Sleep) -> Timestamp {
        self.clock.sleep(sleep.duration).await
    }
}

/// Moves the clock; nobody waits.
impl Interpret<Sleep> for MemoryStore<ManualClock> {
    fn interpret(&mut self, sleep: &Sleep) -> Timestamp {
        self.clock.advance(sleep.duration);
        self.clock.now()
    }
}

const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<MemoryStore>();
};

#[cfg(test)]
mod tests;
