//! Records of Kafka.

use alloc::string::String;
use alloc::vec::Vec;

use super::batch_event::BatchRecord;
use super::error::Error;
use super::text::{OwnedJson, Text};
use crate::document::Value;
use crate::json::JsonError;
use crate::printing::prints;

/// A record of Kafka, from an Amazon MSK cluster or self-managed brokers. Missing values are empty.
#[derive(Clone)]
pub struct KafkaRecord<'a> {
    /// The topic.
    pub topic: Text<'a>,
    /// The partition's number in the topic.
    pub partition: i64,
    /// The record's offset in the partition.
    pub offset: i64,
    /// When the record was written, in Unix milliseconds.
    pub timestamp: i64,
    /// `CREATE_TIME` if the producer set the timestamp, `LOG_APPEND_TIME` if the broker did.
    pub timestamp_type: Text<'a>,
    /// The decoded key; `None` for a record without a key.
    pub key: Option<Vec<u8>>,
    /// The decoded value; `None` for a tombstone, which means that the key is deleted.
    pub value: Option<Vec<u8>>,
    /// The headers in order; a name may occur several times.
    pub headers: Vec<(Text<'a>, Vec<u8>)>,
    /// The cluster's ARN; empty for self-managed brokers.
    pub event_source_arn: Text<'a>,
    /// The brokers, separated by commas.
    pub bootstrap_servers: Text<'a>,
    id: String,
    text: Text<'a>,
}

prints!(KafkaRecord<'_>: topic, partition, offset, timestamp);

impl<'a> KafkaRecord<'a> {
    /// Reads a record, and decodes its key, value and headers.
    ///
    /// # Errors
    ///
    /// [`Error`] if a member has the wrong type or occurs twice, or a key or value is not base64.
    pub fn read(record: &BatchRecord<'a>) -> Result<Self, Error> {
        let id = match record.identifier() {
            "" => String::new(),
            offset => [record.list(), ":", offset].concat(),
        };
        let (mut read, key, value) = record.read(|object| {
            let [listed, topic, partition, offset, timestamp, timestamp_type, key, value] = object
                .get_each([
                    "headers",
                    "topic",
                    "partition",
                    "offset",
                    "timestamp",
                    "timestampType",
                    "key",
                    "value",
                ]);
            // Each header is an object with a single member.
            let mut headers = Vec::new();
            for header in listed?.list()? {
                for (name, value) in header.object()?.members() {
                    headers.push((name.text()?.into(), bytes(value)?));
                }
            }
            let read = Self {
                headers,
                topic: topic?.text()?.into(),
                partition: partition?.exact_integer()?,
                offset: offset?.exact_integer()?,
                timestamp: timestamp?.exact_integer()?,
                timestamp_type: timestamp_type?.text()?.into(),
                key: None,
                value: None,
                event_source_arn: record.event_text("eventSourceArn").into(),
                bootstrap_servers: record.event_text("bootstrapServers").into(),
                id,
                text: record.as_json().into(),
            };
            let text = |value: Value<'a, '_>| value.filled().map(Value::text).transpose();
            Ok((read, text(key?)?, text(value?)?))
        })?;
        read.key = key.map(|key| record.decode(&key)).transpose()?;
        read.value = value.map(|value| record.decode(&value)).transpose()?;
        Ok(read)
    }

    /// Returns the record's id in its cluster: `{topic}-{partition}:{offset}`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the value of a header, the last of several; `None` if it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut found = self.headers.iter().rev().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| &**value)
    }

    /// Returns the record as it is in the event.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Returns a copy that does not borrow from the event.
    #[must_use]
    pub fn into_owned(self) -> KafkaRecord<'static> {
        let owned = OwnedJson::of(&self.text);
        let headers = self.headers.into_iter().map(|(name, value)| (owned.text(name), value));
        KafkaRecord {
            headers: headers.collect(),
            topic: owned.text(self.topic),
            partition: self.partition,
            offset: self.offset,
            timestamp: self.timestamp,
            timestamp_type: owned.text(self.timestamp_type),
            key: self.key,
            value: self.value,
            event_source_arn: owned.text(self.event_source_arn),
            bootstrap_servers: owned.text(self.bootstrap_servers),
            id: self.id,
            text: owned.json(),
        }
    }
}

/// Reads the bytes of a header: a list of numbers, which Java writes as signed.
fn bytes(value: Value<'_, '_>) -> Result<Vec<u8>, JsonError> {
    let byte = |number: Value<'_, '_>| match number.exact_integer()? {
        signed @ -128..=-1 => u8::try_from(signed.saturating_add(256)).map_err(|_| number.error()),
        byte => u8::try_from(byte).map_err(|_| number.error()),
    };
    value.list()?.map(byte).collect()
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::KafkaRecord;
    use crate::events::{AfterFailure, BatchEvent, BatchSource, ErrorKind};
    use crate::time::Timestamp;

    #[test]
    fn a_record_is_read_whole() {
        let event = r#"{"eventSource":"aws:kafka","eventSourceArn":"arn:aws:kafka:r:1:cluster/c/x",
            "bootstrapServers":"b-1:9092,b-2:9092","records":{"click-stream-3":[
            {"topic":"click-stream","partition":3,"offset":15,"timestamp":1767225600000,
            "timestampType":"CREATE_TIME","key":"aw==","value":"aGk=","headers":
            [{"trace":[104,-17]},{"trace":[105]},{"\u0061":[]}]}]}}"#;
        let event = BatchEvent::read(BatchSource::Kafka, event).unwrap();
        let record = event.record(0).unwrap();
        assert_eq!((record.identifier(), record.name()), ("15", "click-stream"));
        let record = KafkaRecord::read(&record).unwrap().into_owned();
        assert_eq!((&*record.topic, record.partition, record.offset), ("click-stream", 3, 15));
        assert_eq!((record.id(), record.timestamp), ("click-stream-3:15", 1_767_225_600_000));
        assert_eq!((record.key.as_deref(), record.value.as_deref()), {
            (Some(&b"k"[..]), Some(&b"hi"[..]))
        });
        assert_eq!(
            record.headers,
            [
                ("trace".into(), Vec::from(*b"h\xef")),
                ("trace".into(), Vec::from(*b"i")),
                ("a".into(), Vec::new()),
            ]
        );
        assert_eq!((record.header("trace"), record.header("x")), (Some(&b"i"[..]), None));
        assert_eq!(&*record.event_source_arn, "arn:aws:kafka:r:1:cluster/c/x");
    }

    fn fault(record: &str) -> Option<ErrorKind> {
        let event = format!(r#"{{"records":{{"t-0":[{record},{{"offset":2}}]}}}}"#);
        let event = BatchEvent::read(BatchSource::Kafka, &event).unwrap();
        let neighbor = KafkaRecord::read(&event.record(1).unwrap()).unwrap();
        assert_eq!((neighbor.key, neighbor.value), (None, None));
        KafkaRecord::read(&event.record(0).unwrap()).err().map(|error| error.kind())
    }

    #[test]
    fn what_cannot_be_read_fails_alone() {
        for good in [r#"{"key":null,"value":"","headers":null}"#, r#"{"headers":[{}]}"#] {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in [
            "null",
            "5",
            r#"{"topic":5}"#,
            r#"{"offset":"1"}"#,
            r#"{"offset":1,"offset":2}"#,
            r#"{"headers":{}}"#,
            r#"{"headers":[5]}"#,
            r#"{"headers":[{"a":[256]}]}"#,
            r#"{"headers":[{"a":[-129]}]}"#,
            r#"{"headers":[{"a":"x"}]}"#,
        ] {
            assert_eq!(fault(bad), Some(ErrorKind::Malformed), "{bad}");
        }
        for bad in [r#"{"key":"?"}"#, r#"{"value":"aGk"}"#] {
            assert_eq!(fault(bad), Some(ErrorKind::InvalidBase64), "{bad}");
        }
    }

    /// Returns the indices of the records that ran, and those in the response; the records at
    /// `failing` fail.
    fn run(
        records: &str,
        after: AfterFailure,
        failing: &[usize],
    ) -> (Vec<usize>, Vec<alloc::string::String>) {
        let event = format!(r#"{{"records":{records}}}"#);
        let event = BatchEvent::read(BatchSource::Kafka, &event).unwrap();
        let (mut batch, mut ran) = (event.batch(after), Vec::new());
        while let Some(turn) = batch.take(Timestamp::UNIX_EPOCH) {
            ran.push(turn.index());
            if failing.contains(&turn.index()) { batch.fail(turn) } else { batch.succeed(turn) }
        }
        let failures = batch.finish().map(|answer| answer.failures).unwrap_or_default();
        (ran, failures.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_follows_a_failure_in_its_partition_is_not_run() {
        let records = r#"{"a-0":[{"offset":4},{"offset":5},{"offset":6}],"a-1":[{"offset":4}],
            "b-0":[{"offset":9},{"offset":10}]}"#;
        for after in [AfterFailure::Continue, AfterFailure::SkipGroup] {
            let (ran, failed) = run(records, after, &[1, 4]);
            assert_eq!(ran, [0, 1, 3, 4], "{after:?}");
            assert_eq!(failed, ["a-0:5", "a-0:6", "b-0:9", "b-0:10"]);
        }
        let (ran, failed) = run(records, AfterFailure::SkipAll, &[1]);
        assert_eq!((ran, failed.len()), ([0, 1].into(), 5));
        let (ran, failed) = run(records, AfterFailure::Continue, &[]);
        assert_eq!((ran.len(), failed.len()), (6, 0));
    }

    #[test]
    fn partitions_that_are_no_lists_are_not_lost() {
        let event = r#"{"records":{"a-0":{"offset":1},"a-1":null,"a-2":[{"offset":1}],
            "a-3":[{"offset":1}],"a-3":[{"offset":2}]}}"#;
        let event = BatchEvent::read(BatchSource::Kafka, event).unwrap();
        let read: Vec<_> =
            event.records().map(|record| KafkaRecord::read(&record).is_ok()).collect();
        assert_eq!(read, [false, true, false, false]);
        let error = event.batch(AfterFailure::Continue).finish().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnnamedRecord, "the first has no offset");
    }
}
