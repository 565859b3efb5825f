//! Events that are batches of records.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::arn::{ArnKind, name_from_arn};
use super::batch::{AfterFailure, Batch, BatchItem};
use super::error::{Error, ErrorKind};
use super::event::{is_of_window, source_of_record};
use super::trigger::Trigger;
use crate::document::{Document, Object, Value};
use crate::json::JsonError;
use crate::printing::prints;

/// The services whose events are batches that can fail in part.
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

    /// What its records name as their source.
    const fn event_source(self) -> &'static str {
        match self {
            Self::Sqs => "aws:sqs",
            Self::Kinesis => "aws:kinesis",
            Self::DynamoDbStream => "aws:dynamodb",
        }
    }

    /// What its events and its records are called in errors.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Sqs => ("sqs event", "sqs record"),
            Self::Kinesis => ("kinesis event", "kinesis record"),
            Self::DynamoDbStream => ("dynamodb stream event", "dynamodb stream record"),
        }
    }

    const fn arn_kind(self) -> ArnKind {
        match self {
            Self::Sqs => ArnKind::SqsQueue,
            Self::Kinesis => ArnKind::KinesisStream,
            Self::DynamoDbStream => ArnKind::DynamoDbStream,
        }
    }
}

/// An event with a batch of records. Only what routes, orders and names the records is read at once;
/// what else is in them is read when their turn comes, so that a malformed one fails alone.
#[derive(Clone, Debug)]
pub struct BatchEvent<'a> {
    source: BatchSource,
    document: Document<'a>,
    heads: Vec<Head<'a>>,
    is_fifo: bool,
}

/// What of a record is read before its turn.
#[derive(Clone, Debug)]
struct Head<'a> {
    /// Where in the document the record is.
    place: usize,
    name: Cow<'a, str>,
    item: BatchItem<'a>,
    /// Why it cannot be read as a record of its batch.
    fault: Option<Error>,
}

/// A record of a batch.
#[derive(Clone, Copy)]
pub struct BatchRecord<'e> {
    source: BatchSource,
    value: Value<'e, 'e>,
    head: &'e Head<'e>,
}

prints!(BatchRecord<'_>: source, head);

impl<'a> BatchEvent<'a> {
    /// Reads an event of a service, whatever the event itself looks like. Members of the wrong type
    /// within a record read as missing ones here. A record that is no object, is from another service
    /// or has one of these members twice fails alone, when its turn comes.
    ///
    /// # Errors
    ///
    /// [`Error`] when the text is not a JSON object, its `Records` are no list or there twice, or the
    /// event is of a tumbling window.
    pub fn read(source: BatchSource, event: &'a str) -> Result<Self, Error> {
        let malformed = |cause| Error::malformed(source.names().0, cause);
        let document = Document::scan(event).map_err(malformed)?;
        document.object().map_err(malformed)?;
        Self::of(source, document)
    }

    pub(super) fn of(source: BatchSource, document: Document<'a>) -> Result<Self, Error> {
        let (what, _) = source.names();
        let malformed = |cause| Error::malformed(what, cause);
        let event = document.root().object().map_err(malformed)?;
        let records = event.list("Records").map_err(malformed)?;
        // Only streams have windows.
        if source != BatchSource::Sqs && is_of_window(event).map_err(malformed)? {
            return Err(Error::tumbling_window(what));
        }
        let mut is_fifo = false;
        let heads = records.map(|record| head(source, record, &mut is_fifo)).collect();
        Ok(Self { source, heads, is_fifo, document })
    }

    /// The service.
    #[must_use]
    pub const fn source(&self) -> BatchSource {
        self.source
    }

    /// The records, in the order in which they came.
    #[must_use]
    pub fn records(&self) -> impl ExactSizeIterator<Item = BatchRecord<'_>> {
        self.heads.iter().map(|head| self.record_of(head))
    }

    /// The record at an index, such as [that of a turn](super::Turn::index).
    #[must_use]
    pub fn record(&self, index: usize) -> Option<BatchRecord<'_>> {
        self.heads.get(index).map(|head| self.record_of(head))
    }

    fn record_of<'e>(&'e self, head: &'e Head<'e>) -> BatchRecord<'e> {
        BatchRecord { source: self.source, value: self.document.at(head.place), head }
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
        Batch::new(self.heads.iter().map(|head| head.item.clone()), after_failure)
    }
}

impl<'e> BatchRecord<'e> {
    /// What the service knows the record by: the message id, or the sequence number. Empty when the
    /// record has none.
    #[must_use]
    pub fn identifier(&self) -> &'e str {
        &self.head.item.identifier
    }

    /// The name of the queue, stream or table that it is from. Empty when its ARN names none.
    #[must_use]
    pub fn name(&self) -> &'e str {
        &self.head.name
    }

    /// The record as the event has it, for what the typed records leave out.
    #[must_use]
    pub fn as_json(&self) -> &'e str {
        self.value.json()
    }

    pub(super) const fn value(&self) -> Value<'e, 'e> {
        self.value
    }

    /// Reads the record's members with `read`.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(Object<'e, 'e>) -> Result<T, JsonError>,
    ) -> Result<T, Error> {
        if let Some(fault) = &self.head.fault {
            return Err(fault.clone());
        }
        let object = self.value.filled().ok_or_else(|| self.value.error());
        let read = object.and_then(Value::object).and_then(read);
        read.map_err(|cause| Error::malformed(self.source.names().1, cause))
    }
}

fn head<'a>(source: BatchSource, record: Value<'a, '_>, is_fifo: &mut bool) -> Head<'a> {
    let mut fault = None;
    member(record, "eventSource", &mut fault);
    member(record, "EventSource", &mut fault);
    let arn = member(record, "eventSourceARN", &mut fault).trimmed();
    let (identifier, group) = match source {
        BatchSource::Sqs => {
            let attributes = member(record, "attributes", &mut fault);
            // The message groups of other queues are about fairness, and have no order.
            let group = match member(attributes, "MessageGroupId", &mut fault).trimmed() {
                group if arn.ends_with(".fifo") && !group.is_empty() => {
                    Some(format!("{arn} {group}").into())
                }
                _ => None,
            };
            *is_fifo |= arn.ends_with(".fifo");
            (member(record, "messageId", &mut fault), group)
        }
        BatchSource::Kinesis => {
            // `{shard}:{sequence number}`. The sequence number alone is what the answer names, since
            // it is what Lambda takes up a shard at.
            let event_id = member(record, "eventID", &mut fault).trimmed();
            let shard = event_id.split_once(':').map_or("", |(shard, _)| shard);
            let group = Some(format!("{arn} {shard}").into());
            let data = member(record, "kinesis", &mut fault);
            (member(data, "sequenceNumber", &mut fault), group)
        }
        BatchSource::DynamoDbStream => {
            // Nothing in a record says its shard; a batch is from one.
            let change = member(record, "dynamodb", &mut fault);
            (member(change, "SequenceNumber", &mut fault), Some(arn.clone()))
        }
    };
    let identifier = identifier.trimmed();
    let (_, what) = source.names();
    let is_foreign = source_of_record(record).is_some_and(|own| own != source.event_source());
    let fault = match fault {
        Some(cause) => Some(Error::malformed(what, cause)),
        None if is_foreign => {
            let why = "it is from another service";
            Some(Error::refused(ErrorKind::ForeignRecord, what, why))
        }
        None => None,
    };
    let name = match arn {
        Cow::Borrowed(arn) => Cow::Borrowed(name_from_arn(source.arn_kind(), arn)),
        Cow::Owned(arn) => Cow::Owned(name_from_arn(source.arn_kind(), &arn).to_string()),
    };
    Head { place: record.place(), name, item: BatchItem { identifier, group }, fault }
}

/// A member of any type: only one that comes twice is a fault.
fn member<'a, 'd>(
    value: Value<'a, 'd>,
    name: &str,
    fault: &mut Option<JsonError>,
) -> Value<'a, 'd> {
    if let Some(Err(twice)) = value.object().ok().map(|object| object.get(name)) {
        fault.get_or_insert(twice);
    }
    value.member(name)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::{AfterFailure, BatchEvent, BatchRecord, BatchSource, ErrorKind};
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
            let read = event.record(0).unwrap();
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

    fn faults(source: BatchSource, records: &str) -> Vec<Option<ErrorKind>> {
        let event = alloc::format!(r#"{{"Records":[{records}]}}"#);
        let event = BatchEvent::read(source, &event).unwrap();
        let fault = |record: &BatchRecord<'_>| match source {
            BatchSource::Sqs => SqsRecord::read(record).err(),
            BatchSource::Kinesis => KinesisRecord::read(record).err(),
            BatchSource::DynamoDbStream => DynamoDbRecord::read(record).err(),
        };
        event.records().map(|record| fault(&record).map(|error| error.kind())).collect()
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
                    Some(ErrorKind::Malformed),
                    Some(ErrorKind::Malformed),
                    Some(ErrorKind::ForeignRecord),
                    None,
                    None,
                    Some(ErrorKind::ForeignRecord),
                ][..],
            ),
            (
                BatchSource::Kinesis,
                r#"{"eventSource":"aws:kinesis"},{"eventSource":"aws:dynamodb"},[],
                    {"kinesis":{"sequenceNumber":"1","sequenceNumber":"2"}}"#,
                &[
                    None,
                    Some(ErrorKind::ForeignRecord),
                    Some(ErrorKind::Malformed),
                    Some(ErrorKind::Malformed),
                ],
            ),
            (
                BatchSource::DynamoDbStream,
                r#"{"eventSource":"aws:kinesis"},{"eventSource":"aws:dynamodb","eventSource":""}"#,
                &[Some(ErrorKind::ForeignRecord), Some(ErrorKind::Malformed)],
            ),
            (
                BatchSource::Sqs,
                r#"{"attributes":{"MessageGroupId":"a","MessageGroupId":"b"}},{"body":"","body":""},
                    {"attributes":{"SenderId":"a","SenderId":"b"}},{"x":1,"x":2}"#,
                &[Some(ErrorKind::Malformed), Some(ErrorKind::Malformed), None, None],
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
                    let error = BatchEvent::read(source, &event).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::TumblingWindow, "{event}");
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
            (&[0xf3, 0x89, 0x9a, 0xc2], Some(ErrorKind::KplAggregate)),
            (&[0xf3, 0x89, 0x9a, 0xc2, 0x0a, 0x01, 0x70, 0x1a], Some(ErrorKind::KplAggregate)),
            (&[0x20, 0xf3, 0x89, 0x9a, 0xc2], None),
            (change, Some(ErrorKind::TableChange)),
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
