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
