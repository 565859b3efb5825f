//! The event bus: the same scenarios on every executor and in memory, the cost of operations, and
//! the effects of faults, deadlines and handlers.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage cannot be set")]

mod costs;
mod delivery;
mod faults;
mod feeds;
mod handlers;
mod publishing;
mod scenarios;
mod streams;
#[path = "../support/mod.rs"]
mod support;

use core::time::Duration;

use apptheory::clock::{Clock, ManualClock};
use apptheory::eventbus::EventBus;
use apptheory::execute::StoreExecutor;
use apptheory::ids::SequentialIds;
use apptheory::store::{EmbeddedStore, MemoryStore, Store};
use apptheory_core::eventbus::{BusConfig, Event};
use apptheory_core::time::Timestamp;
use support::NOW;

/// Returns the bus over an executor.
fn bus_over<C>(bus: BusConfig, executor: impl StoreExecutor + Send + 'static, clock: &C) -> EventBus
where
    C: Clock + Clone + 'static,
{
    let store = Store::builder().clock(clock.clone()).ids(SequentialIds::default());
    EventBus::new(bus, &store.executor(executor))
}

/// Always shows [`NOW`], so that no deadline passes: for stores whose replies take real time.
#[derive(Clone)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        NOW
    }

    async fn sleep(&self, _: Duration) -> Timestamp {
        core::future::pending().await
    }
}

fn config() -> BusConfig {
    BusConfig::builder().table_name("events").build().unwrap()
}

fn clock() -> ManualClock {
    ManualClock::new(NOW)
}

fn memory(clock: &ManualClock) -> MemoryStore {
    MemoryStore::new(clock.clone()).with_table(config().table())
}

fn embedded(clock: &ManualClock) -> EmbeddedStore<ManualClock> {
    let store = EmbeddedStore::in_memory(clock.clone()).unwrap();
    store.create_tables(&[config().table()]).unwrap();
    store
}

/// Returns event number `n` of tenant `t1`, published `n` seconds after [`NOW`].
fn event(n: u32) -> Event {
    Event::new("t1", "e").id(format!("e{n:05}")).published_at(seconds(n))
}

fn seconds(n: u32) -> Timestamp {
    NOW.saturating_add(Duration::from_secs(n.into()))
}

/// Publishes the events with these numbers.
async fn publish_numbers(bus: &EventBus, numbers: impl IntoIterator<Item = u32> + Send) {
    for n in numbers {
        bus.publish(event(n)).await.unwrap();
    }
}

fn ids<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<&'a str> {
    events.into_iter().map(|event| event.id.as_str()).collect()
}
