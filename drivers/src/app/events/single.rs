//! SNS notifications and EventBridge events, which have one result for the whole event.

use core::future::Future;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::events::{
    Delivery, EventBridgeEvent, EventInput, EventObservation, EventOutcome, SnsRecord, Trigger,
    WorkloadFailed,
};
use serde_json::Value;

use super::{EventRoutes, NamedRoute, Shared};
use crate::app::chain::Chain;
use crate::app::invocation::Invocation;
use crate::app::invoke::InvokeError;
use crate::app::span::in_record;
use crate::app::time::{Begun, TimedOut};
use crate::app::{AppService, Context, Response};
use crate::clock::Clock as _;

impl AppService {
    /// Handles every notification, one after the other, and returns the results. The first failure
    /// fails the invocation.
    pub(in crate::app) async fn answer_sns(
        &self,
        records: Vec<SnsRecord<'_>>,
        begun: Arc<Begun>,
    ) -> Result<String, InvokeError> {
        let EventRoutes { sns, settings, .. } = &self.inner.events;
        let handlers = sns.of_notifications(&records)?;
        if let Some(first) = records.first() {
            begun.span.record_route(first.topic());
        }
        let shared = self.share(begun, Trigger::Sns);
        let guard = shared.cancel_on_drop();
        let mut outputs = Vec::new();
        for (record, handler) in records.into_iter().zip(handlers) {
            let observation = settings.observes_messages.then(|| {
                let (topic, id) = (record.topic(), &record.message_id);
                let request_id = &shared.delivery.request_id;
                EventObservation::message(Trigger::Sns, topic, id, request_id)
            });
            let record = Arc::new(record.into_owned());
            let handled =
                self.output_of(handler, shared.context(EventInput::Sns(Arc::clone(&record))));
            let concluded = self.conclude_whole(observation, handled, &shared, failed);
            let (topic, id) = (record.topic(), &record.message_id);
            outputs.push(in_record(Trigger::Sns, topic, id, concluded).await?);
        }
        guard.disarm();
        Ok(apptheory_core::json::to_text(&Value::Array(outputs)))
    }

    /// Runs the first handler whose rule selects the event, and returns its result: null if there
    /// is no such rule.
    pub(in crate::app) async fn answer_event_bridge(
        &self,
        event: EventBridgeEvent<'_>,
        begun: Arc<Begun>,
    ) -> Result<String, InvokeError> {
        let EventRoutes { event_bridge, .. } = &self.inner.events;
        let NamedRoute { name, handler } = match event_bridge.find(&event) {
            Ok(Some(found)) => found,
            unmatched => {
                self.record_unmatched(&event, &begun.invocation);
                return Ok(unmatched.map(|_| "null".to_owned())?);
            }
        };
        begun.span.record_route(name);
        let shared = self.share(begun, Trigger::EventBridge);
        let guard = shared.cancel_on_drop();
        let observation = EventObservation::event_bridge(&event.envelope(&shared.delivery));
        let event = Arc::new(event.into_owned());
        let handled =
            self.output_of(handler, shared.context(EventInput::EventBridge(Arc::clone(&event))));
        let concluded = self.conclude_whole(Some(observation), handled, &shared, failed);
        let output = in_record(Trigger::EventBridge, &event.source, &event.id, concluded).await?;
        guard.disarm();
        Ok(apptheory_core::json::to_text(&output))
    }

    /// Records an event that no rule selects, because a success would not show it. Draws no new id.
    fn record_unmatched(&self, event: &EventBridgeEvent<'_>, invocation: &Invocation) {
        let Invocation { request_id, deadline, .. } = invocation;
        let now = self.services.clock.now();
        let invocation = Delivery::new(request_id, *deadline, now, String::new);
        let observation = EventObservation::event_bridge(&event.envelope(&invocation));
        self.count_event(Trigger::EventBridge, EventOutcome::Unmatched);
        self.observe(&observation, EventOutcome::Unmatched, &invocation.request_id);
        if self.inner.hooks.log.is_none() {
            log_unmatched(event, &invocation.request_id);
        }
    }

    /// Returns the result of a handler and its middleware for a service, as JSON.
    pub(super) async fn output_of(
        &self,
        chain: &Arc<Chain>,
        context: Context,
    ) -> Result<Value, AppError> {
        self.handle(chain, context, output).await
    }

    /// Returns the output of a handler that finishes in time, or else the failure of the
    /// invocation, which `fail` makes from the handler's error. The application's log gets the
    /// error itself.
    pub(super) async fn conclude_whole(
        &self,
        observation: Option<EventObservation>,
        handled: impl Future<Output = Result<Value, AppError>>,
        shared: &Shared,
        fail: impl FnOnce(AppError) -> InvokeError,
    ) -> Result<Value, InvokeError> {
        match self.in_time(shared.begun.time, handled).await {
            Some(Ok(output)) => {
                self.conclude_event(observation, None, shared);
                Ok(output)
            }
            Some(Err(error)) => {
                self.conclude_event(observation, Some(error.clone()), shared);
                Err(fail(error))
            }
            None => {
                let error = AppError::internal().with_cause(TimedOut);
                self.conclude_event(observation, Some(error), shared);
                Err(TimedOut.into())
            }
        }
    }
}

/// The failure of a workload: its service sees a fixed text.
pub(super) fn failed(error: AppError) -> InvokeError {
    WorkloadFailed::with(Arc::new(error)).into()
}

/// The response to an event cannot be sent to its service: it is not JSON, or a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a middleware responded to an event with something other than JSON")]
struct NotJson;

/// Returns the JSON value of a response's body; null for an empty body.
pub(super) fn output(response: Response) -> Result<Value, AppError> {
    let not_json = || AppError::internal().with_cause(NotJson);
    match (&*response.body, &response.stream) {
        (_, Some(_)) => Err(not_json()),
        ([], None) => Ok(Value::Null),
        (body, None) => serde_json::from_slice(body).map_err(|_| not_json()),
    }
}

#[cfg(feature = "tracing")]
fn log_unmatched(event: &EventBridgeEvent<'_>, request_id: &str) {
    use apptheory_core::sanitize::log_text;

    let (source, detail_type) = (&*log_text(&event.source), &*log_text(&event.detail_type));
    let (id, request_id) = (&*log_text(&event.id), &*log_text(request_id));
    tracing::warn!(source, detail_type, id, request_id, "no rule selects an EventBridge event");
}

#[cfg(not(feature = "tracing"))]
const fn log_unmatched(_: &EventBridgeEvent<'_>, _: &str) {}
