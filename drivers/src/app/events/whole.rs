//! Events with records that come again as a whole: those of S3, SES, CodeCommit, Amazon MQ, DocumentDB
//! and CloudWatch Logs.

use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::events::{BatchEvent, BatchRecord, BatchSource, EventInput};
use serde_json::Value;

use super::batch::unregistered;
use super::single::failed;
use crate::app::AppService;
use crate::app::chain::Chain;
use crate::app::invoke::InvokeError;
use crate::app::span::in_record;
use crate::app::time::Begun;

impl AppService {
    /// Has every record handled, one after the other. The first that fails fails the invocation.
    pub(super) async fn answer_whole(
        &self,
        event: &BatchEvent<'_>,
        begun: Begun,
    ) -> Result<String, InvokeError> {
        let source = event.source();
        if let Some(first) = event.record(0) {
            begun.span.record_route(first.name());
        }
        let shared = self.share(begun, source.trigger());
        // All are looked up before any runs, so that an event that will fail for one of its records does
        // not have half of its work done first.
        let mut handlers = Vec::new();
        for record in event.records() {
            handlers.push(self.handler_of(source, &record).map_err(|error| {
                let observation = self.observation(source, &record, &shared);
                self.conclude_event(observation, Some(error.clone()), &shared);
                failed(error)
            })?);
        }
        let guard = shared.cancellation.clone().drop_guard();
        let mut output = Value::Null;
        for (record, handler) in event.records().zip(handlers) {
            let observation = self.observation(source, &record, &shared);
            let handled = async {
                self.output_of(handler, shared.context(EventInput::read(source, &record)?)).await
            };
            let concluded = self.conclude_whole(observation, handled, &shared, failed);
            output =
                in_record(source.trigger(), record.name(), record.identifier(), concluded).await?;
        }
        let _ = guard.disarm();
        // Only SES reads an answer, and sends one mail at a time.
        let answer = if source == BatchSource::Ses { output } else { Value::Null };
        Ok(apptheory_core::json::to_text(&answer))
    }

    /// The handler of a record, or why it has no handler.
    fn handler_of(
        &self,
        source: BatchSource,
        record: &BatchRecord<'_>,
    ) -> Result<&Arc<Chain>, AppError> {
        let found = self.inner.events.handler(source, record.name());
        found.ok_or_else(|| match EventInput::read(source, record) {
            Ok(_) => unregistered(record),
            // Of a record that cannot be read, the name need not be there.
            Err(unreadable) => unreadable.into(),
        })
    }
}
