//! Records of Kinesis.

use alloc::borrow::Cow;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::batch_event::BatchRecord;
use super::dynamodb::DynamoDbRecord;
use super::error::Error;
use super::kpl::user_records;
use super::text::{OwnedJson, Text};
use crate::document::Document;
use crate::json::to_text;
use crate::printing::prints;

/// A record of Kinesis. Missing values are empty.
#[derive(Clone)]
pub struct KinesisRecord<'a> {
    /// The id of the event: `{shard}:{sequence number}`. For a record in an aggregate, `:` and its
    /// position follow.
    pub event_id: Text<'a>,
    /// The ARN of the stream, or of a consumer of the stream.
    pub event_source_arn: Text<'a>,
    /// The partition key, which selects the shard.
    pub partition_key: Text<'a>,
    /// The record's position in its shard. All records of an aggregate have the aggregate's.
    pub sequence_number: Text<'a>,
    /// The record's position in its aggregate, from 0; `None` if it is not in one.
    pub sub_sequence_number: Option<u64>,
    /// The decoded data.
    pub data: Vec<u8>,
    text: Text<'a>,
    /// The data that the records of an aggregate share: everything except key and data.
    shared: Option<Arc<Json>>,
}

prints!(KinesisRecord<'_>: event_id, event_source_arn, sequence_number);

impl<'a> KinesisRecord<'a> {
    /// Reads a record, and decodes its data.
    ///
    /// # Errors
    ///
    /// [`Error`] if a member has the wrong type or occurs twice, or the data is not base64.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, Error> {
        let (mut read, data) = record.read(|object| {
            let names = ["kinesis", "eventID", "eventSourceARN"];
            let [kinesis, event_id, event_source_arn] = object.get_each(names);
            let names = ["partitionKey", "sequenceNumber", "data"];
            let [partition_key, sequence_number, data] = kinesis?.object()?.get_each(names);
            let read = Self {
                event_id: event_id?.text()?.into(),
                event_source_arn: event_source_arn?.text()?.into(),
                partition_key: partition_key?.text()?.into(),
                sequence_number: sequence_number?.text()?.into(),
                sub_sequence_number: None,
                data: Vec::new(),
                text: record.as_json().into(),
                shared: None,
            };
            Ok((read, data?.text()?))
        })?;
        read.data = record.decode(&data)?;
        Ok(read)
    }

    /// Returns the records in an aggregate of the Kinesis Producer Library, in order. `None` for an
    /// ordinary record; a damaged aggregate, or one with a partition key above Kinesis' 256
    /// characters, counts as an ordinary record.
    #[must_use]
    pub fn user_records(&self) -> Option<impl Iterator<Item = KinesisRecord<'static>>> {
        let records = user_records(&self.data)?;
        // Computed once, because an aggregate may have a hundred thousand records.
        let shared = without_data(self.as_json()).map(Arc::new);
        let whole = Self { data: Vec::new(), shared, ..self.clone() }.into_owned();
        Some((0_u64..).zip(records).map(move |(place, record)| KinesisRecord {
            event_id: format!("{}:{place}", whole.event_id).into(),
            partition_key: record.partition_key.into(),
            sub_sequence_number: Some(place),
            data: record.data,
            ..whole.clone()
        }))
    }

    /// Reads the data as a change of a DynamoDB table, as Kinesis Data Streams for DynamoDB writes
    /// it. The change has no sequence number and no ARN.
    ///
    /// # Errors
    ///
    /// [`Error`] if the data is not such a change.
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

    /// Returns the record as it is in the event.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Returns the record as it would be in the event without aggregation: the shared members, with
    /// its own key and data.
    pub(super) fn own_json(&self) -> Cow<'_, str> {
        let Some(shared) = &self.shared else { return self.as_json().into() };
        let mut own = Json::clone(shared);
        if let Some(kinesis) = own.get_mut("kinesis").and_then(Json::as_object_mut) {
            kinesis.insert("partitionKey".into(), (&*self.partition_key).into());
            kinesis.insert("data".into(), STANDARD.encode(&self.data).into());
        }
        to_text(&own).into()
    }

    /// Returns a copy that does not borrow from the event.
    #[must_use]
    pub fn into_owned(self) -> KinesisRecord<'static> {
        let owned = OwnedJson::of(&self.text);
        KinesisRecord {
            event_id: owned.text(self.event_id),
            event_source_arn: owned.text(self.event_source_arn),
            partition_key: owned.text(self.partition_key),
            sequence_number: owned.text(self.sequence_number),
            sub_sequence_number: self.sub_sequence_number,
            data: self.data,
            text: owned.json(),
            shared: self.shared,
        }
    }
}

/// Returns a record without its data, which may be large.
fn without_data(record: &str) -> Option<Json> {
    let mut record: Json = serde_json::from_str(record).ok()?;
    record.get_mut("kinesis")?.as_object_mut()?.remove("data");
    Some(record)
}
