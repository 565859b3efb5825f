//! Subscribers of an event bus, run for changes in the table's stream.

use std::sync::Arc;

use apptheory_core::eventbus::{Error, EventChange};
use apptheory_core::events::{ArnKind, name_from_arn};
use apptheory_core::json;
use serde_json::Value as Json;

use super::DynamoDbChange;
use crate::app::{App, Router};
use crate::eventbus::EventBus;

macro_rules! buses {
    ($($owner:ident)+) => {$(
        impl<S: Send + Sync + 'static> $owner<S> {
            /// Runs the subscribers of an event bus for new events in its table's stream, one after
            /// the other in the order of the stream. The stream needs new images (`NEW_IMAGE`), and
            /// the event source mapping `ReportBatchItemFailures`.
            ///
            /// Only new events are delivered, not deletions or expiries. Streams deliver at least
            /// once, and after a failure all subscribers of an event's type run again: make them
            /// idempotent, for instance with [`Idempotent`](crate::idempotency::Idempotent).
            ///
            /// ```
            /// use apptheory::app::App;
            /// use apptheory::eventbus::EventBus;
            /// use apptheory::store::Store;
            ///
            /// let bus = EventBus::on(&Store::memory());
            /// bus.subscribe("order.created", |event| async move {
            ///     if event.tenant_id == "t1" { Ok(()) } else { Err("unexpected tenant".into()) }
            /// })?;
            /// let app = App::new().eventbus(&bus).build()?;
            /// # Ok::<(), Box<dyn core::error::Error>>(())
            /// ```
            ///
            /// An application whose bus has an invalid configuration does not [build](App::build).
            #[must_use]
            pub fn eventbus(mut self, bus: &EventBus) -> Self {
                let table = match bus.config() {
                    Ok(config) => config.table_name().clone(),
                    Err(error) => {
                        self.router().refuse(error.into());
                        return self;
                    }
                };
                // A table in another account is named by its ARN.
                let name = match name_from_arn(ArnKind::DynamoDbStream, table.as_ref()) {
                    "" => table.as_ref(),
                    name => name,
                };
                let bus = bus.clone();
                self.dynamodb(name, move |change: Arc<DynamoDbChange>| {
                    let bus = bus.clone();
                    async move { deliver(&bus, &change).await }
                })
            }
        }
    )+};
}

buses!(Router App);

async fn deliver(bus: &EventBus, change: &DynamoDbChange) -> Result<(), Error> {
    let record: Json = json::read_object(change.as_json()).map_err(Error::malformed_record)?;
    match bus.config()?.codec().decode_stream_record(&record)? {
        EventChange::Inserted(event) => bus.deliver(&event).await,
        EventChange::Modified { .. } | EventChange::Removed { .. } => Ok(()),
    }
}
