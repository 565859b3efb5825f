//! Registering handlers of events, on routers and applications alike.

use apptheory_core::events::Rule;

use crate::app::router::Target;
use crate::app::{App, Handler, Router, kind};

macro_rules! events {
    ($($owner:ident)+) => {$(
        /// Events. Names are trimmed; a blank one, and one that has a handler, is an
        /// [error](crate::app::BuildError::Event) of [`build`](App::build). Records from elsewhere fail.
        impl<S: Send + Sync + 'static> $owner<S> {
            /// Handles the messages of a queue. The event source mapping has to have
            /// `ReportBatchItemFailures`: without it, SQS takes a batch that failed in part for
            /// handled.
            ///
            /// In a FIFO queue, the rest of a message group is not handled once one of its messages
            /// failed.
            #[must_use]
            pub fn sqs<A>(mut self, queue: &str, handler: impl Handler<A, S, kind::Sqs>) -> Self {
                self.router().add(Target::Queue(queue.to_owned()), handler.into_layered());
                self
            }

            /// Handles the records of a Kinesis stream. The event source mapping has to have
            /// `ReportBatchItemFailures`.
            #[must_use]
            pub fn kinesis<A>(
                mut self,
                stream: &str,
                handler: impl Handler<A, S, kind::Kinesis>,
            ) -> Self {
                self.router().add(Target::Stream(stream.to_owned()), handler.into_layered());
                self
            }

            /// Handles the changes of a DynamoDB table. The event source mapping has to have
            /// `ReportBatchItemFailures`.
            #[must_use]
            pub fn dynamodb<A>(
                mut self,
                table: &str,
                handler: impl Handler<A, S, kind::DynamoDb>,
            ) -> Self {
                self.router().add(Target::Table(table.to_owned()), handler.into_layered());
                self
            }

            /// Handles the notifications of a topic. What a handler returns is part of the answer,
            /// which nobody but tests reads.
            #[must_use]
            pub fn sns<A>(mut self, topic: &str, handler: impl Handler<A, S, kind::Sns>) -> Self {
                self.router().add(Target::Topic(topic.to_owned()), handler.into_layered());
                self
            }

            /// Handles the events that a rule selects. The first that was registered goes first; one
            /// whose events an earlier rule all selects is an error of [`build`](App::build).
            #[must_use]
            pub fn event_bridge<A>(
                mut self,
                rule: Rule,
                handler: impl Handler<A, S, kind::EventBridge>,
            ) -> Self {
                self.router().add(Target::Event(rule), handler.into_layered());
                self
            }
        }
    )+};
}

events!(Router App);
