//! Records of Kinesis.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::batch_event::BatchRecord;
use super::error::{Error, ErrorKind};
use super::owned;
use crate::document::Document;
use crate::http::base64_body;
use crate::printing::prints;

/// How an aggregate of the Kinesis Producer Library begins, by its published format.
const KPL_MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];

/// A record of Kinesis. What it lacks is empty.
#[derive(Clone)]
pub struct KinesisRecord<'a> {
    /// The id of the event: `{shard}:{sequence number}`.
    pub event_id: Cow<'a, str>,
    /// The ARN of the stream, or of a consumer of it.
    pub event_source_arn: Cow<'a, str>,
    /// What decides the record's shard.
    pub partition_key: Cow<'a, str>,
    /// The record's place in its shard.
    pub sequence_number: Cow<'a, str>,
    /// The data, decoded.
    pub data: Vec<u8>,
    text: Cow<'a, str>,
}

prints!(KinesisRecord<'_>: event_id, event_source_arn, sequence_number);

impl<'a> KinesisRecord<'a> {
    /// Reads a record, and decodes its data.
    ///
    /// # Errors
    ///
    /// [`Error`] when a member that is read is of another type or comes twice, the data is not
    /// base64, or it holds what only looks like a record: an aggregate of the Kinesis Producer
    /// Library, or a change of a DynamoDB table.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, Error> {
        let (mut read, data) = record.read(|object| {
            let kinesis = object.object("kinesis")?;
            let read = Self {
                event_id: object.text("eventID")?,
                event_source_arn: object.text("eventSourceARN")?,
                partition_key: kinesis.text("partitionKey")?,
                sequence_number: kinesis.text("sequenceNumber")?,
                data: Vec::new(),
                text: Cow::Borrowed(record.as_json()),
            };
            Ok((read, kinesis.text("data")?))
        })?;
        read.data = decode(&data)?;
        Ok(read)
    }

    /// The record as the event has it.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// The record without its event, for a handler that may outlive it.
    #[must_use]
    pub fn into_owned(self) -> KinesisRecord<'static> {
        KinesisRecord {
            event_id: owned(self.event_id),
            event_source_arn: owned(self.event_source_arn),
            partition_key: owned(self.partition_key),
            sequence_number: owned(self.sequence_number),
            data: self.data,
            text: owned(self.text),
        }
    }
}

fn decode(data: &str) -> Result<Vec<u8>, Error> {
    let refused = |kind, why: &str| Err(Error::refused(kind, "kinesis record", why));
    let Ok(data) = base64_body::decode(data.as_bytes(), None) else {
        return refused(ErrorKind::InvalidBase64, "invalid base64");
    };
    if data.starts_with(&KPL_MAGIC) {
        let why = "aggregates of the Kinesis Producer Library are not supported: write with \
                   AggregationEnabled=false";
        return refused(ErrorKind::KplAggregate, why);
    }
    if is_table_change(&data) {
        let why = "changes of DynamoDB tables that come through Kinesis Data Streams are not \
                   supported: use the table's own stream";
        return refused(ErrorKind::TableChange, why);
    }
    Ok(data)
}

/// Whether data is a change as Kinesis Data Streams for DynamoDB writes it: an object of the source
/// `aws:dynamodb` with a table's name and a change. A stream's own record names no table.
fn is_table_change(data: &[u8]) -> bool {
    let text = core::str::from_utf8(data).unwrap_or_default();
    // Most data is no JSON at all.
    if !text.trim_start().starts_with('{') {
        return false;
    }
    let Ok(document) = Document::scan(text) else { return false };
    let change = document.root();
    change.member("eventSource").trimmed() == "aws:dynamodb"
        && change.member("tableName").filled_text().is_some()
        && change.member("dynamodb").is_object()
}
