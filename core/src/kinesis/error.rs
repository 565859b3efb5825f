//! Why a request was not answered, as far as a producer needs to know.

use crate::error::Happened;
use crate::service_error::CommonError;

/// A request was not answered, or was refused as a whole. Small, `Copy` and free of text: the driver
/// logs the cause.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// The stream, the account or its key is over its throughput. Nothing was accepted.
    #[error("throttled")]
    Throttled,
    /// Kinesis could not be reached, failed inside, or gave an answer that cannot be read. Any of the
    /// records may have been accepted.
    #[error("unavailable")]
    Unavailable,
    /// No answer in time. Any of the records may have been accepted, or may be shortly.
    #[error("timeout")]
    Timeout,
    /// There was no time left: nothing was sent.
    #[error("no time left")]
    OutOfTime,
    /// The request can never succeed as the deployment stands. Nothing was accepted.
    #[error("misconfigured: {0}")]
    Misconfigured(Misconfiguration),
}

/// What has to change before a request can succeed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Misconfiguration {
    /// The stream does not exist, or is not active: create it, or set the right name, region or
    /// account.
    #[error("the stream does not exist")]
    MissingStream,
    /// No region is set, so that there is nowhere to send to.
    #[error("no region is set")]
    MissingRegion,
    /// The caller's credentials are expired, or not allowed to do this: the role needs
    /// `kinesis:PutRecords`.
    #[error("access denied")]
    AccessDenied,
    /// There are no credentials to sign with. The driver's log says why.
    #[error("no credentials could be had")]
    MissingCredentials,
    /// The key that encrypts the stream is missing, disabled, or not the caller's to use: the role
    /// needs `kms:GenerateDataKey`.
    #[error("the stream's encryption key cannot be used")]
    UnusableKey,
    /// Kinesis calls the request invalid.
    #[error("the stream rejected the request as invalid")]
    InvalidRequest,
}

impl Error {
    /// Returns whether the same request may succeed when it is sent again.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::Throttled | Self::Unavailable | Self::Timeout => true,
            Self::OutOfTime | Self::Misconfigured(_) => false,
        }
    }

    /// Returns what became of the records.
    #[must_use]
    pub const fn happened(self) -> Happened {
        match self {
            Self::Unavailable | Self::Timeout => Happened::Unknown,
            Self::Throttled | Self::OutOfTime | Self::Misconfigured(_) => Happened::No,
        }
    }

    /// Classifies an error of Kinesis' by its code. An unknown code is
    /// [`Unavailable`](Self::Unavailable), under which anything may have happened.
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        match code {
            "KMSThrottlingException" => Self::Throttled,
            "ResourceNotFoundException" => Self::Misconfigured(Misconfiguration::MissingStream),
            "KMSAccessDeniedException"
            | "KMSDisabledException"
            | "KMSInvalidStateException"
            | "KMSNotFoundException"
            | "KMSOptInRequired" => Self::Misconfigured(Misconfiguration::UnusableKey),
            "InvalidArgumentException" => Self::Misconfigured(Misconfiguration::InvalidRequest),
            code => CommonError::from_code(code).map_or(Self::Unavailable, Self::of_common),
        }
    }

    const fn of_common(error: CommonError) -> Self {
        Self::Misconfigured(match error {
            CommonError::Throttled => return Self::Throttled,
            CommonError::Timeout => return Self::Timeout,
            CommonError::AccessDenied => Misconfiguration::AccessDenied,
            CommonError::MissingCredentials => Misconfiguration::MissingCredentials,
            CommonError::InvalidRequest => Misconfiguration::InvalidRequest,
        })
    }
}
