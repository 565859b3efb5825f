//! Events that are answered as a whole: notifications of SNS, and events of EventBridge.

use std::sync::Arc;

use apptheory_core::triggers::{
    EventBridgeEvent, EventObservation, Trigger, WorkloadFailed, read_sns,
};
use serde_json::Value;

use super::EventRoutes;
use super::context::{EventInput, Shared};
use super::handler::{EventError, run};
use crate::app::App;
use crate::app::context::Invocation;
use crate::app::invoke::InvokeError;

impl App {
    /// Has every notification handled, one after the other, and answers what came of each. The first
    /// that fails fails the invocation.
    pub(in crate::app) async fn invoke_sns(
        &self,
        event: &str,
        invocation: Invocation,
    ) -> Result<String, InvokeError> {
        let EventRoutes { sns, layers, settings, .. } = &self.inner.events;
        let records = read_sns(event)?;
        let handlers = sns.of_notifications(&records)?;
        let shared = self.share(&invocation);
        let guard = shared.cancellation.clone().drop_guard();
        let mut outputs = Vec::new();
        for (record, handler) in records.into_iter().zip(handlers) {
            let observation = settings.observes_messages.then(|| {
                let (topic, id) = (record.topic(), &record.message_id);
                let request_id = &shared.invocation.request_id;
                EventObservation::message(Trigger::Sns, topic, id, request_id)
            });
            let record = Arc::new(record.into_owned());
            let context = shared.context(EventInput::Sns(Arc::clone(&record)));
            match run(layers, handler, record, context).await {
                Ok(output) => {
                    self.conclude_event(observation, None, &shared);
                    outputs.push(output);
                }
                Err(error) => return Err(self.fail_workload(observation, error, &shared)),
            }
        }
        let _ = guard.disarm();
        Ok(apptheory_core::json::to_text(&Value::Array(outputs)))
    }

    /// Has an event handled by the first handler that selects it, and answers what came of it: null
    /// when nobody does.
    pub(in crate::app) async fn invoke_event_bridge(
        &self,
        event: &str,
        invocation: Invocation,
    ) -> Result<String, InvokeError> {
        let EventRoutes { event_bridge, layers, .. } = &self.inner.events;
        let event = EventBridgeEvent::read(event)?;
        let Some(handler) = event_bridge.find(&event)? else { return Ok("null".to_owned()) };
        let shared = self.share(&invocation);
        let guard = shared.cancellation.clone().drop_guard();
        let observation = EventObservation::event_bridge(&event.envelope(&shared.invocation));
        let event = Arc::new(event.into_owned());
        let context = shared.context(EventInput::EventBridge(Arc::clone(&event)));
        match run(layers, handler, event, context).await {
            Ok(output) => {
                self.conclude_event(Some(observation), None, &shared);
                let _ = guard.disarm();
                Ok(apptheory_core::json::to_text(&output))
            }
            Err(error) => Err(self.fail_workload(Some(observation), error, &shared)),
        }
    }

    /// The failure of an invocation: what it says outside is fixed, and the application is told the
    /// rest.
    fn fail_workload(
        &self,
        observation: Option<EventObservation>,
        error: EventError,
        shared: &Shared,
    ) -> InvokeError {
        let error: Arc<dyn core::error::Error + Send + Sync> = Arc::from(error);
        self.conclude_event(observation, Some(Arc::clone(&error)), shared);
        WorkloadFailed::with(error).into()
    }
}
