//! What can invoke a function, other than HTTP.

use super::single::SingleSource;

/// What can invoke a function, other than HTTP.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Trigger {
    /// SQS.
    Sqs,
    /// Kinesis.
    Kinesis,
    /// The stream of a DynamoDB table.
    DynamoDbStream,
    /// Kafka.
    Kafka,
    /// S3.
    S3,
    /// SES.
    Ses,
    /// CodeCommit.
    CodeCommit,
    /// Amazon MQ with ActiveMQ.
    ActiveMq,
    /// Amazon MQ with RabbitMQ.
    RabbitMq,
    /// DocumentDB.
    DocumentDb,
    /// Amazon Data Firehose.
    Firehose,
    /// CloudWatch Logs.
    CloudWatchLogs,
    /// SNS.
    Sns,
    /// EventBridge.
    EventBridge,
    /// API Gateway's WebSocket APIs.
    WebSocket,
    /// A service that sends single events.
    Single(SingleSource),
    /// A direct invocation, or a service that is not known.
    Other,
}

impl Trigger {
    /// Every trigger.
    pub const ALL: [Self; 26] = [
        Self::Sqs,
        Self::Kinesis,
        Self::DynamoDbStream,
        Self::Kafka,
        Self::S3,
        Self::Ses,
        Self::CodeCommit,
        Self::ActiveMq,
        Self::RabbitMq,
        Self::DocumentDb,
        Self::Firehose,
        Self::CloudWatchLogs,
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
        Self::Other,
    ];

    /// Returns the trigger's name in logs, metrics and spans: `sqs`, `kinesis`, `dynamodb_stream`,
    /// `kafka`, `s3`, `ses`, `codecommit`, `activemq`, `rabbitmq`, `documentdb`, `firehose`,
    /// `cloudwatch_logs`, `sns`, `eventbridge`,
    /// `websocket`, the [name](SingleSource::name) of a source of single events, or `other`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::Kinesis => "kinesis",
            Self::DynamoDbStream => "dynamodb_stream",
            Self::Kafka => "kafka",
            Self::S3 => "s3",
            Self::Ses => "ses",
            Self::CodeCommit => "codecommit",
            Self::ActiveMq => "activemq",
            Self::RabbitMq => "rabbitmq",
            Self::DocumentDb => "documentdb",
            Self::Firehose => "firehose",
            Self::CloudWatchLogs => "cloudwatch_logs",
            Self::Sns => "sns",
            Self::EventBridge => "eventbridge",
            Self::WebSocket => "websocket",
            Self::Single(source) => source.name(),
            Self::Other => "other",
        }
    }
}
