//! The event bus: events of tenants, published once and read in order.
//!
//! This module decides how events are identified, stored in a table, found and paged. [`BusConfig`]
//! holds the configuration and creates the machines [`Publish`], [`QueryEvents`], [`GetEvent`],
//! [`DeleteEvent`] and [`DeleteTenant`], which ask for effects on a [`store`](crate::store).
//! [`MemoryBus`] is the same bus in memory. Neither reads a clock or random numbers, or uses a
//! network. Subscriptions belong to the host.
//!
//! ```
//! use apptheory_core::eventbus::{BusConfig, Event, EventQuery};
//! use apptheory_core::run::run;
//! use apptheory_core::store::memory::Memory;
//! use apptheory_core::time::Timestamp;
//!
//! let now: Timestamp = "2026-01-02T03:04:05Z".parse()?;
//! let bus = BusConfig::builder().table_name("events").build()?;
//! let mut memory = Memory::default().with_table(bus.table());
//!
//! let event = Event::new("t1", "order.created").payload(&[1, 2]);
//! let published = run(bus.publish(event, now, 7)?, &mut memory).result?;
//!
//! let query = EventQuery::new("t1").of_type("order.created").limit(10);
//! let page = run(bus.query(&query)?, &mut memory).result?;
//! assert_eq!(page.events, [published.event]);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod codec;
mod config;
mod cursor;
mod delete;
mod erase;
mod error;
mod event;
mod follow;
mod get;
mod keys;
mod lookup;
mod memory;
mod metrics;
mod page;
mod payload;
mod plan;
mod publish;
mod query;
mod query_events;
mod retry;
mod schema;
mod stream;
#[cfg(test)]
mod tests;
mod ulid;

pub use crate::store::{AttributeStyle, StoreFailure};
pub use codec::{EventCodec, UnreadableItem};
pub use config::{BusConfig, BusConfigBuilder};
pub use cursor::{CursorSeal, OffsetCursor};
pub use delete::{DeleteEvent, Deleted};
pub use erase::DeleteTenant;
pub use error::{Error, ErrorKind};
pub use event::Event;
pub use follow::{Followed, Following};
pub use get::GetEvent;
pub use keys::{
    EventKey, FIRST_INSTANT, LAST_INSTANT, Separator, partition_key, subscription_type,
};
pub use memory::MemoryBus;
pub use metrics::{BusMetric, Measured};
pub use page::{EventPage, PageEnd};
pub use payload::Payload;
pub use publish::{Publish, PublishOutcome, Published};
pub use query::{EventQuery, Order};
pub use query_events::QueryEvents;
pub use schema::{AttributeNames, ID_INDEX, PayloadEncoding, TENANT_INDEX, TimestampFormat};
pub use stream::EventChange;
pub use ulid::{NotUlid, Ulid, UlidGenerator};
