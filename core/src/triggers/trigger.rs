//! The triggers other than HTTP, and events that are not theirs.

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
#[error("apptheory: parse {} event: {cause}", .trigger.event())]
pub struct EventError {
    /// The trigger that it was taken to be of.
    pub trigger: Trigger,
    /// Where in the event reading failed.
    #[source]
    pub cause: JsonError,
}

/// A record is not what its trigger sends. The record fails, and no other does.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecordError {
    /// A member that is read has another type than it should.
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
}
