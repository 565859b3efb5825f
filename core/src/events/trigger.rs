//! The triggers of a function, except HTTP.

use super::batch_source::BatchSource;
use super::single::SingleSource;

/// What invoked a function, except HTTP.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Trigger {
    /// A service that sends lists of records.
    Records(BatchSource),
    /// SNS.
    Sns,
    /// EventBridge.
    EventBridge,
    /// API Gateway's WebSocket APIs.
    WebSocket,
    /// A service that sends single events.
    Single(SingleSource),
    /// A direct invocation, or an unknown service.
    Other,
}

impl Trigger {
    /// Every trigger.
    pub const ALL: [Self; 28] = [
        Self::Records(BatchSource::Sqs),
        Self::Records(BatchSource::Kinesis),
        Self::Records(BatchSource::DynamoDbStream),
        Self::Records(BatchSource::Kafka),
        Self::Records(BatchSource::S3),
        Self::Records(BatchSource::Ses),
        Self::Records(BatchSource::CodeCommit),
        Self::Records(BatchSource::ActiveMq),
        Self::Records(BatchSource::RabbitMq),
        Self::Records(BatchSource::DocumentDb),
        Self::Records(BatchSource::Firehose),
        Self::Records(BatchSource::CloudWatchLogs),
        Self::Sns,
        Self::EventBridge,
        Self::WebSocket,
        Self::Single(SingleSource::Authorizer),
        Self::Single(SingleSource::Cognito),
        Self::Single(SingleSource::AppSync),
        Self::Single(SingleSource::CloudFormation),
        Self::Single(SingleSource::BedrockAgent),
        Self::Single(SingleSource::CodePipeline),
        Self::Single(SingleSource::ConfigRule),
        Self::Single(SingleSource::SecretsRotation),
        Self::Single(SingleSource::CloudWatchAlarm),
        Self::Single(SingleSource::S3Batch),
        Self::Single(SingleSource::Lex),
        Self::Single(SingleSource::Connect),
        Self::Other,
    ];

    /// Returns the trigger's name in logs, metrics and spans: `sqs`, `kinesis`, `dynamodb_stream`,
    /// `kafka`, `s3`, `ses`, `codecommit`, `activemq`, `rabbitmq`, `documentdb`, `firehose`,
    /// `cloudwatch_logs`, `sns`, `eventbridge`, `websocket`, the [name](SingleSource::name) of a
    /// source of single events, or `other`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Records(BatchSource::DynamoDbStream) => "dynamodb_stream",
            Self::Records(source) => source.name(),
            Self::Sns => "sns",
            Self::EventBridge => "eventbridge",
            Self::WebSocket => "websocket",
            Self::Single(source) => source.name(),
            Self::Other => "other",
        }
    }
}
