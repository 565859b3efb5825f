//! Records of any source.

use alloc::sync::Arc;

use super::{
    BatchRecord, BatchSource, DynamoDbRecord, Error, EventBridgeEvent, KinesisRecord, SnsRecord,
    SqsRecord, Trigger,
};

/// A record, or an event, that a handler is called for.
#[derive(Clone, Debug)]
pub enum EventInput {
    /// A message of SQS.
    Sqs(Arc<SqsRecord<'static>>),
    /// A record of Kinesis.
    Kinesis(Arc<KinesisRecord<'static>>),
    /// A change of a DynamoDB table.
    DynamoDb(Arc<DynamoDbRecord<'static>>),
    /// A notification of SNS.
    Sns(Arc<SnsRecord<'static>>),
    /// An event of EventBridge.
    EventBridge(Arc<EventBridgeEvent<'static>>),
}

impl EventInput {
    /// Reads a record of a batch from a source.
    ///
    /// # Errors
    ///
    /// [`Error`] when members of the record have wrong types.
    pub fn read(source: BatchSource, record: &BatchRecord<'_>) -> Result<Self, Error> {
        Ok(match source {
            BatchSource::Sqs => Self::Sqs(Arc::new(SqsRecord::read(record)?.into_owned())),
            BatchSource::Kinesis => {
                Self::Kinesis(Arc::new(KinesisRecord::read(record)?.into_owned()))
            }
            BatchSource::DynamoDbStream => {
                Self::DynamoDb(Arc::new(DynamoDbRecord::read(record)?.into_owned()))
            }
        })
    }

    /// Returns what invoked the function with it.
    #[must_use]
    pub const fn trigger(&self) -> Trigger {
        match self {
            Self::Sqs(_) => Trigger::Sqs,
            Self::Kinesis(_) => Trigger::Kinesis,
            Self::DynamoDb(_) => Trigger::DynamoDbStream,
            Self::Sns(_) => Trigger::Sns,
            Self::EventBridge(_) => Trigger::EventBridge,
        }
    }

    /// Returns the id that its service gave it, the same however often it comes; or an empty text.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Sqs(message) => &message.message_id,
            Self::Kinesis(record) => either(&record.event_id, &record.sequence_number),
            Self::DynamoDb(change) => either(&change.event_id, &change.sequence_number),
            Self::Sns(notification) => &notification.message_id,
            Self::EventBridge(event) => &event.id,
        }
    }

    /// Returns what it brings: the body of a message, the data of a stream's record, the message of a
    /// notification; of a change and of an event of a bus, the whole as JSON.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        match self {
            Self::Sqs(message) => message.body.as_bytes(),
            Self::Kinesis(record) => &record.data,
            Self::DynamoDb(change) => change.as_json().as_bytes(),
            Self::Sns(notification) => notification.message.as_bytes(),
            Self::EventBridge(event) => event.as_json().as_bytes(),
        }
    }

    /// Returns who sent it: the ARN of the queue, stream or topic, or the source of an event.
    #[must_use]
    pub fn sender(&self) -> &str {
        match self {
            Self::Sqs(message) => &message.event_source_arn,
            Self::Kinesis(record) => &record.event_source_arn,
            Self::DynamoDb(change) => &change.event_source_arn,
            Self::Sns(notification) => &notification.topic_arn,
            Self::EventBridge(event) => &event.source,
        }
    }
}

/// The first text, or the other one when that is blank.
fn either<'t>(first: &'t str, other: &'t str) -> &'t str {
    if first.trim().is_empty() { other } else { first }
}
