//! Which records a request did not put that the application sent itself.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::borrow::Borrow;

use serde::Serialize;

use super::put_records::PutResult;
use super::{MAX_REQUEST_RECORDS, Record};
use crate::sanitize::log_safe_value;

/// Which records of a request were not accepted.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct PutRecordsReport {
    /// How many records were sent.
    pub record_count: usize,
    /// How many of them were not accepted.
    pub failed_record_count: usize,
    /// These, in the order of the request.
    pub failures: Vec<RecordFailure>,
    /// What can be logged of the whole.
    pub safe_summary: PutRecordsSummary,
}

/// What can be logged about a request: nothing of its records.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct PutRecordsSummary {
    /// How many records were sent.
    pub record_count: usize,
    /// How many of them were not accepted.
    pub failed_record_count: usize,
    /// One line for logs.
    pub safe_log: String,
}

/// A record that was not accepted, without its data and without what Kinesis says in words, which may
/// quote keys.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct RecordFailure {
    /// Its place in the request, from 0.
    pub index: usize,
    /// Its partition key.
    pub partition_key: String,
    /// Its explicit hash key, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explicit_hash_key: Option<String>,
    /// How many bytes of data it has.
    pub data_byte_length: usize,
    /// Kinesis' code, such as `ProvisionedThroughputExceededException`.
    pub error_code: String,
    /// Whether Kinesis said something in words.
    pub error_message_present: bool,
    /// How many bytes that has.
    pub error_message_byte_length: usize,
    /// One line for logs; values in it are [escaped](log_safe_value).
    pub safe_log: String,
}

/// Records and results do not fit together, or Kinesis would not take or give them.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("apptheory: kinesis put-records result invalid: {0}")]
pub struct InvalidPutResults(Problem);

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
enum Problem {
    #[error("records/results length mismatch records={records} results={results}")]
    Lengths { records: usize, results: usize },
    #[error("record count {0} exceeds {MAX_REQUEST_RECORDS}")]
    TooManyRecords(usize),
    #[error("{what} at index {index}")]
    Result { what: &'static str, index: usize },
}

/// Returns which records of a request were not accepted: those whose results have an error code. Use
/// it for requests that you send yourself, and send these records again.
///
/// ```
/// use apptheory_core::kinesis::{PutResult, json_record, report_put_records_failures};
///
/// let records = [json_record("tenant-7", &1, None)?];
/// let code = "ProvisionedThroughputExceededException";
/// let results = [PutResult { error_code: code.to_owned(), ..PutResult::default() }];
///
/// let report = report_put_records_failures(&records, &results)?;
/// assert_eq!(report.failures[0].index, 0);
/// assert_eq!(
///     report.safe_summary.safe_log,
///     "kinesis_put_records record_count=1 failed_record_count=1",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`InvalidPutResults`] when there are not as many results as records, more than
/// [`MAX_REQUEST_RECORDS`], or a result that Kinesis does not give: a message without a code, a code of
/// more than 128 bytes or with blanks or control characters, a message of more than 4096 bytes.
pub fn report_put_records_failures<R: Borrow<Record>>(
    records: &[R],
    results: &[PutResult],
) -> Result<PutRecordsReport, InvalidPutResults> {
    let (record_count, results_count) = (records.len(), results.len());
    if record_count != results_count {
        let lengths = Problem::Lengths { records: record_count, results: results_count };
        return Err(InvalidPutResults(lengths));
    }
    if record_count > MAX_REQUEST_RECORDS {
        return Err(InvalidPutResults(Problem::TooManyRecords(record_count)));
    }
    let mut failures = Vec::new();
    for (index, (record, result)) in records.iter().zip(results).enumerate() {
        check(result).map_err(|what| InvalidPutResults(Problem::Result { what, index }))?;
        if !result.is_accepted() {
            failures.push(RecordFailure::new(index, record.borrow(), result));
        }
    }
    let failed_record_count = failures.len();
    let safe_log = format!(
        "kinesis_put_records record_count={record_count} failed_record_count={failed_record_count}"
    );
    let safe_summary = PutRecordsSummary { record_count, failed_record_count, safe_log };
    Ok(PutRecordsReport { record_count, failed_record_count, failures, safe_summary })
}

const MAX_CODE_BYTES: usize = 128;
const MAX_MESSAGE_BYTES: usize = 4096;

fn check(result: &PutResult) -> Result<(), &'static str> {
    let code = result.error_code.trim();
    if code.is_empty() && !result.error_message.is_empty() {
        return Err("error message without error code");
    }
    if code.len() > MAX_CODE_BYTES {
        return Err("error code too long");
    }
    if code.chars().any(|c| c <= ' ' || c == '\u{7f}') {
        return Err("unsafe error code");
    }
    if result.error_message.len() > MAX_MESSAGE_BYTES {
        return Err("error message too long");
    }
    Ok(())
}

impl RecordFailure {
    fn new(index: usize, record: &Record, result: &PutResult) -> Self {
        let error_code = result.error_code.trim();
        let error_message_byte_length = result.error_message.len();
        let error_message_present = error_message_byte_length > 0;
        let safe_log = format!(
            "kinesis_put_records_failure index={index} {} error_code={} \
             error_message_present={error_message_present} \
             error_message_bytes={error_message_byte_length}",
            record.safe_log(),
            log_safe_value(error_code),
        );
        Self {
            index,
            partition_key: record.partition_key().to_owned(),
            explicit_hash_key: record.explicit_hash_key().map(str::to_owned),
            data_byte_length: record.data().len(),
            error_code: error_code.to_owned(),
            error_message_present,
            error_message_byte_length,
            safe_log,
        }
    }
}
