//! Events that are batches of records.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::arn::{ArnKind, name_from_arn};
use super::batch::{AfterFailure, Batch, BatchItem};
use super::raw::{is_object, text, trimmed_text};
use super::trigger::{EventError, RecordError, Trigger};
use super::window::WindowMembers;
use crate::json::{self, JsonError};
use crate::printing::prints;

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
    is_fifo: bool,
}

/// A record as its batch sees it.
#[derive(Clone)]
pub struct BatchRecord<'a> {
    text: &'a str,
    name: Cow<'a, str>,
    item: BatchItem<'a>,
    /// Why it cannot be read as a record of its batch.
    fault: Option<RecordError>,
}

prints!(BatchRecord<'_>: name, item, fault);

impl<'a> BatchEvent<'a> {
    /// Reads an event. Members of the wrong type within a record read as missing ones here. A record
    /// that is no object, is from another service or has one of these members twice fails alone,
    /// when its turn comes.
    ///
    /// # Errors
    ///
    /// [`EventError`] when the text is no JSON object, its `Records` are no list or there twice, or
    /// the event is of a tumbling window.
    pub fn read(source: BatchSource, event: &'a str) -> Result<Self, EventError> {
        let trigger = source.trigger();
        let records = read_records(trigger, event)?;
        let mut is_fifo = false;
        let read = |record: &'a RawValue| {
            let mut fault = None;
            let Head { identifier, arn, group, is_foreign } = match source {
                BatchSource::Sqs => sqs(record, &mut fault),
                BatchSource::Kinesis => kinesis(record, &mut fault),
                BatchSource::DynamoDbStream => dynamodb(record, &mut fault),
            };
            let fault = match fault {
                Some(cause) => Some(RecordError::Malformed { trigger, cause }),
                None if is_foreign => Some(RecordError::ForeignSource { trigger }),
                None => None,
            };
            is_fifo |= source == BatchSource::Sqs && is_fifo_queue(&arn);
            let kind = match source {
                BatchSource::Sqs => ArnKind::SqsQueue,
                BatchSource::Kinesis => ArnKind::KinesisStream,
                BatchSource::DynamoDbStream => ArnKind::DynamoDbStream,
            };
            let name = match arn {
                Cow::Borrowed(arn) => Cow::Borrowed(name_from_arn(kind, arn)),
                Cow::Owned(arn) => Cow::Owned(name_from_arn(kind, &arn).to_string()),
            };
            BatchRecord { text: record.get(), name, item: BatchItem { identifier, group }, fault }
        };
        let records = records.into_iter().map(read).collect();
        Ok(Self { source, records, is_fifo })
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

    /// Returns the batch of the records. In a FIFO queue the rest of a failed message group never
    /// runs: there [`AfterFailure::Continue`] means [`AfterFailure::SkipGroup`]. In other queues
    /// nothing has an order, and all records run whatever `after_failure` says.
    ///
    /// The records of a stream come from one shard and run one after the other.
    #[must_use]
    pub fn batch(&self, after_failure: AfterFailure) -> Batch<'a> {
        let after_failure = match self.source {
            BatchSource::Sqs if self.is_fifo && after_failure == AfterFailure::SkipAll => {
                after_failure
            }
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
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        json::read_object(self.text).map_err(|cause| RecordError::Malformed { trigger, cause })
    }
}

/// Returns the records of an event; none when they are null or missing. Refuses events of tumbling
/// windows, which only streams have.
pub(super) fn read_records(trigger: Trigger, event: &str) -> Result<Vec<&RawValue>, EventError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Event<'a> {
        #[serde(borrow, rename = "Records")]
        records: Option<Vec<&'a RawValue>>,
        #[serde(borrow)]
        window: Option<&'a RawValue>,
        #[serde(borrow)]
        state: Option<&'a RawValue>,
        #[serde(borrow, rename = "isFinalInvokeForWindow")]
        is_final: Option<&'a RawValue>,
        #[serde(borrow, rename = "isWindowTerminatedEarly")]
        is_terminated: Option<&'a RawValue>,
    }

    let Event { records, window, state, is_final, is_terminated } =
        json::read_object(event).map_err(|cause| EventError::Malformed { trigger, cause })?;
    let is_stream = matches!(trigger, Trigger::Kinesis | Trigger::DynamoDbStream);
    if is_stream && (WindowMembers { window, state, is_final, is_terminated }).are_there() {
        return Err(EventError::TumblingWindow { trigger });
    }
    Ok(records.unwrap_or_default())
}

/// Whether a record says that it is from another service; the services differ in the spelling. One
/// that says nothing is taken to be of its batch.
pub(super) fn is_foreign(
    trigger: Trigger,
    camel: Option<&RawValue>,
    pascal: Option<&RawValue>,
) -> bool {
    let source = text(camel).or_else(|| text(pascal));
    source.is_some_and(|source| trigger.event_source() != Some(source.trim()))
}

/// What of a record is read before its turn.
struct Head<'a> {
    identifier: Cow<'a, str>,
    arn: Cow<'a, str>,
    group: Option<Cow<'a, str>>,
    is_foreign: bool,
}

/// Reads the members that a `T` names, each of any type. What is no object has none; an object that
/// has one of them twice is a fault.
fn members<'a, T: Deserialize<'a> + Default>(
    value: Option<&'a RawValue>,
    fault: &mut Option<JsonError>,
) -> T {
    let Some(value) = value.filter(|value| is_object(value)) else { return T::default() };
    serde_json::from_str(value.get()).unwrap_or_else(|error| {
        fault.get_or_insert(JsonError::from(&error));
        T::default()
    })
}

fn is_fifo_queue(arn: &str) -> bool {
    arn.ends_with(".fifo")
}

/// Message groups exist in FIFO queues only: in others, the attribute is about fairness.
fn sqs<'a>(record: &'a RawValue, fault: &mut Option<JsonError>) -> Head<'a> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Sqs<'a> {
        #[serde(borrow)]
        event_source: Option<&'a RawValue>,
        #[serde(borrow, rename = "EventSource")]
        pascal_event_source: Option<&'a RawValue>,
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

    let record: Sqs<'_> = members(Some(record), fault);
    let arn = trimmed_text(record.arn);
    let attributes: Attributes<'_> = members(record.attributes, fault);
    let group = Some(trimmed_text(attributes.message_group_id))
        .filter(|group| !group.is_empty() && is_fifo_queue(&arn))
        .map(|group| format!("{arn} {group}").into());
    let is_foreign = is_foreign(Trigger::Sqs, record.event_source, record.pascal_event_source);
    Head { identifier: trimmed_text(record.message_id), arn, group, is_foreign }
}

/// The id of an event is `{shard}:{sequence number}`.
fn kinesis<'a>(record: &'a RawValue, fault: &mut Option<JsonError>) -> Head<'a> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Kinesis<'a> {
        #[serde(borrow)]
        event_source: Option<&'a RawValue>,
        #[serde(borrow, rename = "EventSource")]
        pascal_event_source: Option<&'a RawValue>,
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

    let record: Kinesis<'_> = members(Some(record), fault);
    let data: Data<'_> = members(record.kinesis, fault);
    let arn = trimmed_text(record.arn);
    let event_id = trimmed_text(record.event_id);
    let shard = event_id.split_once(':').map_or("", |(shard, _)| shard);
    let group = Some(format!("{arn} {shard}").into());
    let is_foreign = is_foreign(Trigger::Kinesis, record.event_source, record.pascal_event_source);
    Head { identifier: trimmed_text(data.sequence_number), arn, group, is_foreign }
}

/// Nothing in a record says its shard; a batch is from one.
fn dynamodb<'a>(record: &'a RawValue, fault: &mut Option<JsonError>) -> Head<'a> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct DynamoDb<'a> {
        #[serde(borrow)]
        event_source: Option<&'a RawValue>,
        #[serde(borrow, rename = "EventSource")]
        pascal_event_source: Option<&'a RawValue>,
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

    let record: DynamoDb<'_> = members(Some(record), fault);
    let change: Change<'_> = members(record.dynamodb, fault);
    let arn = trimmed_text(record.arn);
    let is_foreign =
        is_foreign(Trigger::DynamoDbStream, record.event_source, record.pascal_event_source);
    let identifier = trimmed_text(change.sequence_number);
    Head { identifier, group: Some(arn.clone()), arn, is_foreign }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::{AfterFailure, BatchEvent, BatchSource, EventError, RecordError};
    use crate::events::{DynamoDbRecord, KinesisRecord, SqsRecord};
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

    fn faults(source: BatchSource, records: &str) -> Vec<Option<&'static str>> {
        let event = alloc::format!(r#"{{"Records":[{records}]}}"#);
        let event = BatchEvent::read(source, &event).unwrap();
        let fault = |record| match source {
            BatchSource::Sqs => SqsRecord::read(record).err(),
            BatchSource::Kinesis => KinesisRecord::read(record).err(),
            BatchSource::DynamoDbStream => DynamoDbRecord::read(record).err(),
        };
        let name = |error| match error {
            RecordError::Malformed { .. } => "malformed",
            RecordError::ForeignSource { .. } => "foreign",
            RecordError::KplAggregate => "aggregate",
            RecordError::DynamoDbChange => "change",
            RecordError::InvalidBase64 => "base64",
        };
        event.records().iter().map(|record| fault(record).map(name)).collect()
    }

    #[test]
    fn records_that_are_none_of_their_batch_fail_alone() {
        for (source, records, expected) in [
            (
                BatchSource::Sqs,
                r#"{"eventSource":"aws:sqs"},null,5,{"eventSource":"aws:sns"},{},
                    {"EventSource":" aws:sqs "},{"eventSource":null,"EventSource":"aws:kinesis"}"#,
                &[
                    None,
                    Some("malformed"),
                    Some("malformed"),
                    Some("foreign"),
                    None,
                    None,
                    Some("foreign"),
                ][..],
            ),
            (
                BatchSource::Kinesis,
                r#"{"eventSource":"aws:kinesis"},{"eventSource":"aws:dynamodb"},[],
                    {"kinesis":{"sequenceNumber":"1","sequenceNumber":"2"}}"#,
                &[None, Some("foreign"), Some("malformed"), Some("malformed")],
            ),
            (
                BatchSource::DynamoDbStream,
                r#"{"eventSource":"aws:kinesis"},{"eventSource":"aws:dynamodb","eventSource":""}"#,
                &[Some("foreign"), Some("malformed")],
            ),
            (
                BatchSource::Sqs,
                r#"{"attributes":{"MessageGroupId":"a","MessageGroupId":"b"}},{"body":"","body":""},
                    {"attributes":{"SenderId":"a","SenderId":"b"}},{"x":1,"x":2}"#,
                &[Some("malformed"), Some("malformed"), None, None],
            ),
        ] {
            assert_eq!(faults(source, records), expected, "{records}");
        }
    }

    #[test]
    fn events_of_tumbling_windows_are_refused_by_name() {
        for source in [BatchSource::Kinesis, BatchSource::DynamoDbStream] {
            for members in [
                r#""window":{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T00:02:00Z"},"state":{},
                    "shardId":"s","isFinalInvokeForWindow":false,"isWindowTerminatedEarly":false"#,
                r#""state":{}"#,
                r#""isFinalInvokeForWindow":true"#,
                r#""isWindowTerminatedEarly":true"#,
            ] {
                for records in ["[]", "[{}]", "null"] {
                    let event = alloc::format!(r#"{{"Records":{records},{members}}}"#);
                    let trigger = source.trigger();
                    let error = BatchEvent::read(source, &event).unwrap_err();
                    assert_eq!(error, EventError::TumblingWindow { trigger }, "{event}");
                    assert!(error.to_string().contains("TumblingWindowInSeconds"));
                }
            }
            let plain = r#"{"Records":[],"window":null,"isFinalInvokeForWindow":false}"#;
            assert!(BatchEvent::read(source, plain).is_ok());
        }
        assert!(BatchEvent::read(BatchSource::Sqs, r#"{"Records":[],"state":{}}"#).is_ok());
        assert!(BatchEvent::read(BatchSource::Sqs, r#"{"Records":[],"Records":[]}"#).is_err());
    }

    #[test]
    fn the_strictest_policy_stops_fifo_queues_and_no_others() {
        let record = |queue: &str, id: u8, group: &str| {
            alloc::format!(
                r#"{{"messageId":"{id}","eventSourceARN":"arn:aws:sqs:r:1:{queue}","attributes":
                    {{"MessageGroupId":{group}}}}}"#
            )
        };
        for (queue, after_failure, expected) in [
            ("q.fifo", AfterFailure::SkipAll, &["2", "3", "4"][..]),
            ("q.fifo", AfterFailure::SkipGroup, &["2", "4"]),
            ("q.fifo", AfterFailure::Continue, &["2", "4"]),
            ("q", AfterFailure::SkipAll, &["2"]),
        ] {
            let groups = [r#""a""#, r#""b""#, "null", r#""b""#];
            let records: Vec<_> =
                (1..).zip(groups).map(|(id, group)| record(queue, id, group)).collect();
            let event = alloc::format!(r#"{{"Records":[{}]}}"#, records.join(","));
            let event = BatchEvent::read(BatchSource::Sqs, &event).unwrap();
            let mut batch = event.batch(after_failure);
            while let Some(turn) = batch.take(Timestamp::UNIX_EPOCH) {
                if turn.index() == 1 { batch.fail(turn) } else { batch.succeed(turn) }
            }
            assert_eq!(batch.finish().unwrap().failures, expected, "{queue} {after_failure:?}");
        }
    }

    #[test]
    fn what_only_looks_like_kinesis_data_is_refused_by_name() {
        let change = br#" {"awsRegion":"eu-west-1","eventID":"e","eventName":"INSERT",
            "userIdentity":null,"recordFormat":"application/json","tableName":"orders",
            "dynamodb":{"ApproximateCreationDateTime":1767225600000,"Keys":{"PK":{"S":"k"}},
            "NewImage":{"PK":{"S":"k"}},"SizeBytes":6},"eventSource":"aws:dynamodb"}"#;
        let streamed = br#"{"eventSource":"aws:dynamodb","eventSourceARN":"a:table/t/stream/x",
            "dynamodb":{"Keys":{}}}"#;
        for (data, expected) in [
            (&b"hi"[..], None),
            (b"", None),
            (&[0xf3, 0x89, 0x9a], None),
            (&[0xf3, 0x89, 0x9a, 0xc2], Some("aggregate")),
            (&[0xf3, 0x89, 0x9a, 0xc2, 0x0a, 0x01, 0x70, 0x1a], Some("aggregate")),
            (&[0x20, 0xf3, 0x89, 0x9a, 0xc2], None),
            (change, Some("change")),
            (streamed, None),
            (br#"{"eventSource":"shop","tableName":"t","dynamodb":{}}"#, None),
            (br#"["eventSource","aws:dynamodb","tableName","dynamodb"]"#, None),
        ] {
            let record = alloc::format!(
                r#"{{"eventSource":"aws:kinesis","kinesis":{{"data":"{}"}}}}"#,
                STANDARD.encode(data)
            );
            assert_eq!(faults(BatchSource::Kinesis, &record), [expected]);
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
