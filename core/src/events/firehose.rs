//! Data transformation for Amazon Data Firehose.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::batch_event::{BatchEvent, BatchRecord};
use super::error::{Error, ErrorKind};
use super::text::{OwnedJson, Text};
use crate::base64_text;
use crate::error::AppError;
use crate::json::{self, ObjectWriter};
use crate::printing::prints;

/// The longest response: the limit of a Lambda response (6 MiB).
pub const MAX_FIREHOSE_ANSWER_BYTES: usize = 6 * 1024 * 1024;

/// A record of an Amazon Data Firehose stream. Missing values are empty.
#[derive(Clone)]
pub struct FirehoseRecord<'a> {
    /// The record's id in the invocation.
    pub record_id: Text<'a>,
    /// The decoded data.
    pub data: Vec<u8>,
    /// When the record arrived, in Unix milliseconds.
    pub arrived_at: i64,
    /// The delivery stream's ARN.
    pub delivery_stream_arn: Text<'a>,
    /// The ARN of the source Kinesis stream, if there is one.
    pub source_stream_arn: Text<'a>,
    /// The record's partition key in the source stream.
    pub partition_key: Text<'a>,
    /// The record's sequence number in the source stream.
    pub sequence_number: Text<'a>,
    text: Text<'a>,
}

prints!(FirehoseRecord<'_>: record_id, arrived_at, delivery_stream_arn);

impl<'a> FirehoseRecord<'a> {
    /// Reads a record, and decodes its data.
    ///
    /// # Errors
    ///
    /// [`Error`] if a member has the wrong type or occurs twice, or the data is not base64.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, Error> {
        let (mut read, data) = record.read(|object| {
            let [source, record_id, arrived_at, data] = object.get_each([
                "kinesisRecordMetadata",
                "recordId",
                "approximateArrivalTimestamp",
                "data",
            ]);
            let names = ["partitionKey", "sequenceNumber"];
            let [partition_key, sequence_number] = source?.object()?.get_each(names);
            let read = Self {
                record_id: record_id?.text()?.into(),
                data: Vec::new(),
                arrived_at: arrived_at?.exact_integer()?,
                delivery_stream_arn: record.event_text("deliveryStreamArn").into(),
                source_stream_arn: record.event_text("sourceKinesisStreamArn").into(),
                partition_key: partition_key?.text()?.into(),
                sequence_number: sequence_number?.text()?.into(),
                text: record.as_json().into(),
            };
            Ok((read, data?.text()?))
        })?;
        read.data = record.decode(&data)?;
        Ok(read)
    }

    /// Returns the record as it is in the event.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Returns a copy that does not borrow from the event.
    #[must_use]
    pub fn into_owned(self) -> FirehoseRecord<'static> {
        let owned = OwnedJson::of(&self.text);
        FirehoseRecord {
            record_id: owned.text(self.record_id),
            data: self.data,
            arrived_at: self.arrived_at,
            delivery_stream_arn: owned.text(self.delivery_stream_arn),
            source_stream_arn: owned.text(self.source_stream_arn),
            partition_key: owned.text(self.partition_key),
            sequence_number: owned.text(self.sequence_number),
            text: owned.json(),
        }
    }
}

/// The result of transforming a Firehose record.
///
/// ```
/// use apptheory_core::events::Transformed;
/// use serde_json::json;
///
/// let transformed = Transformed::ok("tea\n").partition_key("kind", "drink");
/// assert_eq!(json!(transformed)["result"], "Ok");
/// assert_eq!(json!(transformed)["metadata"]["partitionKeys"]["kind"], "drink");
/// assert_eq!(json!(Transformed::dropped()), json!({"result": "Dropped"}));
/// ```
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Transformed {
    result: Outcome,
    /// Base64; `None` for a dropped record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    metadata: Metadata,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
enum Outcome {
    Ok,
    Dropped,
}

#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Metadata {
    partition_keys: BTreeMap<String, String>,
}

impl Metadata {
    fn is_empty(&self) -> bool {
        self.partition_keys.is_empty()
    }
}

prints!(Transformed: result);

impl Transformed {
    /// Delivers the record with this data.
    #[must_use]
    pub fn ok(data: impl AsRef<[u8]>) -> Self {
        let data = Some(STANDARD.encode(data));
        Self { result: Outcome::Ok, data, metadata: Metadata::default() }
    }

    /// Delivers the record with a value as JSON. Firehose concatenates records: add a line end if
    /// the destination reads lines.
    ///
    /// # Errors
    ///
    /// [`AppError`], a masked 500, if the value cannot be serialized.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, AppError> {
        let text = serde_json::to_string(value);
        text.map(Self::ok).map_err(|error| AppError::internal().with_cause(error))
    }

    /// Drops the record: it is not delivered, and does not count as failed.
    #[must_use]
    pub const fn dropped() -> Self {
        let metadata = Metadata { partition_keys: BTreeMap::new() };
        Self { result: Outcome::Dropped, data: None, metadata }
    }

    /// Adds a partition key, by which a stream with dynamic partitioning chooses the prefix in S3.
    #[must_use]
    pub fn partition_key(mut self, name: &str, value: &str) -> Self {
        self.metadata.partition_keys.insert(name.to_string(), value.to_string());
        self
    }

    /// Reads the result from a handler's output: either the JSON of this type, or the form that
    /// functions return to Firehose. The record's id is taken from the event.
    ///
    /// # Errors
    ///
    /// [`AppError`], a masked 500, for output that Firehose would not accept, and for
    /// `ProcessingFailed`, which fails the record.
    pub fn of(mut answer: Json) -> Result<Self, AppError> {
        let refused = |why| AppError::internal().with_cause(why);
        if answer.get("result").is_some_and(|result| result == "ProcessingFailed") {
            return Err(refused(NotTransformed::Failed));
        }
        if let Some(members) = answer.as_object_mut() {
            members.retain(|name, value| !value.is_null() && name != "recordId");
        }
        let mut read: Self =
            serde_json::from_value(answer).map_err(|_| refused(NotTransformed::Other))?;
        let data = read.data.as_ref().map(|data| base64_text::decode(data.as_bytes(), None));
        match (read.result, data) {
            (Outcome::Ok, Some(Ok(_))) | (Outcome::Dropped, None) => Ok(read),
            // Types for such responses always have data.
            (Outcome::Dropped, Some(Ok(data))) if data.is_empty() => {
                read.data = None;
                Ok(read)
            }
            (Outcome::Ok | Outcome::Dropped, _) => Err(refused(NotTransformed::Other)),
        }
    }
}

/// A record was not transformed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
enum NotTransformed {
    #[error("the result for a Firehose record is invalid")]
    Other,
    #[error("the result for a Firehose record is `ProcessingFailed`")]
    Failed,
}

/// The response to a Firehose event: a result for every record, in order.
#[derive(Clone, Eq, PartialEq)]
pub struct FirehoseResponse {
    /// The response as JSON.
    pub json: String,
    /// The indices of the records that were transformed but did not fit; their result is a failure.
    pub left_out: Vec<usize>,
}

prints!(FirehoseResponse: left_out);

impl FirehoseResponse {
    /// Creates the response. `outputs` are the results of all records, in order: `None` for a
    /// failed record, which Firehose sends to its error output. Records that do not fit into `most`
    /// bytes fail as well; earlier records take precedence.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnnamedRecord`] if a record has no id, so that it cannot be answered.
    pub fn new(
        event: &BatchEvent<'_>,
        outputs: impl IntoIterator<Item = Option<Transformed>>,
        most: usize,
    ) -> Result<Self, Error> {
        const FRAME: usize = r#"{"records":[]}"#.len();
        let mut entries = Vec::new();
        for (record, output) in event.records().zip(outputs) {
            if record.identifier().is_empty() {
                let text = "apptheory: firehose record has no recordId";
                return Err(Error::new(ErrorKind::UnnamedRecord, text));
            }
            let failed = entry(record.identifier(), None);
            entries.push((failed, output.map(|output| entry(record.identifier(), Some(&output)))));
        }
        // Reserves the room of all records as failed ones, each with a comma.
        let least = entries.iter().map(|(failed, _)| failed.len().saturating_add(1)).sum::<usize>();
        let mut left = most.saturating_sub(FRAME).saturating_sub(least);
        let (mut chosen, mut left_out) = (Vec::new(), Vec::new());
        for (index, (failed, transformed)) in entries.into_iter().enumerate() {
            let more = transformed.as_ref().map(|entry| entry.len().saturating_sub(failed.len()));
            match (transformed, more) {
                (Some(entry), Some(more)) if more <= left => {
                    left = left.saturating_sub(more);
                    chosen.push(entry);
                }
                (Some(_), _) => {
                    left_out.push(index);
                    chosen.push(failed);
                }
                (None, _) => chosen.push(failed),
            }
        }
        let mut json = String::new();
        let mut object = ObjectWriter::begin(&mut json);
        json::write_array(chosen, object.member("records"), |entry, out| out.push_str(&entry));
        object.end();
        Ok(Self { json, left_out })
    }
}

/// Returns the result of a record; `None` is a failed record.
fn entry(id: &str, output: Option<&Transformed>) -> String {
    let mut json = String::new();
    let mut object = ObjectWriter::begin(&mut json);
    object.text("recordId", id);
    let result = match output.map(|output| output.result) {
        Some(Outcome::Ok) => "Ok",
        Some(Outcome::Dropped) => "Dropped",
        None => "ProcessingFailed",
    };
    object.text("result", result);
    if let Some(Transformed { data, metadata, .. }) = output {
        if let Some(data) = data {
            object.text("data", data);
        }
        if !metadata.is_empty() {
            let mut metadata_object = ObjectWriter::begin(object.member("metadata"));
            let mut keys = ObjectWriter::begin(metadata_object.member("partitionKeys"));
            for (name, value) in &metadata.partition_keys {
                keys.text(name, value);
            }
            keys.end();
            metadata_object.end();
        }
    }
    object.end();
    json
}

#[cfg(test)]
mod tests;
