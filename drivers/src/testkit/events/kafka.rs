//! Records of Kafka.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};

use super::arn;
use crate::testkit::json_of;

/// Creates an event of records of a Kafka topic, in an Amazon MSK cluster. Offsets begin with 0 in
/// each partition.
#[must_use]
pub fn kafka<R: Into<KafkaEntry>>(topic: &str, entries: impl IntoIterator<Item = R>) -> Value {
    let mut partitions: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for entry in entries {
        let KafkaEntry { key, value, headers, partition } = entry.into();
        let records = partitions.entry(format!("{topic}-{partition}")).or_default();
        let mut record = json!({
            "topic": topic,
            "partition": partition,
            "offset": records.len(),
            "timestamp": 0,
            "timestampType": "CREATE_TIME",
            "headers": headers.iter().map(|(name, value)| json!({name: value})).collect::<Value>(),
        });
        for (member, bytes) in [("key", key), ("value", value)] {
            if let Some(bytes) = bytes {
                record[member] = STANDARD.encode(bytes).into();
            }
        }
        records.push(record);
    }
    json!({
        "eventSource": "aws:kafka",
        "eventSourceArn": arn("kafka", "test", |name| format!("cluster/{name}/0-0")),
        "bootstrapServers": "b-1.test.kafka.us-east-1.amazonaws.com:9092",
        "records": partitions,
    })
}

/// A Kafka record. Texts and bytes convert into a record without a key.
#[derive(Clone, Debug)]
pub struct KafkaEntry {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Vec<u8>)>,
    partition: u32,
}

impl KafkaEntry {
    /// Creates a record with a value, unencoded, in partition 0.
    #[must_use]
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self { key: None, value: Some(value.into()), headers: Vec::new(), partition: 0 }
    }

    /// Creates a record whose value is JSON.
    ///
    /// # Panics
    ///
    /// If the value cannot be written as JSON.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Self {
        Self::new(json_of(value).to_string())
    }

    /// Creates a record without a value, which marks the key as deleted.
    #[must_use]
    pub fn tombstone(key: impl Into<Vec<u8>>) -> Self {
        Self { key: Some(key.into()), value: None, headers: Vec::new(), partition: 0 }
    }

    /// Sets the key.
    #[must_use]
    pub fn key(self, key: impl Into<Vec<u8>>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the partition.
    #[must_use]
    pub fn partition(self, partition: u32) -> Self {
        Self { partition, ..self }
    }
}

impl From<&str> for KafkaEntry {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

impl From<String> for KafkaEntry {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl From<Vec<u8>> for KafkaEntry {
    fn from(value: Vec<u8>) -> Self {
        Self::new(value)
    }
}
