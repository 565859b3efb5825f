//! An event bus: publish events, and read them page by page.
//!
//! [`EventBus`] runs the core's bus on a store. This module gives the core's machines a store and
//! ids, limits the time of each operation, follows cursors, polls for readers, and runs
//! subscribers. The core decides about keys, pages, retries, and what a reader has already been
//! given.
//!
//! ```
//! use apptheory::Store;
//! use apptheory::eventbus::{Event, EventBus, PublishOutcome};
//! use futures_util::TryStreamExt;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let bus = EventBus::on(&Store::memory());
//!
//! bus.publish(Event::new("t1", "order.created").payload(&12)).await?;
//!
//! // With its identity from the start, an event is found when it is published again.
//! let event = bus.new_event("t1", "order.paid").payload(&12);
//! assert_eq!(bus.publish(event.clone()).await?.outcome, PublishOutcome::Created);
//! assert_eq!(bus.publish(event).await?.outcome, PublishOutcome::Deduplicated);
//!
//! let events: Vec<Event> = bus.query("t1").events().try_collect().await?;
//! assert_eq!(events.len(), 2);
//! # Ok::<(), apptheory::eventbus::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bus;
mod feed;
mod metrics;
mod query;
mod subscriptions;

#[doc(inline)]
pub use apptheory_core::eventbus::*;
pub use bus::{EventBus, OPERATION_BUDGET, PUBLISH_CONCURRENCY};
pub use feed::{Feed, OVERLAP, POLL_INTERVAL, UNREADABLE};
pub use query::BusQuery;
