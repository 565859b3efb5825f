//! Events whose records are retried only as a whole: those of S3, SES, CodeCommit, Amazon MQ,
//! DocumentDB and CloudWatch Logs.

use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::events::{BatchEvent, BatchRecord, BatchSource};
use serde_json::Value;

use super::RecordRoute;
use super::batch::unregistered;
use super::single::failed;
use crate::app::AppService;
use crate::app::invoke::InvokeError;
use crate::app::span::in_record;
use crate::app::time::Begun;

impl AppService {
    /// Handles every record, one after the other. The first failure fails the invocation.
    pub(super) async fn answer_whole(
        &self,
        event: &BatchEvent<'_>,
        begun: Arc<Begun>,
    ) -> Result<String, InvokeError> {
        let source = event.source();
        if let Some(first) = event.record(0) {
            begun.span.record_route(first.name());
        }
        let shared = self.share(begun, source.trigger());
        // Look all handlers up before running any, so that an event with an unknown record does not
        // run half of its records first.
        let mut routes = Vec::new();
        for record in event.records() {
            routes.push(self.route_of(source, &record).map_err(|error| {
                let observation = self.observation(source, &record, &shared);
                self.conclude_event(observation, Some(error.clone()), &shared);
                failed(error)
            })?);
        }
        let guard = shared.cancel_on_drop();
        let mut output = Value::Null;
        for (record, RecordRoute { reader, handler }) in event.records().zip(routes) {
            let observation = self.observation(source, &record, &shared);
            let handled =
                async { self.output_of(handler, shared.context(reader.read(&record)?)).await };
            let concluded = self.conclude_whole(observation, handled, &shared, failed);
            output =
                in_record(source.trigger(), record.name(), record.identifier(), concluded).await?;
        }
        guard.disarm();
        // Only SES reads a result, and it sends one mail at a time.
        let answer = if source == BatchSource::Ses { output } else { Value::Null };
        Ok(apptheory_core::json::to_text(&answer))
    }

    /// Returns the handler of a record, or why there is no handler.
    fn route_of(
        &self,
        source: BatchSource,
        record: &BatchRecord<'_>,
    ) -> Result<RecordRoute<'_>, AppError> {
        let routes = self.inner.events.records.get(&source).ok_or_else(|| unregistered(record))?;
        routes.find(record.name()).ok_or_else(|| match routes.reader.read(record) {
            Ok(_) => unregistered(record),
            // A malformed record may not have a name.
            Err(unreadable) => unreadable.into(),
        })
    }
}
