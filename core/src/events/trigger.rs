//! What can invoke a function, other than HTTP.

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
    /// A direct invocation, or a service that is not known.
    Other,
}

impl Trigger {
    /// Every trigger.
    pub const ALL: [Self; 7] = [
        Self::Sqs,
        Self::Kinesis,
        Self::DynamoDbStream,
        Self::Sns,
        Self::EventBridge,
        Self::WebSocket,
        Self::Other,
    ];

    /// Returns the trigger's name in logs, metrics and spans: `sqs`, `kinesis`, `dynamodb_stream`,
    /// `sns`, `eventbridge`, `websocket` or `other`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::Kinesis => "kinesis",
            Self::DynamoDbStream => "dynamodb_stream",
            Self::Sns => "sns",
            Self::EventBridge => "eventbridge",
            Self::WebSocket => "websocket",
            Self::Other => "other",
        }
    }
}
