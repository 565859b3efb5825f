//! An event bus to publish to and read from.
//!
//! [`EventBus`] is the core's bus over any store executor. This module lends the core's machines a
//! clock and ids, gives each operation its time, follows cursors, polls for readers, and runs
//! subscribers. It decides nothing about keys, pages, retries, or what a reader was given already:
//! that is [`eventbus`](apptheory_core::eventbus)'s of the core.
//!
//! ```
//! use apptheory::clock::ManualClock;
//! use apptheory::eventbus::{BusConfig, Event, EventBus, EventQuery, PublishOutcome};
//! use apptheory::store::MemoryStore;
//! use apptheory::time::Timestamp;
//! use futures_util::TryStreamExt;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let clock = ManualClock::new(Timestamp::from_unix_seconds(1_767_225_600));
//! let bus = BusConfig::builder().table_name("events").build()?;
//! let store = MemoryStore::new(clock.clone()).with_table(bus.table());
//! let bus = EventBus::new(bus, store).with_clock(clock);
//!
//! let event = bus.new_event("t1", "order.created").with_payload(&12)?;
//! assert_eq!(bus.publish(event.clone()).await?.outcome, PublishOutcome::Created);
//! assert_eq!(bus.publish(event).await?.outcome, PublishOutcome::Deduplicated);
//!
//! let events: Vec<Event> = bus.events(EventQuery::new("t1")).try_collect().await?;
//! assert_eq!(events.len(), 1);
//! # Ok::<(), apptheory::eventbus::Error>(())
//! # }).unwrap();
//! ```

mod bus;
mod feed;
mod metrics;
mod subscriptions;

#[doc(inline)]
pub use apptheory_core::eventbus::*;
pub use bus::{EventBus, OPERATION_BUDGET, PUBLISH_CONCURRENCY};
pub use feed::{Feed, OVERLAP, POLL_INTERVAL, UNREADABLE};
