//! The error that lists every record that was not accepted.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::error::Error;
use super::record::Record;
use super::{MAX_RECORD_BYTES, StreamName};
use crate::error::{AppError, Happened, code};
use crate::sanitize::log_safe_value;

/// Some records were not accepted. Returns them with the reasons, so that they can be sent again.
///
/// Converts to an [`AppError`]: 503 if a retry may help, otherwise 500. Clients see no details.
#[derive(Clone, Debug)]
pub struct Incomplete {
    pub(super) stream: StreamName,
    pub(super) record_count: usize,
    /// Never empty; sorted by index.
    pub(super) unaccepted: Vec<Unaccepted>,
}

/// A record that was not accepted.
#[derive(Clone, Debug)]
pub struct Unaccepted {
    /// The index of the record among the given records, from 0.
    pub index: usize,
    /// The record.
    pub record: Arc<Record>,
    /// Why it was not accepted, at the last attempt.
    pub reason: Reason,
    /// How often the record was sent.
    pub attempts: u32,
    /// Whether the record was put into the stream: [`Unknown`](Happened::Unknown) if the response
    /// to one of its attempts was lost, or Kinesis failed internally; otherwise
    /// [`No`](Happened::No).
    pub happened: Happened,
}

/// Says why a record was not accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reason {
    /// Kinesis refused the record, but accepted others of its request.
    Refused {
        /// Kinesis' code: `ProvisionedThroughputExceededException` if the record's shard exceeds
        /// its throughput, or `InternalFailure`.
        code: String,
    },
    /// The record's request failed, or was not sent.
    Failed(Error),
    /// The record was not sent, because an earlier record of its partition key was not accepted.
    /// Sending it would have changed their order.
    HeldBack,
    /// The record was not sent, because with its partition key it exceeds [`MAX_RECORD_BYTES`].
    TooLarge {
        /// The record's size with its partition key.
        bytes: usize,
    },
}

impl Reason {
    /// Returns whether a record that was not accepted for this reason is in the stream. A refused
    /// record is certainly absent only if its shard exceeded its throughput.
    pub(super) fn happened(&self) -> Happened {
        match self {
            Self::Refused { code } if code == OVER_THROUGHPUT => Happened::No,
            Self::Refused { .. } => Happened::Unknown,
            Self::Failed(error) => error.happened(),
            Self::HeldBack | Self::TooLarge { .. } => Happened::No,
        }
    }

    /// Returns whether sending the record again may help.
    const fn may_pass(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::HeldBack | Self::Failed(Error::OutOfTime) => true,
            Self::Failed(error) => error.is_retryable(),
            Self::TooLarge { .. } => false,
        }
    }
}

const OVER_THROUGHPUT: &str = "ProvisionedThroughputExceededException";

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { code } => write!(f, "refused: {}", log_safe_value(code)),
            Self::Failed(error) => error.fmt(f),
            Self::HeldBack => f.write_str("held back behind an earlier record of its key"),
            Self::TooLarge { bytes } => {
                write!(f, "{bytes} bytes with its partition key exceed {MAX_RECORD_BYTES}")
            }
        }
    }
}

impl Incomplete {
    /// Returns the records that were not accepted, at least one, in their original order. All
    /// others are in the stream.
    #[must_use]
    pub fn unaccepted(&self) -> &[Unaccepted] {
        &self.unaccepted
    }

    /// Returns the number of given records.
    #[must_use]
    pub const fn record_count(&self) -> usize {
        self.record_count
    }

    /// Returns the records that were not accepted, in their original order. Sending them again
    /// keeps the order of each key.
    #[must_use]
    pub fn into_records(self) -> Vec<Arc<Record>> {
        self.unaccepted.into_iter().map(|unaccepted| unaccepted.record).collect()
    }

    /// Returns whether sending the records again may help. It does not help if a record is too
    /// large, or the deployment has to be fixed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.unaccepted.iter().all(|unaccepted| unaccepted.reason.may_pass())
    }
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, given, stream) = (self.unaccepted.len(), self.record_count, &self.stream);
        write!(f, "apptheory: kinesis stream {stream} did not accept {count} of {given} records")?;
        match self.unaccepted.first() {
            Some(first) => write!(f, "; at index {}: {}", first.index, first.reason),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Incomplete {}

impl From<Incomplete> for AppError {
    fn from(incomplete: Incomplete) -> Self {
        let shown =
            if incomplete.is_retryable() { Self::of(code::OVERLOADED) } else { Self::internal() };
        shown.with_cause(incomplete)
    }
}
