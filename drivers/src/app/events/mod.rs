//! Events of queues, streams, topics, buses and tables, with ordinary async functions behind them.
//!
//! This module runs handlers and middleware, keeps their panics to the record that they are for, and
//! tells the application why one failed. Which handler a record is for, in which order records run,
//! and what is answered, so that none is lost, is [`apptheory_core::events`]' to decide.
//!
//! ```
//! use std::sync::Arc;
//! use apptheory::app::{App, Invocation};
//! use apptheory::app::events::SqsMessage;
//!
//! async fn ship(message: Arc<SqsMessage>) -> Result<(), &'static str> {
//!     if message.body == "tea" { Ok(()) } else { Err("out of stock") }
//! }
//!
//! let app = App::builder().sqs("orders", ship).build()?;
//! let event = r#"{"Records":[
//!     {"eventSource":"aws:sqs","messageId":"1","eventSourceARN":"a:orders","body":"tea"},
//!     {"eventSource":"aws:sqs","messageId":"2","eventSourceARN":"a:orders","body":"ink"}]}"#;
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let answer = app.invoke(event, Invocation::default()).await?;
//! assert_eq!(answer, r#"{"batchItemFailures":[{"itemIdentifier":"2"}]}"#);
//! # Ok::<(), apptheory::app::InvokeError>(())
//! # }).unwrap();
//! # Ok::<(), apptheory::app::BuildError>(())
//! ```

mod batch;
mod bus;
mod context;
#[cfg(feature = "aws_lambda_events")]
mod convert;
mod handler;
mod register;
mod single;
#[cfg(test)]
mod tests;

use core::num::NonZeroUsize;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::events::{
    AfterFailure, Delivery, DynamoDbRecord, EventBridgeEvent, EventBridgeRoutes, EventObservation,
    EventOutcome, KinesisRecord, Routes, SnsRecord, SqsRecord,
};
use tokio_util::sync::CancellationToken;

pub use context::{EventContext, EventInput};
#[cfg(feature = "aws_lambda_events")]
pub use convert::{Refused, ToLambdaEvent};
pub use handler::{
    BoxError, EventHandler, EventMiddleware, EventNext, EventResult, IntoEventResult,
};

use super::App;
use super::guard::isolated;
use super::hooks::Failure;
use super::invocation::Invocation;
use super::time::Begun;
use crate::clock::Clock as _;
use context::Shared;
use handler::{EventLayer, Handler};
pub(super) use register::{EventBuilder, EventRoute};

/// A message of SQS.
pub type SqsMessage = SqsRecord<'static>;
/// A record of Kinesis, its data decoded.
pub type KinesisMessage = KinesisRecord<'static>;
/// A change of a DynamoDB table.
pub type DynamoDbChange = DynamoDbRecord<'static>;
/// A notification of SNS.
pub type SnsNotification = SnsRecord<'static>;
/// An event of EventBridge.
pub type EventBridgeMessage = EventBridgeEvent<'static>;

/// The handlers of an application's events.
pub(super) struct EventRoutes {
    sqs: Routes<Handler<SqsMessage>>,
    kinesis: Routes<Handler<KinesisMessage>>,
    dynamodb: Routes<Handler<DynamoDbChange>>,
    sns: Routes<Handler<SnsNotification>>,
    event_bridge: EventBridgeRoutes<Handler<EventBridgeMessage>>,
    layers: Arc<[EventLayer]>,
    settings: EventSettings,
}

/// What an application decides once for all of its events.
#[derive(Clone, Copy, Debug)]
struct EventSettings {
    after_failure: AfterFailure,
    concurrency: NonZeroUsize,
    observes_messages: bool,
    /// Whether metrics have the tag `correlation_id`.
    tags_correlation_id: bool,
}

impl EventRoutes {
    /// Whether records are kept of messages too, and not of events alone.
    pub(super) const fn observes_messages(&self) -> bool {
        self.settings.observes_messages
    }
}

impl App {
    /// What the records of an invocation have in common.
    fn share(&self, begun: &Begun) -> Shared {
        let services = &self.services;
        let now = services.clock.now();
        let Invocation { request_id, deadline, .. } = &begun.invocation;
        let new_id = || services.ids.next_text();
        Shared {
            delivery: Arc::new(Delivery::new(request_id, *deadline, now, new_id)),
            time: begun.time,
            services: Arc::clone(services),
            cancellation: CancellationToken::new(),
        }
    }

    /// Records how a record or an event was handled, and tells the application why it was not.
    fn conclude_event(
        &self,
        observation: Option<EventObservation>,
        error: Option<Arc<dyn core::error::Error + Send + Sync>>,
        shared: &Shared,
    ) {
        let request_id = &shared.delivery.request_id;
        let outcome = if error.is_some() { EventOutcome::Error } else { EventOutcome::Success };
        if let Some(observation) = observation {
            self.observe(&observation, outcome, request_id);
        }
        if let Some(error) = error {
            let error = AppError::internal().with_shared_cause(error);
            self.tell(Failure { request_id: request_id.clone(), error });
        }
    }

    /// Hands the records of an event to the application's hooks.
    pub(super) fn observe(
        &self,
        observation: &EventObservation,
        outcome: EventOutcome,
        request_id: &str,
    ) {
        let hooks = &self.inner.hooks;
        let report = |panic| self.tell_cause(request_id, panic);
        self.log(&observation.log(outcome), request_id);
        if let Some(hook) = &hooks.metric {
            let metric = observation.metric(outcome);
            let metric = match self.inner.events.settings.tags_correlation_id {
                true => metric,
                false => metric.without_tag("correlation_id"),
            };
            isolated("the metric hook", || hook(&metric), report);
        }
        if let Some(hook) = &hooks.span {
            isolated("the span hook", || hook(&observation.span(outcome)), report);
        }
    }
}
