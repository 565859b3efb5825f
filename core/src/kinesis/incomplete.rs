//! The answer that names every record which was not accepted.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::error::Error;
use super::record::Record;
use super::{MAX_RECORD_BYTES, StreamName};
use crate::error::{AppError, Happened, code};
use crate::sanitize::log_safe_value;

/// Not all records were accepted: which, and why. It gives them back, so that they can be sent again.
///
/// As an [`AppError`] it is 503 where sending again may help, else 500; clients are told nothing else.
#[derive(Clone, Debug)]
pub struct Incomplete {
    pub(super) stream: StreamName,
    pub(super) record_count: usize,
    /// Never empty; by index.
    pub(super) unaccepted: Vec<Unaccepted>,
}

/// A record that was not accepted.
#[derive(Clone, Debug)]
pub struct Unaccepted {
    /// Its place among the records that were given, from 0.
    pub index: usize,
    /// The record.
    pub record: Arc<Record>,
    /// Why it was not accepted, at the last attempt.
    pub reason: Reason,
    /// How often it was sent.
    pub attempts: u32,
    /// What became of it: [`Unknown`](Happened::Unknown) where the answer to any of its attempts was
    /// lost, or Kinesis failed inside, so that it may be in the stream all the same; else
    /// [`No`](Happened::No).
    pub happened: Happened,
}

/// Why a record was not accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reason {
    /// Kinesis refused it and accepted others of its request.
    Refused {
        /// Kinesis' code: `ProvisionedThroughputExceededException` where the record's shard is over
        /// its throughput, or `InternalFailure`.
        code: String,
    },
    /// Its request failed, or was not sent.
    Failed(Error),
    /// It was not sent, since an earlier record of its partition key was not accepted: it would have
    /// overtaken that.
    HeldBack,
    /// It was not sent: with its partition key it has more than [`MAX_RECORD_BYTES`].
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
}

impl Reason {
    /// What became of a record that was not accepted for this reason. Only where its shard is over its
    /// throughput is it certain that a refused record is not there.
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
    /// Returns the records that were not accepted, in the order in which they were given; there is
    /// at least one. All others are in the stream.
    #[must_use]
    pub fn unaccepted(&self) -> &[Unaccepted] {
        &self.unaccepted
    }

    /// Returns how many records were given.
    #[must_use]
    pub const fn record_count(&self) -> usize {
        self.record_count
    }

    /// Returns the records that were not accepted, in the order in which they were given. Sending
    /// them again keeps the order of each key.
    #[must_use]
    pub fn into_records(self) -> Vec<Arc<Record>> {
        self.unaccepted.into_iter().map(|unaccepted| unaccepted.record).collect()
    }

    /// Returns whether sending the records again may help: not for a record that is too large, or a
    /// deployment that has to change first.
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
