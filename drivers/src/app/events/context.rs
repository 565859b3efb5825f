//! What a handler of an event knows about its invocation.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::events::{Delivery, Trigger};
use apptheory_core::gateway;
use apptheory_core::invocation_time::InvocationTime;
use apptheory_core::time::Timestamp;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use super::{DynamoDbChange, EventBridgeMessage, KinesisMessage, SnsNotification, SqsMessage};
use crate::app::context::Services;
use crate::app::values::Values;
use crate::clock::{Clock as _, SharedClock};
use crate::websocket::WebSocketClient;

/// What a handler or a middleware of an event knows about its invocation. Every record has one of
/// its own; clones are the same record's.
#[derive(Clone)]
pub struct EventContext {
    input: EventInput,
    delivery: Arc<Delivery>,
    time: InvocationTime,
    services: Arc<Services>,
    values: Arc<Values>,
    cancellation: CancellationToken,
}

/// A record, or an event, that a handler is called for.
#[derive(Clone, Debug)]
pub enum EventInput {
    /// A message of SQS.
    Sqs(Arc<SqsMessage>),
    /// A record of Kinesis.
    Kinesis(Arc<KinesisMessage>),
    /// A change of a DynamoDB table.
    DynamoDb(Arc<DynamoDbChange>),
    /// A notification of SNS.
    Sns(Arc<SnsNotification>),
    /// An event of EventBridge.
    EventBridge(Arc<EventBridgeMessage>),
}

impl EventInput {
    /// What invoked the function with it.
    #[must_use]
    pub const fn trigger(&self) -> Trigger {
        match self {
            Self::Sqs(_) => Trigger::Sqs,
            Self::Kinesis(_) => Trigger::Kinesis,
            Self::DynamoDb(_) => Trigger::DynamoDbStream,
            Self::Sns(_) => Trigger::Sns,
            Self::EventBridge(_) => Trigger::EventBridge,
        }
    }

    /// The id that its service gave it, the same however often it comes; or an empty text.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Sqs(message) => &message.message_id,
            Self::Kinesis(record) => either(&record.event_id, &record.sequence_number),
            Self::DynamoDb(change) => either(&change.event_id, &change.sequence_number),
            Self::Sns(notification) => &notification.message_id,
            Self::EventBridge(event) => &event.id,
        }
    }

    /// Who sent it: the ARN of the queue, stream or topic, or the source of an event.
    #[must_use]
    pub fn sender(&self) -> &str {
        match self {
            Self::Sqs(message) => &message.event_source_arn,
            Self::Kinesis(record) => &record.event_source_arn,
            Self::DynamoDb(change) => &change.event_source_arn,
            Self::Sns(notification) => &notification.topic_arn,
            Self::EventBridge(event) => &event.source,
        }
    }
}

/// The first text, or the other one when that is blank.
fn either<'t>(first: &'t str, other: &'t str) -> &'t str {
    if first.trim().is_empty() { other } else { first }
}

/// What the records of an invocation have in common.
pub(super) struct Shared {
    pub(super) delivery: Arc<Delivery>,
    pub(super) time: InvocationTime,
    pub(super) services: Arc<Services>,
    pub(super) cancellation: CancellationToken,
}

impl Shared {
    /// The same for one record, which may be given up alone.
    pub(super) fn of_record(&self) -> Self {
        Self {
            delivery: Arc::clone(&self.delivery),
            time: self.time,
            services: Arc::clone(&self.services),
            cancellation: self.cancellation.child_token(),
        }
    }

    pub(super) fn context(&self, input: EventInput) -> EventContext {
        EventContext {
            input,
            delivery: Arc::clone(&self.delivery),
            time: self.time,
            services: Arc::clone(&self.services),
            values: Arc::default(),
            cancellation: self.cancellation.clone(),
        }
    }
}

impl EventContext {
    /// The record or event.
    #[must_use]
    pub const fn input(&self) -> &EventInput {
        &self.input
    }

    /// The delivery of the record or event, as the workload helpers of
    /// [`events`](apptheory_core::events) take it.
    #[must_use]
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// The id of the invocation: Lambda's, or a new one. All records of a batch have the same.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.delivery.request_id
    }

    /// How long there is left. `None` when there is no deadline, zero when it has passed.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.time.ends_at().map(|deadline| self.now().until(deadline))
    }

    /// The present instant, by the application's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.services.clock.now()
    }

    /// The application's clock: sleep on it, and tests need not wait.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.services.clock
    }

    /// A new id from the application's source.
    #[must_use]
    pub fn new_id(&self) -> String {
        self.services.ids.next_text()
    }

    /// A client for the connections of the WebSocket API at `endpoint`, from the application's
    /// [factory](crate::app::AppBuilder::websocket_clients).
    ///
    /// # Errors
    ///
    /// [`gateway::Error`] of the kind [`MissingFactory`](gateway::ErrorKind::MissingFactory), or the
    /// factory's.
    pub async fn websocket_client(
        &self,
        endpoint: &str,
    ) -> Result<WebSocketClient, gateway::Error> {
        self.services.websocket_client(endpoint).await
    }

    /// Ends when nobody waits for the record any more: for work that its handler started elsewhere.
    #[must_use]
    pub const fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    /// Leaves a value for the rest of the record, under a name that is trimmed. A blank name is
    /// ignored.
    pub fn set(&self, name: &str, value: impl Into<Json>) {
        self.values.set(name, value.into());
    }

    /// A value that was left under a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Json> {
        self.values.get(name)
    }
}

/// What a record holds is not printed.
impl fmt::Debug for EventContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventContext")
            .field("trigger", &self.input.trigger())
            .field("request_id", &self.delivery.request_id)
            .finish_non_exhaustive()
    }
}
