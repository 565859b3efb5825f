//! Why the store gave no answer, as far as a machine needs to know.

use super::table::TableName;
use crate::error::{AppError, code};
use crate::service_error::CommonError;

/// An order was not answered. Small, `Copy` and free of text: the driver logs the cause, the
/// machine decides what the failure means.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum Error {
    /// The table or account is over its throughput. Nothing was written; try again later.
    #[error("throttled")]
    Throttled,
    /// The store could not be reached or failed inside. A write may or may not have happened.
    #[error("unavailable")]
    Unavailable,
    /// No answer in time. A write may or may not have happened, now or shortly.
    #[error("timeout")]
    Timeout,
    /// Another transaction holds the item. Nothing was written; try again.
    #[error("conflict")]
    Conflict,
    /// The item or request is larger than the store takes. Nothing was written; it never will be.
    #[error("too large")]
    TooLarge,
    /// The order can never succeed as the deployment stands. Nothing was written.
    #[error("misconfigured: {0}")]
    Misconfigured(Misconfiguration),
}

impl Error {
    /// Returns whether the same order may succeed when it is sent again.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::Throttled | Self::Unavailable | Self::Timeout | Self::Conflict => true,
            Self::TooLarge | Self::Misconfigured(_) => false,
        }
    }

    /// Returns whether an order that writes may have been carried out although it was answered so.
    #[must_use]
    pub const fn may_have_written(self) -> bool {
        match self {
            Self::Unavailable | Self::Timeout => true,
            Self::Throttled | Self::Conflict | Self::TooLarge | Self::Misconfigured(_) => false,
        }
    }

    /// Classifies a DynamoDB error by its code, the part of `__type` after `#`. Message texts are
    /// never looked at. An unknown code is [`Unavailable`](Self::Unavailable): the one reading
    /// under which a write may or may not have happened.
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        match code {
            "ReplicatedWriteConflictException"
            | "TransactionConflict"
            | "TransactionConflictException"
            | "TransactionInProgressException" => Self::Conflict,
            "ItemCollectionSizeLimitExceeded"
            | "ItemCollectionSizeLimitExceededException"
            | "RequestEntityTooLarge" => Self::TooLarge,
            "ResourceNotFoundException" | "TableNotFoundException" => {
                Self::Misconfigured(Misconfiguration::MissingTable)
            }
            "DuplicateItem" | "DuplicateItemException" | "IdempotentParameterMismatchException" => {
                Self::Misconfigured(Misconfiguration::InvalidRequest)
            }
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

    /// The DynamoDB error code that stands for this error, so that a reply can be written down.
    /// [`from_code`](Self::from_code) reads it back.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Throttled => "ThrottlingException",
            Self::Unavailable => "InternalServerError",
            Self::Timeout => "RequestTimeoutException",
            Self::Conflict => "TransactionConflictException",
            Self::TooLarge => "ItemCollectionSizeLimitExceededException",
            Self::Misconfigured(Misconfiguration::MissingTable) => "ResourceNotFoundException",
            Self::Misconfigured(Misconfiguration::AccessDenied) => "AccessDeniedException",
            Self::Misconfigured(Misconfiguration::MissingCredentials) => {
                "MissingAuthenticationTokenException"
            }
            Self::Misconfigured(Misconfiguration::InvalidRequest) => "ValidationException",
        }
    }
}

/// What has to change before an order can succeed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum Misconfiguration {
    /// The table does not exist: create it, or set the right name, region or account.
    #[error("the table does not exist")]
    MissingTable,
    /// The caller's credentials are expired, or not allowed to do this: check the role's policy.
    #[error("access denied")]
    AccessDenied,
    /// There are no credentials to sign with: no provider has any, or the one that should have
    /// failed, because a sign-in has expired or a credential process ended with an error. The
    /// driver's log says which.
    #[error("no credentials could be had")]
    MissingCredentials,
    /// The store calls the request invalid: the table's key schema, indexes or attribute names
    /// differ from what is configured here. A missing index is reported like this, too.
    #[error("the store rejected the request as invalid")]
    InvalidRequest,
}

/// A store that did not answer, and the table that was asked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{error} (table {table})")]
pub struct StoreFailure {
    /// The table.
    pub table: TableName,
    /// What the store said; [`Error::is_retryable`] says whether trying again may help.
    pub error: Error,
}

/// 503 where trying again may help, else 500; clients are told nothing else.
impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        let shown =
            if error.is_retryable() { Self::of(code::OVERLOADED) } else { Self::internal() };
        shown.with_cause(error)
    }
}
