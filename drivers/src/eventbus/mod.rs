//! Event buses to publish to and read from.
//!
//! [`EventBus`] is the core's bus over any store executor, [`MemoryEventBus`] the one that is
//! nothing but data; [`Bus`] is what both do. This module lends the core's machines a clock and
//! ids, gives each operation its time, follows cursors, polls for readers, and runs handlers. Keys,
//! pages and retries are the core's; what a reader that comes back has seen already is the feed's.
//!
//! ```
//! use apptheory::clock::ManualClock;
//! use apptheory::eventbus::{Bus, EventBus};
//! use apptheory::memory::MemoryStore;
//! use apptheory_core::eventbus::{Event, BusConfig, EventQuery, PublishOutcome};
//! use apptheory_core::time::Timestamp;
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
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! # }).unwrap();
//! ```

mod bus;
mod error;
mod feed;
mod memory;
mod metrics;
mod store;
mod subscriptions;

pub use bus::{Bus, PUBLISH_CONCURRENCY};
pub use error::{
    EventsError, HandlerError, HandlerFailed, HandlerFailure, PublishFailed, QueryInterrupted,
    TenantNotDeleted,
};
pub use feed::{Feed, OVERLAP, POLL_INTERVAL, UNREADABLE};
pub use memory::MemoryEventBus;
pub use store::{EventBus, OPERATION_BUDGET};
