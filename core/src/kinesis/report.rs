//! Reports the refused records of a request that the application sent itself.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::borrow::Borrow;

use serde::Serialize;

use super::put_records::PutResult;
use super::{MAX_REQUEST_RECORDS, Record};
use crate::sanitize::log_safe_value;

/// The records of a request that were not accepted.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct PutRecordsReport {
    /// The number of records sent.
    pub record_count: usize,
    /// The number of records that were not accepted.
    pub failed_record_count: usize,
    /// The records that were not accepted, in the order of the request.
    pub failures: Vec<RecordFailure>,
    /// The loggable summary.
    pub safe_summary: PutRecordsSummary,
}

/// The loggable summary of a request, without its records' data.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct PutRecordsSummary {
    /// The number of records sent.
    pub record_count: usize,
    /// The number of records that were not accepted.
    pub failed_record_count: usize,
    /// One line for logs.
    pub safe_log: String,
}

/// A record that was not accepted. Contains neither its data nor Kinesis' message, which may quote
/// keys.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct RecordFailure {
    /// The index of the record in the request, from 0.
    pub index: usize,
    /// The record's partition key.
    pub partition_key: String,
    /// The record's explicit hash key, if set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explicit_hash_key: Option<String>,
    /// The number of bytes of data.
    pub data_byte_length: usize,
    /// Kinesis' code, such as `ProvisionedThroughputExceededException`.
    pub error_code: String,
    /// Whether Kinesis sent a message.
    pub error_message_present: bool,
    /// The length of the message in bytes.
    pub error_message_byte_length: usize,
    /// One line for logs, with [escaped](log_safe_value) values.
    pub safe_log: String,
}

/// Records and results do not match, or exceed what Kinesis accepts or returns.
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

/// Returns the records of a request that were not accepted, which have results with an error code.
/// Use it for requests that you send yourself, and send these records again.
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
/// [`InvalidPutResults`] if the numbers of records and results differ or exceed
/// [`MAX_REQUEST_RECORDS`], or for a result that Kinesis never returns: a message without a code, a
/// code of more than 128 bytes or with blanks or control characters, a message of more than 4096
/// bytes.
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
