//! Registering handlers of events.

use core::fmt;
use core::num::NonZeroUsize;

use apptheory_core::events::{
    AfterFailure, EventBridgeRoutes, OnUnmatched, RouteTaken, Routes, Rule,
};

use super::handler::{EventHandler, EventLayer, EventMiddleware, Handler, erased};
use super::{
    DynamoDbChange, EventBridgeMessage, EventRoutes, EventSettings, KinesisMessage,
    SnsNotification, SqsMessage,
};
use crate::app::{AppBuilder, BuildError};

/// Handlers of events, while an application is put together.
pub(in crate::app) struct EventBuilder {
    sqs: Routes<Handler<SqsMessage>>,
    kinesis: Routes<Handler<KinesisMessage>>,
    dynamodb: Routes<Handler<DynamoDbChange>>,
    sns: Routes<Handler<SnsNotification>>,
    event_bridge: Vec<(Rule, Handler<EventBridgeMessage>)>,
    on_unmatched: OnUnmatched,
    layers: Vec<EventLayer>,
    settings: EventSettings,
    /// The first registration that was refused.
    refused: Option<BuildError>,
}

/// What a handler of events is registered for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::app) enum EventRoute {
    Queue,
    Stream,
    Table,
    Topic,
    Rule,
    RouteKey,
}

impl EventRoute {
    /// The method that registers it, and what its argument is called.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Queue => ("sqs", "queue"),
            Self::Stream => ("kinesis", "stream"),
            Self::Table => ("dynamodb", "table"),
            Self::Topic => ("sns", "topic"),
            Self::Rule => ("event_bridge", "rule"),
            Self::RouteKey => ("websocket", "route key"),
        }
    }

    /// Why a handler would never run, and what to do.
    fn reason(self, taken: &RouteTaken) -> String {
        let (_, what) = self.names();
        match taken {
            RouteTaken::Blank => format!("the {what} is blank; name one, or remove the handler"),
            RouteTaken::By(earlier) if self == Self::Rule => format!(
                "{earlier}, registered before it, selects the same events; register the narrower \
                 rule first, or remove one of the two"
            ),
            RouteTaken::By(earlier) => format!(
                "the {what} {earlier:?} has a handler already; remove one of the two, or let one \
                 handler do the work of both"
            ),
        }
    }
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
                observes_messages: false,
                tags_correlation_id: true,
            },
            refused: None,
        }
    }
}

impl EventBuilder {
    /// Keeps why a registration was refused; the first reason is reported.
    pub(in crate::app) fn keep(
        &mut self,
        registered: Result<(), RouteTaken>,
        route: EventRoute,
        given: impl fmt::Display,
    ) {
        if let Err(taken) = registered {
            let (method, _) = route.names();
            self.refused.get_or_insert_with(|| BuildError::Event {
                method,
                given: given.to_string(),
                reason: route.reason(&taken),
            });
        }
    }

    /// Keeps what is wrong, unless something was before.
    pub(in crate::app) fn refuse(&mut self, error: BuildError) {
        self.refused.get_or_insert(error);
    }

    pub(in crate::app) fn build(mut self) -> Result<EventRoutes, BuildError> {
        let mut event_bridge = EventBridgeRoutes::new(self.on_unmatched);
        for (rule, handler) in core::mem::take(&mut self.event_bridge) {
            let given = rule.to_string();
            self.keep(event_bridge.insert(rule, handler), EventRoute::Rule, given);
        }
        let Self { sqs, kinesis, dynamodb, sns, layers, settings, refused, .. } = self;
        match refused {
            Some(refused) => Err(refused),
            None => {
                let layers = layers.into();
                Ok(EventRoutes { sqs, kinesis, dynamodb, sns, event_bridge, layers, settings })
            }
        }
    }
}

/// Events. Names are trimmed; a blank one, and one that has a handler, is an
/// [error](BuildError::Event) of [`build`](Self::build). Records from elsewhere fail.
impl<S: Send + Sync + 'static> AppBuilder<S> {
    /// Handles the messages of a queue. The event source mapping has to have
    /// `ReportBatchItemFailures`: without it, SQS takes a batch that failed in part for handled.
    ///
    /// In a FIFO queue, the rest of a message group is not handled once one of its messages failed.
    #[must_use]
    pub fn sqs<A>(mut self, queue: &str, handler: impl EventHandler<A, SqsMessage>) -> Self {
        let registered = self.events.sqs.insert(queue, erased(handler));
        self.events.keep(registered, EventRoute::Queue, format_args!("{queue:?}"));
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
        let registered = self.events.kinesis.insert(stream, erased(handler));
        self.events.keep(registered, EventRoute::Stream, format_args!("{stream:?}"));
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
        let registered = self.events.dynamodb.insert(table, erased(handler));
        self.events.keep(registered, EventRoute::Table, format_args!("{table:?}"));
        self
    }

    /// Handles the notifications of a topic. What a handler returns is part of the answer, which
    /// nobody but tests reads.
    #[must_use]
    pub fn sns<A>(mut self, topic: &str, handler: impl EventHandler<A, SnsNotification>) -> Self {
        let registered = self.events.sns.insert(topic, erased(handler));
        self.events.keep(registered, EventRoute::Topic, format_args!("{topic:?}"));
        self
    }

    /// Handles the events that a rule selects. The first that was registered goes first; one
    /// whose events an earlier rule all selects is an error of [`build`](Self::build).
    #[must_use]
    pub fn event_bridge<A>(
        mut self,
        rule: Rule,
        handler: impl EventHandler<A, EventBridgeMessage>,
    ) -> Self {
        self.events.event_bridge.push((rule, erased(handler)));
        self
    }

    /// What becomes of events of EventBridge that nobody selects: they succeed, unless told
    /// otherwise. Either way they are recorded for the hooks, with the outcome `unmatched`; without a
    /// log hook, and with the feature `tracing`, a warning is logged.
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

    /// What happens to the rest of a batch when one of its records fails.
    ///
    /// | | shard of Kinesis or DynamoDB | FIFO queue | other queue |
    /// |---|---|---|---|
    /// | [`Continue`](AfterFailure::Continue), the default | runs all the same | other message groups run | runs |
    /// | [`SkipGroup`](AfterFailure::SkipGroup) | fails, so that the order holds | other message groups run | runs |
    /// | [`SkipAll`](AfterFailure::SkipAll) | fails, so that the order holds | fails, whatever its group | runs |
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

    /// Leaves the tag `correlation_id` out of the metrics of events. It has a new value for every
    /// event: leave it out where metrics are paid for by the number of their tags' values. Log
    /// records and spans keep it.
    #[must_use]
    pub fn without_correlation_tag(mut self) -> Self {
        self.events.settings.tags_correlation_id = false;
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
