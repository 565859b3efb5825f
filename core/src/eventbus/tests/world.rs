//! A table in memory, just enough of one, with a script of failures.

use alloc::vec::Vec;
use core::time::Duration;

use crate::eventbus::{BusConfig, Event, Published};
use crate::run::{Interpret, run};
use crate::store::{
    self, BatchGetItem, DeleteItem, GetItem, Item, KeySchema, Misconfiguration, Page, PutItem,
    Query, Sleep, TableDefinition, TransactWriteItems, UpdateItem, Value, Written,
};
use crate::time::Timestamp;

pub(super) struct World {
    definition: TableDefinition,
    pub(super) items: Vec<Item>,
    /// How many items a read examines at most, besides its own limit.
    pub(super) most_examined: usize,
    pub(super) faults: Vec<Fault>,
    pub(super) calls: usize,
    pub(super) slept: Vec<Duration>,
    pub(super) now: Timestamp,
}

/// A failure of one call, counted from 1.
pub(super) struct Fault {
    pub(super) call: usize,
    pub(super) error: store::Error,
    /// Whether the order took effect before its reply was lost.
    pub(super) applied: bool,
}

impl World {
    pub(super) fn of(bus: &BusConfig) -> Self {
        Self {
            definition: bus.table(),
            items: Vec::new(),
            most_examined: usize::MAX,
            faults: Vec::new(),
            calls: 0,
            slept: Vec::new(),
            now: Timestamp::from_unix_seconds(1_767_225_600),
        }
    }

    pub(super) fn failing(mut self, faults: &[(usize, store::Error)]) -> Self {
        let faults = faults.iter().map(|(call, error)| (*call, *error, false));
        self.faults = faults.map(|(call, error, applied)| Fault { call, error, applied }).collect();
        self
    }

    pub(super) fn publish(&mut self, bus: &BusConfig, event: Event) -> Published {
        let now = self.now;
        run(bus.publish(event, now, 7), self).result.unwrap()
    }

    fn call<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, store::Error>,
    ) -> Result<T, store::Error> {
        self.calls = self.calls.saturating_add(1);
        let call = self.calls;
        let fault = self.faults.iter().find(|fault| fault.call == call);
        match fault.map(|fault| (fault.error, fault.applied)) {
            None => act(self),
            Some((error, applied)) => {
                if applied {
                    act(self)?;
                }
                Err(error)
            }
        }
    }

    fn position(&self, key: &Item) -> Option<usize> {
        self.items.iter().position(|item| {
            let same = |name: &str| item.get(name) == key.get(name);
            same(&self.definition.key.partition)
                && self.definition.key.sort.as_ref().is_none_or(|sort| same(sort))
        })
    }
}

/// The values of key attributes, for comparison. Items that an index does not tell apart come in
/// the order of the table's partitions: not the order that pages have.
fn place(item: &Item, key: &KeySchema, table: &KeySchema) -> Vec<Option<Value>> {
    let names = key.sort.iter().chain([&key.partition, &table.partition]).chain(&table.sort);
    names.map(|name| item.get(name).cloned()).collect()
}

fn texts(place: &[Option<Value>]) -> Vec<&str> {
    place.iter().map(|value| value.as_ref().and_then(Value::as_text).unwrap_or_default()).collect()
}

impl Interpret<PutItem> for World {
    fn interpret(&mut self, put: &PutItem) -> Result<Written, store::Error> {
        self.call(|world| {
            let found = world.position(&put.item);
            let seen = found.map(|at| world.items[at].clone());
            if !put.guard.holds(seen.as_ref()) {
                return Ok(Written::Refused { seen });
            }
            found.map(|at| world.items.remove(at));
            world.items.push(put.item.clone());
            Ok(Written::Applied { attributes: Item::new() })
        })
    }
}

impl Interpret<GetItem> for World {
    fn interpret(&mut self, get: &GetItem) -> Result<Option<Item>, store::Error> {
        self.call(|world| {
            let found = world.position(&get.key.to_item());
            Ok(found.map(|at| world.items[at].clone()))
        })
    }
}

impl Interpret<DeleteItem> for World {
    fn interpret(&mut self, delete: &DeleteItem) -> Result<Written, store::Error> {
        self.call(|world| {
            let found = world.position(&delete.key.to_item());
            let attributes = found.map(|at| world.items.remove(at)).unwrap_or_default();
            Ok(Written::Applied { attributes })
        })
    }
}

impl Interpret<Query> for World {
    fn interpret(&mut self, query: &Query) -> Result<Page, store::Error> {
        use crate::store::wire::Wire;
        query.check()?;
        self.call(|world| {
            let definition = &world.definition;
            let key = match &query.index {
                None => &definition.key,
                Some(name) => {
                    &definition.indexes.iter().find(|index| index.name == *name).unwrap().key
                }
            };
            assert_eq!(query.partition.name, key.partition);
            let place = |item: &Item| place(item, key, &definition.key);
            let mut rows: Vec<&Item> = world
                .items
                .iter()
                .filter(|item| item.get(&query.partition.name) == Some(&query.partition.value))
                .filter(|item| {
                    let range = query.range.as_ref();
                    range.is_none_or(|(name, range)| range.contains(item.get(name).unwrap()))
                })
                .collect();
            rows.sort_by(|a, b| {
                let (a, b) = (place(a), place(b));
                let order = texts(&a).cmp(&texts(&b));
                if query.forward { order } else { order.reverse() }
            });
            if let Some(start) = &query.start_after {
                let start = place(start);
                assert!(start.iter().all(Option::is_some), "a start key of another shape");
                rows.retain(|row| {
                    let row = place(row);
                    if query.forward {
                        texts(&row) > texts(&start)
                    } else {
                        texts(&row) < texts(&start)
                    }
                });
            }
            let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
            let most = limit.min(world.most_examined);
            let next = rows.get(most.saturating_sub(1)).map(|row| {
                let names = definition.key_attributes();
                let of_key = |name: &str| {
                    let keys = [key, &definition.key];
                    keys.iter().any(|key| {
                        *key.partition == *name || key.sort.as_ref().is_some_and(|s| **s == *name)
                    })
                };
                names
                    .into_iter()
                    .filter(|name| of_key(name))
                    .map(|name| (name.clone(), row.get(name).unwrap().clone()))
                    .collect()
            });
            rows.truncate(most);
            let items =
                rows.into_iter().filter(|row| query.filter.holds(Some(row))).cloned().collect();
            Ok(Page { items, next })
        })
    }
}

impl Interpret<Sleep> for World {
    fn interpret(&mut self, sleep: &Sleep) -> Timestamp {
        self.slept.push(sleep.duration);
        self.now = self.now.saturating_add(sleep.duration);
        self.now
    }
}

/// Orders that the bus never gives.
macro_rules! refuse {
    ($($effect:ty => $answer:ty),+) => {$(
        impl Interpret<$effect> for World {
            fn interpret(&mut self, _: &$effect) -> Result<$answer, store::Error> {
                Err(store::Error::Misconfigured(Misconfiguration::InvalidRequest))
            }
        }
    )+};
}

refuse!(
    UpdateItem => store::Updated,
    BatchGetItem => store::BatchRead,
    TransactWriteItems => store::Transacted
);
