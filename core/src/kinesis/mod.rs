//! Puts records into Kinesis data streams.
//!
//! [`ProducerConfig::send`] returns a [machine](SendRecords) that sends any number of records with
//! as many [`PutRecords`] requests as needed, retries refused records, and keeps the order of each
//! partition key. [`report_put_records_failures`] is for callers who send requests themselves. This
//! module does not know how a request is sent, or what time it is.
//!
//! ```
//! use apptheory_core::kinesis::{
//!     ProducerConfig, ProducerRequest, PutResult, StreamName, json_record,
//! };
//! use apptheory_core::machine::{Machine, Step};
//!
//! let producer = ProducerConfig::new(StreamName::new("orders")?);
//! let records = [json_record("tenant-1", &"a", None)?, json_record("tenant-2", &"b", None)?];
//!
//! let Step::Ask(ProducerRequest::PutRecords(ask)) = producer.send(records, 7).start() else {
//!     panic!("two records are sent");
//! };
//! assert_eq!(ask.effect().records.len(), 2);
//! let Step::Done(sent) = ask.answer(Ok(vec![PutResult::default(); 2])) else {
//!     panic!("both are accepted")
//! };
//! assert_eq!(sent?, 2);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod config;
mod error;
mod incomplete;
mod put_records;
mod record;
mod report;
mod send;
#[cfg(test)]
mod tests;

pub use config::{
    DEFAULT_BACKOFF, DEFAULT_RETRY_ATTEMPTS, InvalidStreamName, ProducerConfig, StreamName,
};
pub use error::{Error, Misconfiguration};
pub use incomplete::{Incomplete, Reason, Unaccepted};
pub use put_records::{ProducerRequest, PutRecords, PutResult};
pub use record::{InvalidRecord, Record, RecordProblem, RecordSummary, json_record};
pub use report::{
    InvalidPutResults, PutRecordsReport, PutRecordsSummary, RecordFailure,
    report_put_records_failures,
};
pub use send::SendRecords;

/// The most records of a request: 500 (limit of `PutRecords`).
pub const MAX_REQUEST_RECORDS: usize = 500;

/// The most bytes of a request's records with their partition keys: 5 MiB (limit of `PutRecords`).
pub const MAX_REQUEST_BYTES: usize = 5 * 1024 * 1024;

/// The most bytes of a record with its partition key, unless its stream allows more: 1 MiB.
pub const MAX_RECORD_BYTES: usize = 1024 * 1024;

/// The most bytes of a partition key: 256. Kinesis itself counts characters.
pub const MAX_PARTITION_KEY_BYTES: usize = 256;
