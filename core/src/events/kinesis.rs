//! Records of Kinesis.

use alloc::borrow::Cow;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::batch_event::BatchRecord;
use super::dynamodb::DynamoDbRecord;
use super::error::Error;
use super::kpl::user_records;
use super::owned;
use crate::document::Document;
use crate::printing::prints;

/// A record of Kinesis. What it lacks is empty.
#[derive(Clone)]
pub struct KinesisRecord<'a> {
    /// The id of the event: `{shard}:{sequence number}`. Of a record in an aggregate, `:` and its place
    /// follow.
    pub event_id: Cow<'a, str>,
    /// The ARN of the stream, or of a consumer of it.
    pub event_source_arn: Cow<'a, str>,
    /// What decides the record's shard.
    pub partition_key: Cow<'a, str>,
    /// The record's place in its shard. All records in an aggregate have that of the aggregate.
    pub sequence_number: Cow<'a, str>,
    /// The record's place in its aggregate, counted from 0; `None` for one of its own.
    pub sub_sequence_number: Option<u64>,
    /// The data, decoded.
    pub data: Vec<u8>,
    text: Text<'a>,
}

/// The record as the event has it. All records in an aggregate share one.
#[derive(Clone)]
enum Text<'a> {
    Borrowed(&'a str),
    Shared(Arc<str>),
}

prints!(KinesisRecord<'_>: event_id, event_source_arn, sequence_number);

impl<'a> KinesisRecord<'a> {
    /// Reads a record, and decodes its data.
    ///
    /// # Errors
    ///
    /// [`Error`] when a member that is read is of another type or comes twice, or the data is not
    /// base64.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, Error> {
        let (mut read, data) = record.read(|object| {
            let kinesis = object.object("kinesis")?;
            let read = Self {
                event_id: object.text("eventID")?,
                event_source_arn: object.text("eventSourceARN")?,
                partition_key: kinesis.text("partitionKey")?,
                sequence_number: kinesis.text("sequenceNumber")?,
                sub_sequence_number: None,
                data: Vec::new(),
                text: Text::Borrowed(record.as_json()),
            };
            Ok((read, kinesis.text("data")?))
        })?;
        read.data = record.decode(&data)?;
        Ok(read)
    }

    /// Returns the records in an aggregate of the Kinesis Producer Library, in their order, one at a
    /// time; `None` for a record that is no aggregate, or a damaged one, which is a record like any
    /// other. So is one with a partition key of more than the 256 characters that Kinesis takes.
    #[must_use]
    pub fn user_records(&self) -> Option<impl Iterator<Item = KinesisRecord<'static>>> {
        let records = user_records(&self.data)?;
        let whole = Self { data: Vec::new(), ..self.clone() }.into_owned();
        Some((0_u64..).zip(records).map(move |(place, record)| KinesisRecord {
            event_id: format!("{}:{place}", whole.event_id).into(),
            partition_key: record.partition_key.into(),
            sub_sequence_number: Some(place),
            data: record.data,
            ..whole.clone()
        }))
    }

    /// Reads the data as a change of a DynamoDB table, as Kinesis Data Streams for DynamoDB writes it.
    /// The change has no sequence number and no ARN of its own.
    ///
    /// # Errors
    ///
    /// [`Error`] when the data is anything else.
    pub fn table_change(&self) -> Result<DynamoDbRecord<'_>, Error> {
        let malformed = |cause| Error::malformed("dynamodb change of a kinesis stream", cause);
        let text = core::str::from_utf8(&self.data).unwrap_or_default();
        let document = Document::scan(text).map_err(malformed)?;
        let change = document.object().map_err(malformed)?;
        let root = document.root();
        if !root.member("dynamodb").is_object() {
            return Err(malformed(root.member("dynamodb").error()));
        }
        DynamoDbRecord::of(change, text).map_err(malformed)
    }

    /// The record as the event has it.
    #[must_use]
    pub fn as_json(&self) -> &str {
        match &self.text {
            Text::Borrowed(text) => text,
            Text::Shared(text) => text,
        }
    }

    /// The record without its event, for a handler that may outlive it.
    #[must_use]
    pub fn into_owned(self) -> KinesisRecord<'static> {
        KinesisRecord {
            event_id: owned(self.event_id),
            event_source_arn: owned(self.event_source_arn),
            partition_key: owned(self.partition_key),
            sequence_number: owned(self.sequence_number),
            sub_sequence_number: self.sub_sequence_number,
            data: self.data,
            text: match self.text {
                Text::Borrowed(text) => Text::Shared(text.into()),
                Text::Shared(text) => Text::Shared(text),
            },
        }
    }
}
