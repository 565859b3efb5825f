//! Errors of requests to Kinesis, as a producer sees them.

use crate::error::Happened;
use crate::service_error::CommonError;

/// A request failed as a whole. The type is small, `Copy` and contains no text; the driver logs the
/// cause.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// The stream, the account or its encryption key exceeds its throughput. No record was
    /// accepted.
    #[error("throttled")]
    Throttled,
    /// Kinesis could not be reached, failed internally, or sent an unreadable response. Any of the
    /// records may have been accepted.
    #[error("unavailable")]
    Unavailable,
    /// No response in time. Any of the records may have been or may still be accepted.
    #[error("timeout")]
    Timeout,
    /// There was no time left, so no request was sent.
    #[error("no time left")]
    OutOfTime,
    /// The request cannot succeed until the deployment is fixed. No record was accepted.
    #[error("misconfigured: {0}")]
    Misconfigured(Misconfiguration),
}

/// Says what has to be fixed before a request can succeed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Misconfiguration {
    /// The stream does not exist or is not active. Create it, or fix the name, region or account.
    #[error("the stream does not exist: create it, or set its right name, region and account")]
    MissingStream,
    /// No region is set.
    #[error("no region is set: set AWS_REGION")]
    MissingRegion,
    /// The credentials are expired or not permitted to do this: the role needs
    /// `kinesis:PutRecords`.
    #[error("access denied: check the credentials, and that the role may kinesis:PutRecords")]
    AccessDenied,
    /// There are no credentials. The driver's log has the cause.
    #[error(
        "there are no credentials: give the function a role, or the process a profile that is \
         signed in"
    )]
    MissingCredentials,
    /// The key that encrypts the stream is missing, disabled, or may not be used: the role needs
    /// `kms:GenerateDataKey`.
    #[error(
        "the stream's encryption key cannot be used: enable it, and let the role \
         kms:GenerateDataKey"
    )]
    UnusableKey,
    /// Kinesis rejected the request as invalid.
    #[error("the stream rejected the request as invalid")]
    InvalidRequest,
}

impl Error {
    /// Returns whether the same request may succeed later.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::Throttled | Self::Unavailable | Self::Timeout => true,
            Self::OutOfTime | Self::Misconfigured(_) => false,
        }
    }

    /// Returns whether the records may have been accepted.
    #[must_use]
    pub const fn happened(self) -> Happened {
        match self {
            Self::Unavailable | Self::Timeout => Happened::Unknown,
            Self::Throttled | Self::OutOfTime | Self::Misconfigured(_) => Happened::No,
        }
    }

    /// Classifies an error of Kinesis by its code. An unknown code becomes
    /// [`Unavailable`](Self::Unavailable), for which any record may have been accepted.
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
