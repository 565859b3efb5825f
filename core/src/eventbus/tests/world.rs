//! Tables in memory with scripted failures.

use alloc::vec::Vec;
use core::time::Duration;

use crate::eventbus::{BusConfig, Event, Published};
use crate::machine::Effect;
use crate::run::{Interpret, run};
use crate::store::memory::Memory;
use crate::store::wire::Wire;
use crate::store::{
    self, BatchGetItem, DeleteItem, GetItem, Item, PutItem, QueryItems, Sleep, TableName,
    TransactWriteItems, UpdateItem, Value,
};
use crate::time::Timestamp;

pub(super) struct World {
    memory: Memory,
    table: TableName,
    /// The most items that a read examines, besides its own limit.
    pub(super) most_examined: Option<u32>,
    pub(super) faults: Vec<Fault>,
    pub(super) calls: usize,
    pub(super) slept: Vec<Duration>,
}

/// A failure of one call, counted from 1.
pub(super) struct Fault {
    pub(super) call: usize,
    pub(super) error: store::Error,
    /// Whether the order was applied before its reply was lost.
    pub(super) applied: bool,
}

impl World {
    pub(super) fn of(bus: &BusConfig) -> Self {
        let mut memory = Memory::default().with_table(bus.table());
        memory.set_time(Timestamp::from_unix_seconds(1_767_225_600));
        Self {
            memory,
            table: bus.table().name,
            most_examined: None,
            faults: Vec::new(),
            calls: 0,
            slept: Vec::new(),
        }
    }

    pub(super) fn failing(mut self, faults: &[(usize, store::Error)]) -> Self {
        let faults = faults.iter().map(|(call, error)| (*call, *error, false));
        self.faults = faults.map(|(call, error, applied)| Fault { call, error, applied }).collect();
        self
    }

    pub(super) fn publish(&mut self, bus: &BusConfig, event: Event) -> Published {
        run(bus.publish(event, self.now(), 7).unwrap(), self).result.unwrap()
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.memory.now()
    }

    pub(super) fn items(&self) -> Vec<Item> {
        self.memory.items(&self.table)
    }

    /// Sets an attribute of one of the items to a value that no bus would write.
    pub(super) fn tamper(&mut self, nth: usize, name: &'static str, value: &str) {
        let item = self.items().swap_remove(nth).with(name, Value::from(value));
        self.memory.seed(&self.table, [item]).unwrap();
    }

    fn call<E, T>(&mut self, order: &E) -> store::Outcome<T>
    where
        E: Wire + Effect<Outcome = store::Outcome<T>>,
        Memory: Interpret<E>,
    {
        order.check()?;
        self.calls = self.calls.saturating_add(1);
        match self.faults.iter().find(|fault| fault.call == self.calls) {
            Some(fault) => {
                if fault.applied {
                    self.memory.interpret(order)?;
                }
                Err(fault.error)
            }
            None => self.memory.interpret(order),
        }
    }
}

macro_rules! called {
    ($($effect:ty),+) => {$(
        impl Interpret<$effect> for World {
            fn interpret(&mut self, order: &$effect) -> <$effect as Effect>::Outcome {
                self.call(order)
            }
        }
    )+};
}

called!(GetItem, BatchGetItem, PutItem, UpdateItem, DeleteItem, TransactWriteItems);

impl Interpret<QueryItems> for World {
    fn interpret(&mut self, query: &QueryItems) -> <QueryItems as Effect>::Outcome {
        let limit = query.limit.into_iter().chain(self.most_examined).min();
        self.call(&QueryItems { limit, ..query.clone() })
    }
}

impl Interpret<Sleep> for World {
    fn interpret(&mut self, sleep: &Sleep) -> Timestamp {
        self.slept.push(sleep.duration);
        self.memory.interpret(sleep)
    }
}
