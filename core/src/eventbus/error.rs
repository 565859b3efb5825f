//! What can go wrong on the bus, per operation.

use alloc::string::{String, ToString as _};

use super::codec::ItemError;
use super::cursor::{CursorMismatch, InvalidOffsetCursor};
use crate::error::{AppError, code};
use crate::store::{InvalidCursor, StoreFailure};
use crate::time::Timestamp;

/// The kinds of errors, for callers that tell their own callers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErrorKind {
    /// The input can never succeed: the caller has to change it.
    InvalidInput,
    /// The cursor is none: start again from the first page.
    InvalidCursor,
    /// The cursor belongs to another query: start again from the first page.
    CursorMismatch,
    /// There is no such event.
    NotFound,
    /// The store failed, or holds something that cannot be read.
    Store,
}

impl ErrorKind {
    /// The kind's name, in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::InvalidCursor => "invalid_cursor",
            Self::CursorMismatch => "cursor_mismatch",
            Self::NotFound => "not_found",
            Self::Store => "store",
        }
    }
}

/// Input that the bus refuses before it asks the store for anything.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidInput {
    /// The event type is missing or blank. Name one.
    #[error("event type cannot be empty")]
    EmptyEventType,
    /// The tenant is missing or blank. Name one.
    #[error("tenant ID cannot be empty")]
    EmptyTenant,
    /// The id is missing or blank. Name one.
    #[error("event ID cannot be empty")]
    EmptyEventId,
    /// A query names no tenant. Every query belongs to one.
    #[error("tenant_id is required for queries")]
    TenantRequired,
    /// The tenant holds `#`. Choose another id, or allow separators for data that has them.
    #[error("tenant ID must not contain '#'")]
    SeparatorInTenant,
    /// The event type holds `#`. Choose another, or allow separators for data that has them.
    #[error("event type must not contain '#'")]
    SeparatorInEventType,
    /// The time of publication cannot be part of a key.
    #[error(
        "published_at must lie between 2001-09-09T01:46:40Z and 2262-04-11T23:47:16.854775807Z: {0}"
    )]
    InstantOutOfRange(Timestamp),
    /// Tenant, type or id make a key that DynamoDB does not take. Shorten them.
    #[error("the {part} has {bytes} bytes; {most} are allowed")]
    KeyTooLong {
        /// Which key.
        part: &'static str,
        /// Its length.
        bytes: usize,
        /// The greatest length allowed.
        most: usize,
    },
    /// A query names more tags than one request to DynamoDB can filter by. Name fewer, and look at
    /// the others in the events read.
    #[error("the query has {tags} tags; {most} are allowed")]
    TooManyTags {
        /// How many different tags it names.
        tags: usize,
        /// The most that are allowed.
        most: usize,
    },
    /// A member of the metadata has no name, which stores refuse. Name it.
    #[error("metadata names cannot be empty")]
    EmptyMetadataName,
    /// The event exceeds DynamoDB's item size. Store the payload elsewhere and publish where it is.
    #[error("the event takes {bytes} bytes; {most} are allowed")]
    TooLarge {
        /// The size of its item.
        bytes: usize,
        /// The greatest size allowed.
        most: usize,
    },
    /// A batch of no events would never come to an end. Ask for at least 1.
    #[error("the batch must hold at least one event")]
    EmptyBatch,
}

/// Why a cursor was not accepted. Start again from the first page.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CursorError {
    /// It is not a key cursor, or not sealed by this bus.
    #[error(transparent)]
    Invalid(#[from] InvalidCursor),
    /// It is from another query.
    #[error(transparent)]
    Mismatch(#[from] CursorMismatch),
}

/// Why an event was not published.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PublishError {
    /// The event is refused. Nothing was written.
    #[error(transparent)]
    Invalid(#[from] InvalidInput),
    /// Every attempt failed. After `Unavailable` and `Timeout` the event may be there all the same:
    /// publishing it again, with the same id and time, finds out.
    #[error("failed to publish event after {attempts} attempts: {failure}")]
    Store {
        /// How many writes were tried.
        attempts: u32,
        /// How the last one failed.
        failure: StoreFailure,
    },
}

/// Why a query has no page.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QueryError {
    /// The query is refused.
    #[error(transparent)]
    Invalid(#[from] InvalidInput),
    /// The cursor is not an offset cursor of the memory bus.
    #[error(transparent)]
    InvalidOffsetCursor(#[from] InvalidOffsetCursor),
    /// The cursor is not a key cursor, not sealed by this bus, or from another query.
    #[error("failed to query events: {0}")]
    Cursor(#[from] CursorError),
    /// The store did not answer. Repeat the query with the same cursor: nothing is lost.
    #[error("failed to query events: {0}")]
    Store(StoreFailure),
}

/// Why an event was not read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GetError {
    /// The id or the key is refused.
    #[error(transparent)]
    Invalid(#[from] InvalidInput),
    /// There is no event with this id, or none in the tenant asked for. The index that finds ids
    /// lags a moment behind: an event just published is found at once by its key only.
    #[error("event not found: {id}")]
    NotFound {
        /// The id, trimmed.
        id: String,
    },
    /// The event is there but cannot be read.
    #[error("failed to get event: {0}")]
    Unreadable(ItemError),
    /// The store did not answer.
    #[error("failed to get event: {0}")]
    Store(StoreFailure),
}

/// Why an event was not deleted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DeleteError {
    /// Looking the event up failed. Nothing was deleted.
    #[error(transparent)]
    LookUp(#[from] GetError),
    /// Deleting failed. Repeat it: deleting what is gone already does no harm.
    #[error("failed to delete event: {failure}")]
    Store {
        /// How many copies were deleted before.
        deleted: u64,
        /// How the next one failed.
        failure: StoreFailure,
    },
}

/// Why a tenant's events were not all deleted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DeleteTenantError {
    /// The tenant or the batch is refused. Nothing was deleted.
    #[error(transparent)]
    Invalid(#[from] InvalidInput),
    /// The cursor is not one, not sealed by this bus, or not from deleting this tenant. Nothing was
    /// deleted.
    #[error("failed to delete tenant: {0}")]
    Cursor(#[from] CursorError),
    /// The store failed. Repeat with the cursor that this batch began with.
    #[error("failed to delete tenant after {deleted} events: {failure}")]
    Store {
        /// How many events of this batch were deleted before.
        deleted: u64,
        /// How the next step failed.
        failure: StoreFailure,
    },
}

impl InvalidInput {
    /// Always [`ErrorKind::InvalidInput`].
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

impl CursorError {
    /// The error's kind.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::InvalidCursor,
            Self::Mismatch(_) => ErrorKind::CursorMismatch,
        }
    }
}

impl PublishError {
    /// The error's kind.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::InvalidInput,
            Self::Store { .. } => ErrorKind::Store,
        }
    }
}

impl QueryError {
    /// The error's kind.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::InvalidInput,
            Self::InvalidOffsetCursor(_) => ErrorKind::InvalidCursor,
            Self::Cursor(error) => error.kind(),
            Self::Store(_) => ErrorKind::Store,
        }
    }
}

impl GetError {
    /// The error's kind.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::InvalidInput,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Unreadable(_) | Self::Store(_) => ErrorKind::Store,
        }
    }
}

impl DeleteError {
    /// The error's kind.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::LookUp(error) => error.kind(),
            Self::Store { .. } => ErrorKind::Store,
        }
    }
}

impl DeleteTenantError {
    /// The error's kind.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::InvalidInput,
            Self::Cursor(error) => error.kind(),
            Self::Store { .. } => ErrorKind::Store,
        }
    }
}

impl ErrorKind {
    /// The code under which clients are told of it: [`code::BAD_REQUEST`], [`code::NOT_FOUND`] or
    /// [`code::OVERLOADED`].
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidInput | Self::InvalidCursor | Self::CursorMismatch => code::BAD_REQUEST,
            Self::NotFound => code::NOT_FOUND,
            Self::Store => code::OVERLOADED,
        }
    }
}

/// The answer to an error of a kind. What a store said is its cause, and not shown.
fn answer(kind: ErrorKind, error: impl core::error::Error + Send + Sync + 'static) -> AppError {
    let answer = match kind {
        ErrorKind::Store => AppError::of(kind.code()),
        ErrorKind::InvalidInput
        | ErrorKind::InvalidCursor
        | ErrorKind::CursorMismatch
        | ErrorKind::NotFound => AppError::new(kind.code(), error.to_string()),
    };
    answer.with_cause(error)
}

impl From<PublishError> for AppError {
    fn from(error: PublishError) -> Self {
        answer(error.kind(), error)
    }
}

impl From<QueryError> for AppError {
    fn from(error: QueryError) -> Self {
        answer(error.kind(), error)
    }
}

impl From<GetError> for AppError {
    fn from(error: GetError) -> Self {
        answer(error.kind(), error)
    }
}

impl From<DeleteError> for AppError {
    fn from(error: DeleteError) -> Self {
        answer(error.kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned as _;
    use alloc::string::ToString as _;
    use core::error::Error;

    use super::{GetError, InvalidInput, QueryError, StoreFailure};
    use crate::error::AppError;
    use crate::store::{self, TableName};

    #[test]
    fn clients_are_told_what_they_can_mend() {
        let error = AppError::from(QueryError::Invalid(InvalidInput::TenantRequired));
        assert_eq!((error.status(), error.message()), (400, "tenant_id is required for queries"));
        let error = AppError::from(GetError::NotFound { id: "e1".to_owned() });
        assert_eq!((error.status(), error.message()), (404, "event not found: e1"));
    }

    #[test]
    fn what_the_store_said_is_only_the_cause() {
        let failure =
            StoreFailure { table: TableName::from("secret-table"), error: store::Error::Timeout };
        let error = AppError::from(QueryError::Store(failure));
        assert_eq!(error.status(), 503);
        assert!(!error.message().contains("secret-table"));
        assert!(error.source().is_some_and(|cause| cause.to_string().contains("secret-table")));
    }
}
