//! Records of Kinesis.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::raw::{is_object, text as filled_text};
use super::records::BatchRecord;
use super::trigger::{RecordError, Trigger};
use crate::http::base64_body;
use crate::json;
use crate::members::{Object, Text, owned};
use crate::printing::prints;

/// How an aggregate of the Kinesis Producer Library begins, by its published format.
const KPL_MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];

/// Whether data is a change as Kinesis Data Streams for DynamoDB writes it: an object of the source
/// `aws:dynamodb` with a table's name and a change. A stream's own record names no table.
fn is_table_change(data: &[u8]) -> bool {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Change<'a> {
        #[serde(borrow)]
        event_source: Option<&'a RawValue>,
        #[serde(borrow)]
        table_name: Option<&'a RawValue>,
        #[serde(borrow)]
        dynamodb: Option<&'a RawValue>,
    }

    let text = core::str::from_utf8(data).unwrap_or_default().trim_start();
    if !text.starts_with('{') {
        return false;
    }
    let change: Change<'_> = json::read_object(text).unwrap_or_default();
    let source = filled_text(change.event_source);
    source.is_some_and(|source| Some(source.trim()) == Trigger::DynamoDbStream.event_source())
        && filled_text(change.table_name).is_some()
        && change.dynamodb.is_some_and(is_object)
}

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
    /// [`RecordError`] when a member that is read is of another type or there twice, the data is not
    /// base64, or it holds what only looks like a record: an aggregate of the Kinesis Producer
    /// Library, or a change of a DynamoDB table.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, RecordError> {
        #[derive(Debug, Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Record<'a> {
            #[serde(borrow, rename = "eventID")]
            event_id: Text<'a>,
            #[serde(borrow, rename = "eventSourceARN")]
            event_source_arn: Text<'a>,
            #[serde(borrow)]
            kinesis: Object<Kinesis<'a>>,
        }

        #[derive(Debug, Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Kinesis<'a> {
            #[serde(borrow)]
            partition_key: Text<'a>,
            #[serde(borrow)]
            sequence_number: Text<'a>,
            #[serde(borrow)]
            data: Text<'a>,
        }

        let read: Record<'a> = record.read(Trigger::Kinesis)?;
        let kinesis = read.kinesis.0;
        let data = base64_body::decode(kinesis.data.as_str().as_bytes(), None);
        let data = data.map_err(|_| RecordError::InvalidBase64)?;
        if data.starts_with(&KPL_MAGIC) {
            return Err(RecordError::KplAggregate);
        }
        if is_table_change(&data) {
            return Err(RecordError::DynamoDbChange);
        }
        Ok(Self {
            event_id: read.event_id.0,
            event_source_arn: read.event_source_arn.0,
            partition_key: kinesis.partition_key.0,
            sequence_number: kinesis.sequence_number.0,
            data,
            text: Cow::Borrowed(record.as_json()),
        })
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
