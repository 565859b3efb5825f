//! Errors of the store, as a machine sees them.

use super::table::TableName;
use crate::error::{AppError, code};
use crate::service_error::CommonError;

/// An order failed. The type is small, `Copy` and contains no text: the driver logs the cause, and
/// the machine decides what the failure means.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum Error {
    /// The table or account exceeds its throughput. Nothing was written; try again later.
    #[error("throttled")]
    Throttled,
    /// The store could not be reached, or failed internally. A write may or may not have been
    /// applied.
    #[error("unavailable")]
    Unavailable,
    /// No reply in time. A write may or may not have been applied, or may still be.
    #[error("timeout")]
    Timeout,
    /// Another transaction holds the item. Nothing was written; try again.
    #[error("conflict")]
    Conflict,
    /// The item or request exceeds a size limit. Nothing was written; a retry does not help.
    #[error("too large")]
    TooLarge,
    /// The order cannot succeed until the deployment is fixed. Nothing was written.
    #[error("misconfigured: {0}")]
    Misconfigured(Misconfiguration),
}

impl Error {
    /// Returns whether the same order may succeed later.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::Throttled | Self::Unavailable | Self::Timeout | Self::Conflict => true,
            Self::TooLarge | Self::Misconfigured(_) => false,
        }
    }

    /// Returns whether a failed write may have been applied.
    #[must_use]
    pub const fn may_have_written(self) -> bool {
        match self {
            Self::Unavailable | Self::Timeout => true,
            Self::Throttled | Self::Conflict | Self::TooLarge | Self::Misconfigured(_) => false,
        }
    }

    /// Classifies a DynamoDB error by its code, the part of `__type` after `#`. Message texts are
    /// ignored. An unknown code becomes [`Unavailable`](Self::Unavailable), after which a write may
    /// or may not have been applied.
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

    /// What to do where the deployment is wrong, to follow the name of a table; else empty.
    pub(crate) const fn hint(self) -> &'static str {
        let Self::Misconfigured(kind) = self else { return "" };
        match kind {
            Misconfiguration::MissingTable => {
                ": create it, or set its right name, and the region and account that it is in"
            }
            Misconfiguration::AccessDenied => {
                ": check the credentials, and that the role may read and write it"
            }
            Misconfiguration::MissingCredentials => {
                ": give the function a role, or the process a profile that is signed in"
            }
            Misconfiguration::InvalidRequest => {
                ": check its keys, its indexes and the attribute style"
            }
        }
    }

    /// Returns the DynamoDB error code for this error, with which a reply can be recorded.
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

/// Says what has to be fixed before an order can succeed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum Misconfiguration {
    /// The table does not exist. Create it, or fix the name, region or account.
    #[error("the table does not exist")]
    MissingTable,
    /// The credentials are expired, or the role's policy does not permit the operation.
    #[error("access denied")]
    AccessDenied,
    /// There are no credentials, or their provider failed: a sign-in has expired or a credential
    /// process returned an error. The driver's log has the details.
    #[error("there are no credentials")]
    MissingCredentials,
    /// DynamoDB rejected the request as invalid: the table's key schema, indexes or attribute names
    /// differ from the configuration. A missing index is reported like this, too.
    #[error("the store rejected the request as invalid")]
    InvalidRequest,
}

/// The store failed on a table.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{error} (table {table}{})", .error.hint())]
pub struct StoreFailure {
    /// The table.
    pub table: TableName,
    /// The store's error; [`Error::is_retryable`] says whether a retry may help.
    pub error: Error,
}

/// Becomes 503 if a retry may help, otherwise 500. Clients see no details.
impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        let shown =
            if error.is_retryable() { Self::of(code::OVERLOADED) } else { Self::internal() };
        shown.with_cause(error)
    }
}
