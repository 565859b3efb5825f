//! Events that are batches of records.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::arn::{ArnKind, name_from_arn};
use super::batch::{AfterFailure, Batch, BatchItem};
use super::raw::{object, trimmed_text};
use super::trigger::{EventError, RecordError, Trigger};
use crate::json;

/// The triggers whose events are batches that can fail in part.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum BatchSource {
    /// SQS.
    Sqs,
    /// Kinesis.
    Kinesis,
    /// The stream of a DynamoDB table.
    DynamoDbStream,
}

impl BatchSource {
    /// The source as a trigger.
    #[must_use]
    pub const fn trigger(self) -> Trigger {
        match self {
            Self::Sqs => Trigger::Sqs,
            Self::Kinesis => Trigger::Kinesis,
            Self::DynamoDbStream => Trigger::DynamoDbStream,
        }
    }
}

/// An event with a batch of records. Only what routes, orders and names the records is read; what
/// else is in them is read record by record, so that a malformed one fails alone.
#[derive(Clone, Debug)]
pub struct BatchEvent<'a> {
    source: BatchSource,
    records: Vec<BatchRecord<'a>>,
}

/// A record as its batch sees it.
#[derive(Clone, Debug)]
pub struct BatchRecord<'a> {
    text: &'a str,
    name: Cow<'a, str>,
    item: BatchItem<'a>,
}

impl<'a> BatchEvent<'a> {
    /// Reads an event. Members of the wrong type within a record read as missing ones here.
    ///
    /// # Errors
    ///
    /// [`EventError`] when the text is no JSON object, or its `Records` are no list.
    pub fn read(source: BatchSource, event: &'a str) -> Result<Self, EventError> {
        let records = read_records(source.trigger(), event)?;
        let read = |record: &'a RawValue| {
            let Head { identifier, arn, group } = match source {
                BatchSource::Sqs => sqs(record),
                BatchSource::Kinesis => kinesis(record),
                BatchSource::DynamoDbStream => dynamodb(record),
            };
            let kind = match source {
                BatchSource::Sqs => ArnKind::SqsQueue,
                BatchSource::Kinesis => ArnKind::KinesisStream,
                BatchSource::DynamoDbStream => ArnKind::DynamoDbStream,
            };
            let name = match arn {
                Cow::Borrowed(arn) => Cow::Borrowed(name_from_arn(kind, arn)),
                Cow::Owned(arn) => Cow::Owned(name_from_arn(kind, &arn).to_string()),
            };
            BatchRecord { text: record.get(), name, item: BatchItem { identifier, group } }
        };
        Ok(Self { source, records: records.into_iter().map(read).collect() })
    }

    /// The trigger.
    #[must_use]
    pub const fn source(&self) -> BatchSource {
        self.source
    }

    /// The records, in the order in which they came.
    #[must_use]
    pub fn records(&self) -> &[BatchRecord<'a>] {
        &self.records
    }

    /// The batch of the records. `after_failure` is for streams; in a FIFO queue the rest of a
    /// failed message group is never run, and in other queues nothing has an order.
    ///
    /// The records of a stream come from one shard and run one after the other.
    #[must_use]
    pub fn batch(&self, after_failure: AfterFailure) -> Batch<'a> {
        let after_failure = match self.source {
            BatchSource::Sqs => AfterFailure::SkipGroup,
            BatchSource::Kinesis | BatchSource::DynamoDbStream => after_failure,
        };
        Batch::new(self.records.iter().map(|record| record.item.clone()), after_failure)
    }
}

impl<'a> BatchRecord<'a> {
    /// What the service knows the record by: the message id, or the sequence number. Empty when the
    /// record has none.
    #[must_use]
    pub fn identifier(&self) -> &str {
        &self.item.identifier
    }

    /// The name of the queue, stream or table that it is from. Empty when its ARN names none.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The record as the event has it, for what the typed records leave out.
    #[must_use]
    pub const fn as_json(&self) -> &'a str {
        self.text
    }

    /// Reads the record as a `T`.
    pub(super) fn read<T: Deserialize<'a>>(&self, trigger: Trigger) -> Result<T, RecordError> {
        json::read_object(self.text).map_err(|cause| RecordError::Malformed { trigger, cause })
    }
}

/// The records of an event; none when they are null or missing.
pub(super) fn read_records(trigger: Trigger, event: &str) -> Result<Vec<&RawValue>, EventError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Event<'a> {
        #[serde(borrow, rename = "Records")]
        records: Option<Vec<&'a RawValue>>,
    }

    let event: Event<'_> =
        json::read_object(event).map_err(|cause| EventError { trigger, cause })?;
    Ok(event.records.unwrap_or_default())
}

/// What of a record is read before its turn.
struct Head<'a> {
    identifier: Cow<'a, str>,
    arn: Cow<'a, str>,
    group: Option<Cow<'a, str>>,
}

/// Message groups exist in FIFO queues only: in others, the attribute is about fairness.
fn sqs(record: &RawValue) -> Head<'_> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Sqs<'a> {
        #[serde(borrow)]
        message_id: Option<&'a RawValue>,
        #[serde(borrow, rename = "eventSourceARN")]
        arn: Option<&'a RawValue>,
        #[serde(borrow)]
        attributes: Option<&'a RawValue>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Attributes<'a> {
        #[serde(borrow)]
        message_group_id: Option<&'a RawValue>,
    }

    let record: Sqs<'_> = object(Some(record)).unwrap_or_default();
    let arn = trimmed_text(record.arn);
    let attributes: Attributes<'_> = object(record.attributes).unwrap_or_default();
    let group = Some(trimmed_text(attributes.message_group_id))
        .filter(|group| !group.is_empty() && arn.ends_with(".fifo"))
        .map(|group| format!("{arn} {group}").into());
    Head { identifier: trimmed_text(record.message_id), arn, group }
}

/// The id of an event is `{shard}:{sequence number}`.
fn kinesis(record: &RawValue) -> Head<'_> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Kinesis<'a> {
        #[serde(borrow, rename = "eventID")]
        event_id: Option<&'a RawValue>,
        #[serde(borrow, rename = "eventSourceARN")]
        arn: Option<&'a RawValue>,
        #[serde(borrow)]
        kinesis: Option<&'a RawValue>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Data<'a> {
        #[serde(borrow)]
        sequence_number: Option<&'a RawValue>,
    }

    let record: Kinesis<'_> = object(Some(record)).unwrap_or_default();
    let data: Data<'_> = object(record.kinesis).unwrap_or_default();
    let arn = trimmed_text(record.arn);
    let event_id = trimmed_text(record.event_id);
    let shard = event_id.split_once(':').map_or("", |(shard, _)| shard);
    let group = Some(format!("{arn} {shard}").into());
    Head { identifier: trimmed_text(data.sequence_number), arn, group }
}

/// Nothing in a record says its shard; a batch is from one.
fn dynamodb(record: &RawValue) -> Head<'_> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct DynamoDb<'a> {
        #[serde(borrow, rename = "eventSourceARN")]
        arn: Option<&'a RawValue>,
        #[serde(borrow)]
        dynamodb: Option<&'a RawValue>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Change<'a> {
        #[serde(borrow)]
        sequence_number: Option<&'a RawValue>,
    }

    let record: DynamoDb<'_> = object(Some(record)).unwrap_or_default();
    let change: Change<'_> = object(record.dynamodb).unwrap_or_default();
    let arn = trimmed_text(record.arn);
    Head { identifier: trimmed_text(change.sequence_number), group: Some(arn.clone()), arn }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::{AfterFailure, BatchEvent, BatchSource};
    use crate::time::Timestamp;

    #[test]
    fn identifiers_and_names_are_where_each_service_puts_them() {
        for (source, record, identifier, name) in [
            (
                BatchSource::Sqs,
                r#"{"messageId":" 7 ","eventSourceARN":"arn:aws:sqs:r:1:q","body":5}"#,
                "7",
                "q",
            ),
            (
                BatchSource::Kinesis,
                r#"{"eventSourceARN":"a:b:stream/s/consumer/c:1","kinesis":{"sequenceNumber":"7"}}"#,
                "7",
                "s",
            ),
            (
                BatchSource::DynamoDbStream,
                r#"{"eventID":"e","eventSourceARN":"a:table/t/stream/x","dynamodb":{"SequenceNumber":"7"}}"#,
                "7",
                "t",
            ),
            (BatchSource::Sqs, r#"{"messageId":7,"eventSourceARN":null}"#, "", ""),
            (BatchSource::Kinesis, r#"{"kinesis":[]}"#, "", ""),
            (BatchSource::DynamoDbStream, "null", "", ""),
        ] {
            let event = alloc::format!(r#"{{"Records":[{record}]}}"#);
            let event = BatchEvent::read(source, &event).unwrap();
            let read = &event.records()[0];
            assert_eq!((read.identifier(), read.name()), (identifier, name), "{record}");
            assert_eq!(read.as_json(), record);
        }
    }

    #[test]
    fn no_records_are_an_empty_batch_and_other_types_an_error() {
        for event in ["{}", r#"{"Records":null}"#, r#"{"Records":[]}"#] {
            let event = BatchEvent::read(BatchSource::Sqs, event).unwrap();
            let answer = event.batch(AfterFailure::Continue).finish();
            assert_eq!(answer.unwrap().to_json(), r#"{"batchItemFailures":[]}"#);
        }
        for event in ["", "[]", "null", r#"{"Records":{}}"#] {
            let error = BatchEvent::read(BatchSource::DynamoDbStream, event).unwrap_err();
            let text = error.to_string();
            assert!(text.starts_with("apptheory: parse dynamodb stream event: "), "{text}");
        }
    }

    /// The records that may run before any has ended.
    fn runnable(source: BatchSource, records: &str) -> Vec<usize> {
        let event = alloc::format!(r#"{{"Records":[{records}]}}"#);
        let event = BatchEvent::read(source, &event).unwrap();
        let mut batch = event.batch(AfterFailure::Continue);
        core::iter::from_fn(|| batch.take(Timestamp::UNIX_EPOCH)).map(|turn| turn.index()).collect()
    }

    #[test]
    fn groups_and_shards_have_an_order() {
        let fifo = |queue: &str| {
            let record = |group: &str| {
                let arn = alloc::format!("arn:aws:sqs:r:1:{queue}");
                alloc::format!(
                    r#"{{"eventSourceARN":"{arn}","attributes":{{"MessageGroupId":{group}}}}}"#
                )
            };
            [record(r#""a""#), record(r#""b""#), record(r#""a""#), record("null"), record(" 5")]
                .join(",")
        };
        assert_eq!(runnable(BatchSource::Sqs, &fifo("q.fifo")), [0, 1, 3, 4]);
        assert_eq!(runnable(BatchSource::Sqs, &fifo("q")), [0, 1, 2, 3, 4]);
        let shards = r#"{"eventID":"s1:1"},{"eventID":"s2:1"},{"eventID":"s1:2"},{"eventID":"x"}"#;
        assert_eq!(runnable(BatchSource::Kinesis, shards), [0, 1, 3]);
        assert_eq!(
            runnable(BatchSource::DynamoDbStream, r#"{"eventID":"a"},{"eventID":"b"}"#),
            [0]
        );
    }
}
