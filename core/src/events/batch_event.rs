//! Events with a batch of records.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::batch::{AfterFailure, Batch, BatchItem};
use super::batch_source::BatchSource;
use super::error::{Error, ErrorKind};
use super::heads::{Head, Heads, Origin};
use super::window::has_window;
use crate::base64_text;
use crate::document::{Document, Object, Value};
use crate::json::JsonError;
use crate::printing::prints;

/// An event with a batch of records. Initially only the routing, order and identifiers of records
/// are read. The rest is read when a record runs, so a malformed record fails alone.
#[derive(Clone, Debug)]
pub struct BatchEvent<'a> {
    source: BatchSource,
    document: Document<'a>,
    heads: Heads<'a>,
    texts: Texts<'a>,
}

/// The members of an event that all of its records share.
const SHARED_MEMBERS: [&str; 4] =
    ["eventSourceArn", "deliveryStreamArn", "sourceKinesisStreamArn", "bootstrapServers"];

/// The texts of the [`SHARED_MEMBERS`], read once per event.
type Texts<'a> = [Cow<'a, str>; SHARED_MEMBERS.len()];

/// A record of a batch.
#[derive(Clone, Copy)]
pub struct BatchRecord<'e> {
    source: BatchSource,
    /// The shared texts of the record's event.
    texts: &'e Texts<'e>,
    value: Value<'e, 'e>,
    head: &'e Head<'e>,
    origin: &'e Origin<'e>,
}

prints!(BatchRecord<'_>: source, head);

impl<'a> BatchEvent<'a> {
    /// Reads an event of a service, without checking that the event is from this service. Members
    /// with wrong types count as missing. A record fails alone, when it runs, if it is not an
    /// object, is from another service, or has a routing member twice.
    ///
    /// # Errors
    ///
    /// [`Error`] if the text is not a JSON object, `Records` is not a list or occurs twice, or the
    /// event belongs to a tumbling window.
    pub fn read(source: BatchSource, event: &'a str) -> Result<Self, Error> {
        let malformed = |cause| malformed(source, cause);
        let document = Document::scan(event).map_err(malformed)?;
        document.object().map_err(malformed)?;
        Self::of(source, document)
    }

    pub(super) fn of(source: BatchSource, document: Document<'a>) -> Result<Self, Error> {
        if has_window(source, &document)? {
            return Err(Error::tumbling_window(source));
        }
        Self::of_records(source, document)
    }

    /// Reads the records of an event, with or without a tumbling window.
    pub(super) fn of_records(source: BatchSource, document: Document<'a>) -> Result<Self, Error> {
        let malformed = |cause| malformed(source, cause);
        let event = document.root().object().map_err(malformed)?;
        let heads = Heads::read(source, event).map_err(malformed)?;
        let texts =
            document.root().members_or_twice(SHARED_MEMBERS).map(|(member, _)| member.trimmed());
        Ok(Self { source, heads, texts, document })
    }

    /// Returns a member of the event.
    pub(super) fn member(&self, name: &str) -> Value<'a, '_> {
        self.document.root().member(name)
    }

    /// Returns the service.
    #[must_use]
    pub const fn source(&self) -> BatchSource {
        self.source
    }

    /// Yields the records, in the event's order.
    #[must_use]
    pub fn records(&self) -> impl ExactSizeIterator<Item = BatchRecord<'_>> {
        self.heads.records.iter().map(|head| self.record_of(head))
    }

    /// Returns the record at an index, for example of a [turn](super::Turn::index).
    #[must_use]
    pub fn record(&self, index: usize) -> Option<BatchRecord<'_>> {
        self.heads.records.get(index).map(|head| self.record_of(head))
    }

    fn record_of<'e>(&'e self, head: &'e Head<'e>) -> BatchRecord<'e> {
        let (value, origin) = (self.document.at(head.place), self.heads.origin(head));
        BatchRecord { source: self.source, texts: &self.texts, value, head, origin }
    }

    /// Returns the batch of the records.
    ///
    /// In a FIFO queue the rest of a failed message group never runs: [`AfterFailure::Continue`]
    /// acts as [`AfterFailure::SkipGroup`]. The same holds for a Kafka partition, which Lambda
    /// resumes at the lowest failed offset. Other queues and Firehose have no order, and all
    /// records run regardless of `after_failure`.
    ///
    /// The records of a stream come from one shard and run one by one. For services that repeat an
    /// event as a whole, no record runs after a failure.
    #[must_use]
    pub fn batch(&self, after_failure: AfterFailure) -> Batch<'_> {
        let items = self.heads.records.iter().map(|head| BatchItem {
            identifier: Cow::Borrowed(&head.identifier),
            group: self.heads.origin(head).group.as_deref().map(Cow::Borrowed),
        });
        let may_stop = self.heads.is_fifo || self.source == BatchSource::Kafka;
        let skips_group = match after_failure {
            AfterFailure::SkipAll if may_stop => AfterFailure::SkipAll,
            AfterFailure::Continue | AfterFailure::SkipGroup | AfterFailure::SkipAll => {
                AfterFailure::SkipGroup
            }
        };
        match self.source {
            BatchSource::Sqs => Batch::new(items, skips_group),
            BatchSource::Kafka => Batch::of_partitions(items, skips_group),
            BatchSource::Kinesis | BatchSource::DynamoDbStream => Batch::new(items, after_failure),
            BatchSource::Firehose => Batch::new(items, AfterFailure::Continue),
            BatchSource::S3
            | BatchSource::Ses
            | BatchSource::CodeCommit
            | BatchSource::ActiveMq
            | BatchSource::RabbitMq
            | BatchSource::DocumentDb
            | BatchSource::CloudWatchLogs => Batch::new(items, AfterFailure::SkipAll),
        }
    }
}

fn malformed(source: BatchSource, cause: JsonError) -> Error {
    Error::malformed(source.names().0, cause)
}

impl<'e> BatchRecord<'e> {
    /// Returns the service's identifier of the record: the message id, the sequence number, or the
    /// offset in a partition. Empty if the record has none.
    #[must_use]
    pub fn identifier(&self) -> &'e str {
        &self.head.identifier
    }

    /// Returns the name by which the record's handler is registered: of its queue, stream, table,
    /// topic, bucket, repository or database; `ses` for mail, and `cloudwatch_logs` for logs. Empty
    /// if the record has no name.
    #[must_use]
    pub fn name(&self) -> &'e str {
        &self.origin.name
    }

    /// Returns the record as it is in the event, for data that the typed records leave out.
    #[must_use]
    pub fn as_json(&self) -> &'e str {
        self.value.json()
    }

    pub(super) const fn value(&self) -> Value<'e, 'e> {
        self.value
    }

    /// Returns the name of the record's list, in an event with several lists: a partition, or a
    /// RabbitMQ queue.
    pub(super) fn list(&self) -> &'e str {
        &self.origin.source
    }

    /// Returns a shared text of the event, trimmed; empty if the member is not a string.
    pub(super) fn event_text(&self, name: &str) -> &'e str {
        let text = SHARED_MEMBERS.iter().zip(self.texts).find(|(known, _)| **known == name);
        text.map_or("", |(_, text)| text)
    }

    /// Decodes base64.
    pub(super) fn decode(&self, text: &str) -> Result<Vec<u8>, Error> {
        let what = self.source.names().1;
        let refused = |_| Error::refused(ErrorKind::InvalidBase64, what, "invalid base64");
        base64_text::decode(text.as_bytes(), None).map_err(refused)
    }

    /// Reads the record's members with `read`.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(Object<'e, 'e>) -> Result<T, JsonError>,
    ) -> Result<T, Error> {
        if let Some(fault) = &self.head.fault {
            return Err(Error::clone(fault));
        }
        let object = self.value.filled().ok_or_else(|| self.value.error());
        let read = object.and_then(Value::object).and_then(read);
        read.map_err(|cause| Error::malformed(self.source.names().1, cause))
    }
}
