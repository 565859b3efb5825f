//! Why the limiter gave no decision.

use crate::store::{self, Misconfiguration, TableName};

/// The limiter gave no answer. The request was neither allowed nor denied: a host that fails closed
/// answers 503.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}{}", .operation.failed(), self.detail())]
pub struct LimiterError {
    /// What was being done.
    pub operation: Operation,
    /// Why the store did not answer. [`store::Error`] says for each case whether anything can have
    /// been counted, and what to do.
    #[source]
    pub cause: store::Error,
    /// The table.
    pub table: TableName,
}

impl LimiterError {
    fn detail(&self) -> alloc::string::String {
        use alloc::format;
        match self.cause {
            store::Error::Misconfigured(kind) => {
                let hint = match kind {
                    Misconfiguration::MissingTable => {
                        "create it, or set APPTHEORY_RATE_LIMIT_TABLE_NAME and the region"
                    }
                    Misconfiguration::AccessDenied => {
                        "check the credentials, and that the role may read and update it"
                    }
                    Misconfiguration::MissingCredentials => {
                        "give the function a role, or the process a profile that is signed in"
                    }
                    Misconfiguration::InvalidRequest => {
                        "check that its key is PK and SK, both texts, and the attribute style"
                    }
                };
                format!(": {} (table {}: {hint})", self.cause, self.table)
            }
            store::Error::Throttled
            | store::Error::Unavailable
            | store::Error::Timeout
            | store::Error::Conflict
            | store::Error::TooLarge => format!(": {}", self.cause),
        }
    }
}

/// What the limiter was doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation {
    /// Deciding on a request and counting it.
    CheckAndIncrement,
    /// Deciding on a request without counting it.
    Check,
    /// Counting a request without deciding on it.
    Record,
    /// Reading what is used.
    Usage,
}

impl Operation {
    const fn failed(self) -> &'static str {
        match self {
            Self::CheckAndIncrement => "failed to check and increment rate limit",
            Self::Check => "failed to check rate limit",
            Self::Record => "failed to record request",
            Self::Usage => "failed to get usage",
        }
    }
}
