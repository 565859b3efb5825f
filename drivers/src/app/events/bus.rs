//! Subscribers of an event bus, run by what its table's stream tells.

use std::sync::Arc;

use apptheory_core::eventbus::{Error, EventChange};
use apptheory_core::events::{ArnKind, name_from_arn};
use apptheory_core::json;
use serde_json::Value as Json;

use super::DynamoDbChange;
use crate::app::AppBuilder;
use crate::clock::Clock;
use crate::eventbus::EventBus;

impl<S: Send + Sync + 'static> AppBuilder<S> {
    /// Runs the subscribers of an event bus for the events that its table's stream tells of, one
    /// after the other in the order of the stream. The stream has to carry new images, and the
    /// event source mapping to have `ReportBatchItemFailures`.
    ///
    /// Only new events are delivered: subscribers do not hear of deletions, nor of events whose
    /// time ran out. Streams deliver at least once, and after a failure to all of a type's
    /// subscribers again: put an [`Idempotent`](crate::idempotency::Idempotent) around, or let
    /// them bear it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use apptheory::app::App;
    /// use apptheory::eventbus::{BusConfig, EventBus};
    /// use apptheory::store::MemoryStore;
    ///
    /// let bus = EventBus::new(BusConfig::builder().build()?, MemoryStore::default());
    /// bus.subscribe("order.created", |event| async move {
    ///     if event.tenant_id == "t1" { Ok(()) } else { Err("an unexpected tenant".into()) }
    /// })?;
    /// let app = App::builder().eventbus(Arc::new(bus)).build()?;
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn eventbus<X, C>(self, bus: impl Into<Arc<EventBus<X, C>>>) -> Self
    where
        X: Send + Sync + 'static,
        C: Clock + 'static,
    {
        let bus = bus.into();
        let table = bus.config().table_name().clone();
        // A table in another account is named by its ARN.
        let name = match name_from_arn(ArnKind::DynamoDbStream, table.as_ref()) {
            "" => table.as_ref(),
            name => name,
        };
        self.dynamodb(name, move |change: Arc<DynamoDbChange>| {
            let bus = Arc::clone(&bus);
            async move { deliver(&bus, &change).await }
        })
    }
}

async fn deliver<X, C: Clock>(bus: &EventBus<X, C>, change: &DynamoDbChange) -> Result<(), Error> {
    let record: Json = json::read_object(change.as_json()).map_err(Error::malformed_record)?;
    match bus.config().codec().decode_stream_record(&record)? {
        EventChange::Inserted(event) => bus.deliver(&event).await,
        EventChange::Modified { .. } | EventChange::Removed { .. } => Ok(()),
    }
}
