//! Records of Kinesis.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use serde::Deserialize;

use super::records::BatchRecord;
use super::trigger::{RecordError, Trigger};
use crate::http::base64_body;
use crate::members::{Object, Text, owned};

/// A record of Kinesis. What it lacks is empty.
#[derive(Clone, Debug)]
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

impl<'a> KinesisRecord<'a> {
    /// Reads a record, and decodes its data.
    ///
    /// # Errors
    ///
    /// [`RecordError::Malformed`] when a member that is read is of another type, and
    /// [`RecordError::InvalidBase64`].
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
        Ok(Self {
            event_id: read.event_id.0,
            event_source_arn: read.event_source_arn.0,
            partition_key: kinesis.partition_key.0,
            sequence_number: kinesis.sequence_number.0,
            data: data.map_err(|_| RecordError::InvalidBase64)?,
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
