//! Records of any source.

use alloc::borrow::Cow;
use alloc::sync::Arc;
use core::fmt;

use super::{
    ActiveMqRecord, BatchRecord, BatchSource, CloudWatchLogs, CodeCommitRecord, DocumentDbRecord,
    DynamoDbRecord, Error, EventBridgeEvent, FirehoseRecord, KafkaRecord, KinesisRecord,
    RabbitMqRecord, S3Record, SesRecord, SnsRecord, SqsRecord, Trigger,
};

/// A record or event of any source.
#[derive(Clone, Debug)]
pub enum EventInput {
    /// A message of SQS.
    Sqs(Arc<SqsRecord<'static>>),
    /// A record of Kinesis.
    Kinesis(Arc<KinesisRecord<'static>>),
    /// A change of a DynamoDB table.
    DynamoDb(Arc<DynamoDbRecord<'static>>),
    /// A record of Kafka.
    Kafka(Arc<KafkaRecord<'static>>),
    /// A notification of S3 about an object.
    S3(Arc<S3Record<'static>>),
    /// A mail received by SES.
    Ses(Arc<SesRecord<'static>>),
    /// A push to a CodeCommit repository.
    CodeCommit(Arc<CodeCommitRecord<'static>>),
    /// A message of ActiveMQ.
    ActiveMq(Arc<ActiveMqRecord<'static>>),
    /// A message of RabbitMQ.
    RabbitMq(Arc<RabbitMqRecord<'static>>),
    /// A change in a DocumentDB database.
    DocumentDb(Arc<DocumentDbRecord<'static>>),
    /// A record of a Firehose stream.
    Firehose(Arc<FirehoseRecord<'static>>),
    /// A delivery of a CloudWatch Logs subscription.
    CloudWatchLogs(Arc<CloudWatchLogs>),
    /// A notification of SNS.
    Sns(Arc<SnsRecord<'static>>),
    /// An EventBridge event.
    EventBridge(Arc<EventBridgeEvent<'static>>),
}

/// Reads the records of one source.
///
/// Make readers in constants: then a program contains the code of only the sources that it reads.
///
/// ```
/// use apptheory_core::events::{BatchSource, EventInput, LambdaEvent, RecordReader};
///
/// const QUEUES: RecordReader = RecordReader::of(BatchSource::Sqs);
///
/// let event = r#"{"Records":[{"eventSource":"aws:sqs","messageId":"1","body":"tea"}]}"#;
/// let LambdaEvent::Batch(batch) = LambdaEvent::read(event)? else { panic!("records") };
/// assert_eq!(batch.source(), QUEUES.source());
/// let messages = batch.records().map(|record| QUEUES.read(&record));
/// let messages = messages.collect::<Result<Vec<EventInput>, _>>()?;
/// assert_eq!(messages[0].payload(), b"tea");
/// # Ok::<(), apptheory_core::events::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct RecordReader {
    source: BatchSource,
    read: fn(&BatchRecord<'_>) -> Result<EventInput, Error>,
}

impl RecordReader {
    /// Creates the reader of a source's records.
    #[must_use]
    pub const fn of(source: BatchSource) -> Self {
        use EventInput as Input;

        /// Returns a function that reads records as a variant of [`EventInput`].
        macro_rules! owned {
            ($variant:ident, $record:ident) => {
                |record| Ok(Input::$variant(Arc::new($record::read(record)?.into_owned())))
            };
        }
        let read: fn(&BatchRecord<'_>) -> Result<EventInput, Error> = match source {
            BatchSource::Sqs => owned!(Sqs, SqsRecord),
            BatchSource::Kinesis => owned!(Kinesis, KinesisRecord),
            BatchSource::DynamoDbStream => owned!(DynamoDb, DynamoDbRecord),
            BatchSource::Kafka => owned!(Kafka, KafkaRecord),
            BatchSource::S3 => owned!(S3, S3Record),
            BatchSource::Ses => owned!(Ses, SesRecord),
            BatchSource::CodeCommit => owned!(CodeCommit, CodeCommitRecord),
            BatchSource::ActiveMq => owned!(ActiveMq, ActiveMqRecord),
            BatchSource::RabbitMq => owned!(RabbitMq, RabbitMqRecord),
            BatchSource::DocumentDb => owned!(DocumentDb, DocumentDbRecord),
            BatchSource::Firehose => owned!(Firehose, FirehoseRecord),
            BatchSource::CloudWatchLogs => {
                |record| Ok(Input::CloudWatchLogs(Arc::new(CloudWatchLogs::read(record)?)))
            }
        };
        Self { source, read }
    }

    /// Returns the source.
    #[must_use]
    pub const fn source(self) -> BatchSource {
        self.source
    }

    /// Reads a record of the source.
    ///
    /// # Errors
    ///
    /// [`Error`] if members of the record have wrong types.
    pub fn read(self, record: &BatchRecord<'_>) -> Result<EventInput, Error> {
        (self.read)(record)
    }
}

impl fmt::Debug for RecordReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecordReader").field(&self.source).finish()
    }
}

impl EventInput {
    /// Reads a record of a batch of any source; see [`RecordReader`] for those of one.
    ///
    /// # Errors
    ///
    /// [`Error`] if members of the record have wrong types.
    pub fn read(source: BatchSource, record: &BatchRecord<'_>) -> Result<Self, Error> {
        RecordReader::of(source).read(record)
    }

    /// Returns the trigger of the input.
    #[must_use]
    pub const fn trigger(&self) -> Trigger {
        match self {
            Self::Sqs(_) => Trigger::Records(BatchSource::Sqs),
            Self::Kinesis(_) => Trigger::Records(BatchSource::Kinesis),
            Self::DynamoDb(_) => Trigger::Records(BatchSource::DynamoDbStream),
            Self::Kafka(_) => Trigger::Records(BatchSource::Kafka),
            Self::S3(_) => Trigger::Records(BatchSource::S3),
            Self::Ses(_) => Trigger::Records(BatchSource::Ses),
            Self::CodeCommit(_) => Trigger::Records(BatchSource::CodeCommit),
            Self::ActiveMq(_) => Trigger::Records(BatchSource::ActiveMq),
            Self::RabbitMq(_) => Trigger::Records(BatchSource::RabbitMq),
            Self::DocumentDb(_) => Trigger::Records(BatchSource::DocumentDb),
            Self::Firehose(_) => Trigger::Records(BatchSource::Firehose),
            Self::CloudWatchLogs(_) => Trigger::Records(BatchSource::CloudWatchLogs),
            Self::Sns(_) => Trigger::Sns,
            Self::EventBridge(_) => Trigger::EventBridge,
        }
    }

    /// Returns the service's id, which stays the same if the input is delivered again; or an empty
    /// text.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Sqs(message) => &message.message_id,
            Self::Kinesis(record) => either(&record.event_id, &record.sequence_number),
            Self::DynamoDb(change) => either(&change.event_id, &change.sequence_number),
            Self::Kafka(record) => record.id(),
            Self::S3(object) => object.id(),
            Self::Ses(mail) => &mail.message_id,
            Self::CodeCommit(push) => &push.event_id,
            Self::ActiveMq(message) => &message.message_id,
            Self::RabbitMq(message) => &message.message_id,
            Self::DocumentDb(change) => &change.resume_token,
            Self::Firehose(record) => &record.record_id,
            Self::CloudWatchLogs(logs) => logs.log_events.first().map_or("", |entry| &entry.id),
            Self::Sns(notification) => &notification.message_id,
            Self::EventBridge(event) => &event.id,
        }
    }

    /// Returns the payload: the body of a message, the data of a Kinesis or Firehose record, the
    /// value of a Kafka record, or the message of a notification; for all others, the whole input
    /// as JSON.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        match self {
            Self::Sqs(message) => message.body.as_bytes(),
            Self::Kinesis(record) => &record.data,
            Self::DynamoDb(change) => change.as_json().as_bytes(),
            Self::Kafka(record) => record.value.as_deref().unwrap_or_default(),
            Self::S3(object) => object.as_json().as_bytes(),
            Self::Ses(mail) => mail.as_json().as_bytes(),
            Self::CodeCommit(push) => push.as_json().as_bytes(),
            Self::ActiveMq(message) => &message.data,
            Self::RabbitMq(message) => &message.data,
            Self::DocumentDb(change) => change.as_json().as_bytes(),
            Self::Firehose(record) => &record.data,
            Self::CloudWatchLogs(logs) => logs.as_json().as_bytes(),
            Self::Sns(notification) => notification.message.as_bytes(),
            Self::EventBridge(event) => event.as_json().as_bytes(),
        }
    }

    /// Returns the record as JSON, as it is in its event. A record of a Kinesis aggregate has its
    /// own key and data; a CloudWatch Logs delivery is decompressed; a DocumentDB change is the
    /// value of its `event`.
    #[must_use]
    pub fn as_json(&self) -> Cow<'_, str> {
        match self {
            Self::Sqs(message) => message.as_json().into(),
            Self::Kinesis(record) => record.own_json(),
            Self::DynamoDb(change) => change.as_json().into(),
            Self::Kafka(record) => record.as_json().into(),
            Self::S3(object) => object.as_json().into(),
            Self::Ses(mail) => mail.as_json().into(),
            Self::CodeCommit(push) => push.as_json().into(),
            Self::ActiveMq(message) => message.as_json().into(),
            Self::RabbitMq(message) => message.as_json().into(),
            Self::DocumentDb(change) => change.as_json().into(),
            Self::Firehose(record) => record.as_json().into(),
            Self::CloudWatchLogs(logs) => logs.as_json().into(),
            Self::Sns(notification) => notification.as_json().into(),
            Self::EventBridge(event) => event.as_json().into(),
        }
    }

    /// Returns the sender: the ARN of the queue, stream, topic and so on; the brokers if Kafka has
    /// no ARN; the log group; or the source of an event. For mail always `ses`, because senders can
    /// be forged.
    #[must_use]
    pub fn sender(&self) -> &str {
        match self {
            Self::Sqs(message) => &message.event_source_arn,
            Self::Kinesis(record) => &record.event_source_arn,
            Self::DynamoDb(change) => &change.event_source_arn,
            Self::Kafka(record) => either(&record.event_source_arn, &record.bootstrap_servers),
            Self::S3(object) => &object.bucket_arn,
            Self::Ses(_) => BatchSource::Ses.name(),
            Self::CodeCommit(push) => &push.event_source_arn,
            Self::ActiveMq(message) => &message.event_source_arn,
            Self::RabbitMq(message) => &message.event_source_arn,
            Self::DocumentDb(change) => &change.event_source_arn,
            Self::Firehose(record) => &record.delivery_stream_arn,
            Self::CloudWatchLogs(logs) => &logs.log_group,
            Self::Sns(notification) => &notification.topic_arn,
            Self::EventBridge(event) => &event.source,
        }
    }
}

/// Returns the first text, or the other one if the first is blank.
fn either<'t>(first: &'t str, other: &'t str) -> &'t str {
    if first.trim().is_empty() { other } else { first }
}
