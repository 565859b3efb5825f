//! The services whose events are lists of records.

use super::arn::ArnKind;
use super::trigger::Trigger;

/// The services whose events are lists of records.
///
/// For the first four, the response lists failed records, which the service repeats. For Firehose,
/// the response has a result for each record. For all others an event is handled as a whole: the
/// first failed record fails the invocation, and the service repeats the event.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum BatchSource {
    /// SQS.
    Sqs,
    /// Kinesis.
    Kinesis,
    /// The stream of a DynamoDB table.
    DynamoDbStream,
    /// Kafka: Amazon MSK, or self-managed brokers.
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
    /// A data transformation of Amazon Data Firehose.
    Firehose,
    /// A CloudWatch Logs subscription that invokes the function directly.
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

    /// Returns the trigger of these records.
    #[must_use]
    pub const fn trigger(self) -> Trigger {
        Trigger::Records(self)
    }

    /// Returns the [name](super::LambdaEvent::name) of this source's events.
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

    /// Returns the `eventSource` of each record, or of the event. The last two sources have none.
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

    /// Returns whether this source supports tumbling windows.
    pub(super) const fn has_windows(self) -> bool {
        matches!(self, Self::Kinesis | Self::DynamoDbStream)
    }

    /// Returns how error messages call this source's events and records.
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

    /// Returns the kind of the ARN in a record that has the source's name.
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
