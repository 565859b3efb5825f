//! The triggers other than HTTP, and events that are not theirs.

use super::http::AuthorizerEvent;
use crate::json::JsonError;

/// What can invoke a function, other than HTTP.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Trigger {
    /// SQS.
    Sqs,
    /// Kinesis.
    Kinesis,
    /// The stream of a DynamoDB table.
    DynamoDbStream,
    /// SNS.
    Sns,
    /// EventBridge.
    EventBridge,
    /// API Gateway's WebSocket APIs.
    WebSocket,
}

impl Trigger {
    /// The trigger's name in logs, metrics and spans: `sqs`, `kinesis`, `dynamodb_stream`, `sns`,
    /// `eventbridge` or `websocket`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::Kinesis => "kinesis",
            Self::DynamoDbStream => "dynamodb_stream",
            Self::Sns => "sns",
            Self::EventBridge => "eventbridge",
            Self::WebSocket => "websocket",
        }
    }

    /// What the records of its batches name as their source; none where events have no records.
    pub(super) const fn event_source(self) -> Option<&'static str> {
        match self {
            Self::Sqs => Some("aws:sqs"),
            Self::Kinesis => Some("aws:kinesis"),
            Self::DynamoDbStream => Some("aws:dynamodb"),
            Self::Sns => Some("aws:sns"),
            Self::EventBridge | Self::WebSocket => None,
        }
    }

    /// What its events are called in errors.
    const fn event(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::Kinesis => "kinesis",
            Self::DynamoDbStream => "dynamodb stream",
            Self::Sns => "sns",
            Self::EventBridge => "eventbridge",
            Self::WebSocket => "apigw websocket",
        }
    }
}

/// An event is not what its trigger sends. The invocation fails, so that the service tries it again
/// or keeps it where failures go; nothing was handled. Check what the function is wired to.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EventError {
    /// A member that is read has another type than it should, or comes twice.
    #[error("apptheory: parse {} event: {cause}", .trigger.event())]
    Malformed {
        /// The trigger that it was taken to be of.
        trigger: Trigger,
        /// Where in the event reading failed.
        #[source]
        cause: JsonError,
    },
    /// A record is from another service than the event, and the trigger cannot fail it alone.
    #[error("apptheory: parse {} event: a record is from another service", .trigger.event())]
    ForeignRecord {
        /// The trigger of the event.
        trigger: Trigger,
    },
    /// The event is of a tumbling window, with or without records. Lambda expects state in the
    /// answer to it, and a handler of records has none.
    #[error(
        "apptheory: {} events of tumbling windows are not supported, and no record was handled: \
         remove TumblingWindowInSeconds from the event source mapping",
        .trigger.event()
    )]
    TumblingWindow {
        /// The trigger whose mapping has a window.
        trigger: Trigger,
    },
    /// The event asks a Lambda authorizer about `$connect`.
    #[error("apptheory: unknown event type")]
    Authorizer(#[source] AuthorizerEvent),
}

/// A record is not what its trigger sends. The record fails, and no other does.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecordError {
    /// A member that is read has another type than it should, or comes twice.
    #[error("apptheory: parse {} record: {cause}", .trigger.event())]
    Malformed {
        /// The trigger that it was taken to be of.
        trigger: Trigger,
        /// Where in the record reading failed.
        #[source]
        cause: JsonError,
    },
    /// The data of a Kinesis record is not base64.
    #[error("apptheory: parse kinesis record: invalid base64")]
    InvalidBase64,
    /// The record names another service as its source than the first one of its batch.
    #[error("apptheory: parse {} record: it is from another service", .trigger.event())]
    ForeignSource {
        /// The trigger of the batch.
        trigger: Trigger,
    },
    /// The data of a Kinesis record begins like an aggregate of the Kinesis Producer Library, which
    /// holds many records in one.
    #[error(
        "apptheory: parse kinesis record: aggregates of the Kinesis Producer Library are not \
         supported: write with AggregationEnabled=false"
    )]
    KplAggregate,
    /// The data of a Kinesis record is a change of a DynamoDB table, as Kinesis Data Streams for
    /// DynamoDB writes it.
    #[error(
        "apptheory: parse kinesis record: changes of DynamoDB tables that come through Kinesis Data \
         Streams are not supported: use the table's own stream"
    )]
    DynamoDbChange,
}
