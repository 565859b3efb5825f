//! The services whose events are lists of records.

use super::arn::ArnKind;
use super::trigger::Trigger;

/// The services whose events are lists of records.
///
/// Of the first four, an answer names the records that failed, and the service sends these again. For
/// Firehose it says what becomes of each record. Of all others an event is handled as a whole: the first
/// record that fails fails the invocation, and the service sends the whole event again.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum BatchSource {
    /// SQS.
    Sqs,
    /// Kinesis.
    Kinesis,
    /// The stream of a DynamoDB table.
    DynamoDbStream,
    /// Kafka: Amazon MSK, or brokers of one's own.
    Kafka,
    /// S3.
    S3,
    /// Mail that SES receives.
    Ses,
    /// CodeCommit.
    CodeCommit,
    /// Amazon MQ with ActiveMQ.
    ActiveMq,
    /// Amazon MQ with RabbitMQ.
    RabbitMq,
    /// The change stream of DocumentDB.
    DocumentDb,
    /// The transformation of a stream of Amazon Data Firehose.
    Firehose,
    /// A subscription of CloudWatch Logs that invokes the function itself.
    CloudWatchLogs,
}

impl BatchSource {
    /// Every source.
    pub const ALL: [Self; 12] = [
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
    ];

    /// Returns what invokes the function with its records.
    #[must_use]
    pub const fn trigger(self) -> Trigger {
        Trigger::Records(self)
    }

    /// Its name as that of an [event](super::LambdaEvent::name).
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::Kinesis => "kinesis",
            Self::DynamoDbStream => "dynamodb",
            Self::Kafka => "kafka",
            Self::S3 => "s3",
            Self::Ses => "ses",
            Self::CodeCommit => "codecommit",
            Self::ActiveMq => "activemq",
            Self::RabbitMq => "rabbitmq",
            Self::DocumentDb => "documentdb",
            Self::Firehose => "firehose",
            Self::CloudWatchLogs => "cloudwatch_logs",
        }
    }

    /// What names it as the source: each record, or the event. Those of the last two name none.
    pub(super) const fn event_source(self) -> &'static str {
        match self {
            Self::Sqs => "aws:sqs",
            Self::Kinesis => "aws:kinesis",
            Self::DynamoDbStream => "aws:dynamodb",
            Self::S3 => "aws:s3",
            Self::Ses => "aws:ses",
            Self::CodeCommit => "aws:codecommit",
            Self::Kafka => "aws:kafka",
            Self::ActiveMq => "aws:mq",
            Self::RabbitMq => "aws:rmq",
            Self::DocumentDb => "aws:docdb",
            Self::Firehose => "aws:firehose",
            Self::CloudWatchLogs => "aws:logs",
        }
    }

    /// Whether its event source mappings may have tumbling windows.
    pub(super) const fn has_windows(self) -> bool {
        matches!(self, Self::Kinesis | Self::DynamoDbStream)
    }

    /// What its events and its records are called in errors.
    pub(super) const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Sqs => ("sqs event", "sqs record"),
            Self::Kinesis => ("kinesis event", "kinesis record"),
            Self::DynamoDbStream => ("dynamodb stream event", "dynamodb stream record"),
            Self::Kafka => ("kafka event", "kafka record"),
            Self::S3 => ("s3 event", "s3 record"),
            Self::Ses => ("ses event", "ses record"),
            Self::CodeCommit => ("codecommit event", "codecommit record"),
            Self::ActiveMq => ("activemq event", "activemq message"),
            Self::RabbitMq => ("rabbitmq event", "rabbitmq message"),
            Self::DocumentDb => ("documentdb event", "documentdb change"),
            Self::Firehose => ("firehose event", "firehose record"),
            Self::CloudWatchLogs => ("cloudwatch logs event", "cloudwatch logs delivery"),
        }
    }

    /// Whose ARN its records bear, where one names what they are from.
    pub(super) const fn arn_kind(self) -> Option<ArnKind> {
        match self {
            Self::Sqs => Some(ArnKind::SqsQueue),
            Self::Kinesis => Some(ArnKind::KinesisStream),
            Self::DynamoDbStream => Some(ArnKind::DynamoDbStream),
            Self::CodeCommit => Some(ArnKind::CodeCommitRepository),
            Self::Kafka
            | Self::S3
            | Self::Ses
            | Self::ActiveMq
            | Self::RabbitMq
            | Self::DocumentDb
            | Self::Firehose
            | Self::CloudWatchLogs => None,
        }
    }
}
