//! Records to put into a stream.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde::Serialize;

use super::{MAX_PARTITION_KEY_BYTES, MAX_RECORD_BYTES};
use crate::sanitize::log_safe_value;

/// A record to put into a stream: data with a partition key. Records with the same key go to the
/// same shard, in order.
///
/// ```
/// use apptheory_core::kinesis::Record;
///
/// let record = Record::new(" tenant 7 ", b"\x01\x02".as_slice())?;
/// assert_eq!(record.summary().safe_log, "partition_key=tenant%207 data_bytes=2");
/// # Ok::<(), apptheory_core::kinesis::InvalidRecord>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Record {
    partition_key: String,
    explicit_hash_key: Option<String>,
    data: Vec<u8>,
}

/// The loggable properties of a record, without its data.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct RecordSummary {
    /// The partition key.
    pub partition_key: String,
    /// The hash key that selects the shard instead of the partition key's hash, if set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explicit_hash_key: Option<String>,
    /// The number of bytes of data.
    pub data_byte_length: usize,
    /// One line for logs, with [escaped](log_safe_value) values.
    pub safe_log: String,
}

/// Kinesis would not accept the record.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("apptheory: kinesis {}record invalid: {problem}", if *.is_json { "json " } else { "" })]
pub struct InvalidRecord {
    is_json: bool,
    problem: RecordProblem,
}

/// Says what is wrong with a record.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordProblem {
    /// The partition key is blank. Use a value within which the order of records matters, such as a
    /// tenant.
    #[error("partition key is required")]
    MissingPartitionKey,
    /// The partition key exceeds [`MAX_PARTITION_KEY_BYTES`].
    #[error("partition key length {bytes} exceeds {MAX_PARTITION_KEY_BYTES} bytes")]
    LongPartitionKey {
        /// The key's length in bytes.
        bytes: usize,
    },
    /// The explicit hash key is empty, or has characters other than `0` to `9`.
    #[error("explicit hash key must be decimal digits")]
    HashKeyNotDecimal,
    /// The explicit hash key is 2^128 or more.
    #[error("explicit hash key exceeds Kinesis hash key range")]
    HashKeyOutOfRange,
    /// The payload cannot be serialized to JSON.
    #[error("json encode: {0}")]
    NotSerializable(String),
    /// The payload's JSON exceeds [`MAX_RECORD_BYTES`]. Store it elsewhere and send a reference.
    #[error("json payload size {bytes} exceeds {MAX_RECORD_BYTES}")]
    LargePayload {
        /// The size of the JSON in bytes.
        bytes: usize,
    },
    /// There is no data.
    #[error("empty record data")]
    EmptyData,
    /// The data exceeds [`MAX_RECORD_BYTES`]. Store it elsewhere and send a reference.
    #[error("record data size {bytes} exceeds {MAX_RECORD_BYTES}")]
    LargeData {
        /// The size of the data in bytes.
        bytes: usize,
    },
}

impl InvalidRecord {
    /// Returns what is wrong with the record.
    #[must_use]
    pub const fn problem(&self) -> &RecordProblem {
        &self.problem
    }
}

/// Reports a problem of a record of bytes.
impl From<RecordProblem> for InvalidRecord {
    fn from(problem: RecordProblem) -> Self {
        Self { is_json: false, problem }
    }
}

/// Creates a record from a payload, as compact JSON with the members of objects sorted by name.
/// Trims the keys, and drops leading zeros of the hash key.
///
/// ```
/// use apptheory_core::kinesis::json_record;
/// use serde_json::json;
///
/// let record = json_record("tenant-7", &json!({"total": 12, "id": "o1"}), None)?;
/// assert_eq!(record.data(), br#"{"id":"o1","total":12}"#);
/// # Ok::<(), apptheory_core::kinesis::InvalidRecord>(())
/// ```
///
/// # Errors
///
/// [`InvalidRecord`] for a key or a payload that Kinesis would refuse, or a payload that cannot be
/// serialized.
pub fn json_record<T: Serialize + ?Sized>(
    partition_key: &str,
    payload: &T,
    explicit_hash_key: Option<&str>,
) -> Result<Record, InvalidRecord> {
    let record = || {
        let partition_key = read_partition_key(partition_key)?;
        let explicit_hash_key = explicit_hash_key.map(read_hash_key).transpose()?;
        let data = sorted_json(payload)
            .map_err(|error| RecordProblem::NotSerializable(error.to_string()))?;
        match data.len() {
            bytes if bytes > MAX_RECORD_BYTES => Err(RecordProblem::LargePayload { bytes }),
            _ => Ok(Record { partition_key, explicit_hash_key, data }),
        }
    };
    record().map_err(|problem| InvalidRecord { is_json: true, problem })
}

/// Sorts explicitly, because `Value` sorts its members only with some feature sets.
fn sorted_json<T: Serialize + ?Sized>(payload: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut value = serde_json::to_value(payload)?;
    value.sort_all_objects();
    serde_json::to_vec(&value)
}

impl Record {
    /// Creates a record from bytes. Trims the key. Use [`json_record`] for values.
    ///
    /// # Errors
    ///
    /// [`InvalidRecord`] for a blank or long key, for empty data, and for more than
    /// [`MAX_RECORD_BYTES`].
    pub fn new(partition_key: &str, data: impl Into<Vec<u8>>) -> Result<Self, InvalidRecord> {
        let (partition_key, data) = (read_partition_key(partition_key)?, data.into());
        match data.len() {
            0 => Err(RecordProblem::EmptyData.into()),
            bytes if bytes > MAX_RECORD_BYTES => Err(RecordProblem::LargeData { bytes }.into()),
            _ => Ok(Self { partition_key, explicit_hash_key: None, data }),
        }
    }

    /// Selects the shard by this number, from 0 to 2^128 − 1 in decimal digits, instead of the
    /// partition key's hash. Records of one key are still sent in order, but may go to different
    /// shards.
    ///
    /// # Errors
    ///
    /// [`InvalidRecord`] if the text is not such a number.
    pub fn with_explicit_hash_key(self, key: &str) -> Result<Self, InvalidRecord> {
        Ok(Self { explicit_hash_key: Some(read_hash_key(key)?), ..self })
    }

    /// Returns the partition key.
    #[must_use]
    pub fn partition_key(&self) -> &str {
        &self.partition_key
    }

    /// Returns the number that selects the shard instead of the partition key's hash, if set.
    #[must_use]
    pub fn explicit_hash_key(&self) -> Option<&str> {
        self.explicit_hash_key.as_deref()
    }

    /// Returns the data.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Returns the size that Kinesis counts: the bytes of data and partition key.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.data.len().saturating_add(self.partition_key.len())
    }

    /// Returns the loggable properties of the record.
    #[must_use]
    pub fn summary(&self) -> RecordSummary {
        RecordSummary {
            partition_key: self.partition_key.clone(),
            explicit_hash_key: self.explicit_hash_key.clone(),
            data_byte_length: self.data.len(),
            safe_log: self.safe_log(),
        }
    }

    pub(super) fn safe_log(&self) -> String {
        let hash_key = match &self.explicit_hash_key {
            Some(key) => format!(" explicit_hash_key={key}"),
            None => String::new(),
        };
        let key = log_safe_value(&self.partition_key);
        format!("partition_key={key}{hash_key} data_bytes={}", self.data.len())
    }
}

impl core::fmt::Debug for Record {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Record")
            .field("partition_key", &self.partition_key)
            .field("explicit_hash_key", &self.explicit_hash_key)
            .field("data", &crate::printing::Hidden(self.data.len()))
            .finish()
    }
}

fn read_partition_key(key: &str) -> Result<String, RecordProblem> {
    match key.trim() {
        "" => Err(RecordProblem::MissingPartitionKey),
        key if key.len() > MAX_PARTITION_KEY_BYTES => {
            Err(RecordProblem::LongPartitionKey { bytes: key.len() })
        }
        key => Ok(key.to_owned()),
    }
}

fn read_hash_key(key: &str) -> Result<String, RecordProblem> {
    let digits = key.trim();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(RecordProblem::HashKeyNotDecimal);
    }
    let number: u128 = digits.parse().map_err(|_| RecordProblem::HashKeyOutOfRange)?;
    Ok(number.to_string())
}
