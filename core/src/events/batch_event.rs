//! Events that are batches of records.

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

/// An event with a batch of records. Only what routes, orders and names the records is read at once;
/// what else is in them is read when their turn comes, so that a malformed one fails alone.
#[derive(Clone, Debug)]
pub struct BatchEvent<'a> {
    source: BatchSource,
    document: Document<'a>,
    heads: Heads<'a>,
    texts: Texts<'a>,
}

/// Texts of an event that its records tell as theirs, by their names. They are read once, however many
/// members an event has.
type Texts<'a> = [(&'static str, Cow<'a, str>); 4];

/// A record of a batch.
#[derive(Clone, Copy)]
pub struct BatchRecord<'e> {
    source: BatchSource,
    /// Those of the event that it came in.
    texts: &'e Texts<'e>,
    value: Value<'e, 'e>,
    head: &'e Head<'e>,
    origin: &'e Origin<'e>,
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

    /// The records of an event, whether it is of a tumbling window or not.
    pub(super) fn of_records(source: BatchSource, document: Document<'a>) -> Result<Self, Error> {
        let malformed = |cause| malformed(source, cause);
        let event = document.root().object().map_err(malformed)?;
        let heads = Heads::read(source, event).map_err(malformed)?;
        let texts =
            ["eventSourceArn", "deliveryStreamArn", "sourceKinesisStreamArn", "bootstrapServers"];
        let texts = texts.map(|name| (name, document.root().member(name).trimmed()));
        Ok(Self { source, heads, texts, document })
    }

    /// A member of the event itself.
    pub(super) fn member(&self, name: &str) -> Value<'a, '_> {
        self.document.root().member(name)
    }

    /// The service.
    #[must_use]
    pub const fn source(&self) -> BatchSource {
        self.source
    }

    /// The records, in the order in which they came.
    #[must_use]
    pub fn records(&self) -> impl ExactSizeIterator<Item = BatchRecord<'_>> {
        self.heads.records.iter().map(|head| self.record_of(head))
    }

    /// The record at an index, such as [that of a turn](super::Turn::index).
    #[must_use]
    pub fn record(&self, index: usize) -> Option<BatchRecord<'_>> {
        self.heads.records.get(index).map(|head| self.record_of(head))
    }

    fn record_of<'e>(&'e self, head: &'e Head<'e>) -> BatchRecord<'e> {
        let (value, origin) = (self.document.at(head.place), self.heads.origin(head));
        BatchRecord { source: self.source, texts: &self.texts, value, head, origin }
    }

    /// Returns the batch of the records. In a FIFO queue the rest of a failed message group never
    /// runs: there [`AfterFailure::Continue`] means [`AfterFailure::SkipGroup`]. So it does in a
    /// partition of Kafka, which Lambda takes up at the lowest offset that failed. In other queues,
    /// and for Firehose, nothing has an order, and all records run whatever `after_failure` says.
    ///
    /// The records of a stream come from one shard and run one after the other. Of the services that
    /// send an event again as a whole, nothing more runs after a failure.
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
    /// Returns what the service knows the record by: the message id, the sequence number, or the
    /// offset in a partition. Empty when the record has none.
    #[must_use]
    pub fn identifier(&self) -> &'e str {
        &self.head.identifier
    }

    /// Returns the name of the queue, stream, table, topic, bucket, repository or database that it is
    /// from, which its handler is registered by; for a mail `ses`, for logs `cloudwatch_logs`. Empty when nothing names it.
    #[must_use]
    pub fn name(&self) -> &'e str {
        &self.origin.name
    }

    /// The record as the event has it, for what the typed records leave out.
    #[must_use]
    pub fn as_json(&self) -> &'e str {
        self.value.json()
    }

    pub(super) const fn value(&self) -> Value<'e, 'e> {
        self.value
    }

    /// The name of the list that it is in, where the event has several: of a partition, or of a queue
    /// of RabbitMQ.
    pub(super) fn list(&self) -> &'e str {
        &self.origin.source
    }

    /// One of the texts of the event itself, trimmed; empty where a member is no text.
    pub(super) fn event_text(&self, name: &str) -> &'e str {
        let text = self.texts.iter().find(|(known, _)| *known == name);
        text.map_or("", |(_, text)| text)
    }

    /// The bytes of a text in base64.
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
