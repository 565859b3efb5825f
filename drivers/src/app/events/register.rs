//! Registering handlers of events.

use core::num::NonZeroUsize;
use core::time::Duration;

use apptheory_core::triggers::{
    AfterFailure, EventBridgeRoutes, EventBridgeSelector, OnUnmatched, Routes,
};

use super::handler::{EventHandler, EventLayer, EventMiddleware, Handler, erased};
use super::{
    DynamoDbChange, EVENT_RESERVE, EventBridgeMessage, EventRoutes, EventSettings, KinesisMessage,
    SnsNotification, SqsMessage,
};
use crate::app::AppBuilder;

/// Handlers of events, while an application is put together.
pub(in crate::app) struct EventBuilder {
    sqs: Routes<Handler<SqsMessage>>,
    kinesis: Routes<Handler<KinesisMessage>>,
    dynamodb: Routes<Handler<DynamoDbChange>>,
    sns: Routes<Handler<SnsNotification>>,
    event_bridge: Vec<(EventBridgeSelector, Handler<EventBridgeMessage>)>,
    on_unmatched: OnUnmatched,
    layers: Vec<EventLayer>,
    settings: EventSettings,
}

impl Default for EventBuilder {
    fn default() -> Self {
        Self {
            sqs: Routes::new(),
            kinesis: Routes::new(),
            dynamodb: Routes::new(),
            sns: Routes::new(),
            event_bridge: Vec::new(),
            on_unmatched: OnUnmatched::default(),
            layers: Vec::new(),
            settings: EventSettings {
                after_failure: AfterFailure::default(),
                concurrency: NonZeroUsize::MIN,
                reserve: EVENT_RESERVE,
                observes_messages: false,
            },
        }
    }
}

impl EventBuilder {
    pub(in crate::app) fn build(self) -> EventRoutes {
        let Self { sqs, kinesis, dynamodb, sns, layers, settings, .. } = self;
        let mut event_bridge = EventBridgeRoutes::new(self.on_unmatched);
        for (selector, handler) in self.event_bridge {
            event_bridge.insert(selector, handler);
        }
        EventRoutes { sqs, kinesis, dynamodb, sns, event_bridge, layers: layers.into(), settings }
    }
}

/// Events. Names are trimmed; a blank one registers nothing, and of equal ones the first wins.
/// Records from elsewhere fail.
impl<S: Send + Sync + 'static> AppBuilder<S> {
    /// Handles the messages of a queue. The event source mapping has to have
    /// `ReportBatchItemFailures`: without it, SQS takes a batch that failed in part for handled.
    ///
    /// In a FIFO queue, the rest of a message group is not handled once one of its messages failed.
    #[must_use]
    pub fn sqs<A>(mut self, queue: &str, handler: impl EventHandler<A, SqsMessage>) -> Self {
        self.events.sqs.insert(queue, erased(handler));
        self
    }

    /// Handles the records of a Kinesis stream. The event source mapping has to have
    /// `ReportBatchItemFailures`.
    #[must_use]
    pub fn kinesis<A>(
        mut self,
        stream: &str,
        handler: impl EventHandler<A, KinesisMessage>,
    ) -> Self {
        self.events.kinesis.insert(stream, erased(handler));
        self
    }

    /// Handles the changes of a DynamoDB table. The event source mapping has to have
    /// `ReportBatchItemFailures`.
    #[must_use]
    pub fn dynamodb<A>(
        mut self,
        table: &str,
        handler: impl EventHandler<A, DynamoDbChange>,
    ) -> Self {
        self.events.dynamodb.insert(table, erased(handler));
        self
    }

    /// Handles the notifications of a topic. What a handler returns is part of the answer, which
    /// nobody but tests reads.
    #[must_use]
    pub fn sns<A>(mut self, topic: &str, handler: impl EventHandler<A, SnsNotification>) -> Self {
        self.events.sns.insert(topic, erased(handler));
        self
    }

    /// Handles the events that a selector selects. The first that was registered goes first.
    #[must_use]
    pub fn event_bridge<A>(
        mut self,
        selector: EventBridgeSelector,
        handler: impl EventHandler<A, EventBridgeMessage>,
    ) -> Self {
        self.events.event_bridge.push((selector, erased(handler)));
        self
    }

    /// What becomes of events of EventBridge that nobody selects: they succeed, unless told
    /// otherwise.
    #[must_use]
    pub fn on_unmatched(mut self, on_unmatched: OnUnmatched) -> Self {
        self.events.on_unmatched = on_unmatched;
        self
    }

    /// Puts a middleware around the handlers of all events, record by record. The first one is the
    /// outermost.
    #[must_use]
    pub fn event_middleware(mut self, middleware: impl EventMiddleware) -> Self {
        self.events.layers.push(Box::new(middleware));
        self
    }

    /// What happens to the rest of a shard when one of its records fails: it runs all the same,
    /// unless told otherwise. Order across attempts takes [`AfterFailure::SkipGroup`].
    #[must_use]
    pub fn after_failure(mut self, after_failure: AfterFailure) -> Self {
        self.events.settings.after_failure = after_failure;
        self
    }

    /// Handles as many records of a batch at once: one, unless told otherwise. Records of a message
    /// group or a shard still run one after the other.
    #[must_use]
    pub fn event_concurrency(mut self, records: NonZeroUsize) -> Self {
        self.events.settings.concurrency = records;
        self
    }

    /// How long before an invocation ends no record is begun any more: [`EVENT_RESERVE`], unless
    /// told otherwise.
    #[must_use]
    pub fn event_reserve(mut self, reserve: Duration) -> Self {
        self.events.settings.reserve = reserve;
        self
    }

    /// Records every message of SQS, Kinesis, SNS and WebSockets for the hooks, too. Without it, only
    /// changes of tables and events of EventBridge are.
    #[must_use]
    pub fn observe_messages(mut self) -> Self {
        self.events.settings.observes_messages = true;
        self
    }
}
