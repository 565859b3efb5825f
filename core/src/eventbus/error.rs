//! What can go wrong on the bus: one error, whatever was asked.

use alloc::string::{String, ToString as _};
use core::fmt;

use super::codec::UnreadableItem;
use crate::error::{AppError, Happened, code};
use crate::identity::EmptySecret;
use crate::json::JsonError;
use crate::store::{CursorError, ReadError, StoreFailure, TableName};
use crate::time::{Timestamp, TimestampError};

/// Why the bus did not do what it was asked to do.
///
/// [`kind`](Self::kind) says what to do about it, [`happened`](Self::happened) what became of a
/// write. As an [`AppError`] it has the status of its kind; what a store said is not shown.
///
/// ```
/// use apptheory_core::error::{AppError, Happened};
/// use apptheory_core::eventbus::{BusConfig, ErrorKind, EventQuery};
///
/// let bus = BusConfig::builder().build()?;
/// let error = bus.query(&EventQuery::new(" ")).unwrap_err();
/// assert_eq!((error.kind(), error.happened()), (ErrorKind::InvalidInput, Happened::No));
/// assert_eq!(AppError::from(error).status(), 400);
/// # Ok::<(), apptheory_core::eventbus::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub(super) Reason);

/// What is to be done about an [`Error`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input can never succeed: the caller has to change it.
    InvalidInput,
    /// The text is not a cursor. Start again from the first page.
    InvalidCursor,
    /// The cursor belongs to another query. Start again from the first page.
    CursorMismatch,
    /// There is no such event. The index that finds ids lags a moment behind: an event just
    /// published is found at once by its key only.
    NotFound,
    /// The store failed. See [`Error::is_retryable`] and [`Error::happened`].
    Store,
    /// A stored item, or a record of the table's stream, is not an event. Repair it, or delete it;
    /// or the table holds other things, or those of another schema.
    Unreadable,
    /// A payload has no JSON form, is not JSON, or is not the JSON of the type asked for.
    Payload,
    /// A setting of the bus cannot work: change it.
    Configuration,
    /// A subscriber failed or panicked. The event is published and stays so. Those subscribed before
    /// have run, those after have not.
    Handler,
}

impl ErrorKind {
    /// Returns the kind's name, in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::InvalidCursor => "invalid_cursor",
            Self::CursorMismatch => "cursor_mismatch",
            Self::NotFound => "not_found",
            Self::Store => "store",
            Self::Unreadable => "unreadable",
            Self::Payload => "payload",
            Self::Configuration => "configuration",
            Self::Handler => "handler",
        }
    }
}

/// What happened, with what the text needs.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Reason {
    #[error("{0}")]
    Input(Input),
    #[error("{0}")]
    Cursor(CursorError),
    #[error("failed to query events: {0}")]
    QueryCursor(CursorError),
    #[error("event not found: {0}")]
    NotFound(String),
    #[error("failed to get event: {0}")]
    Get(UnreadableItem),
    #[error("{0}")]
    Item(UnreadableItem),
    #[error("the record is not one of a DynamoDB stream")]
    NotAStreamRecord,
    #[error("the stream record has no {0}")]
    MissingPart(&'static str),
    #[error("the stream record's {part} is malformed: {error}")]
    MalformedPart { part: &'static str, error: ReadError },
    #[error("the stream record is malformed: {0}")]
    MalformedRecord(JsonError),
    #[error("{doing}: {failure}")]
    Store { doing: Doing, failure: StoreFailure },
    #[error("failed to marshal payload: {0}")]
    NotSerializable(String),
    #[error("the payload is {0}")]
    PayloadNotJson(JsonError),
    #[error("the payload does not have the shape asked for (line {}, column {})", .0.line, .0.column)]
    PayloadMismatch(JsonError),
    #[error("{0}")]
    Setting(Setting),
    #[error("handler {position} of {event_type} failed: {cause}")]
    Handler { event_type: String, position: usize, cause: String },
}

/// What the store was asked for when it failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Doing {
    Publish {
        attempts: u32,
        /// Whether any of the attempts may have written the event.
        may_be_there: bool,
    },
    Query {
        /// The cursor that the page started from.
        cursor: Option<String>,
    },
    Get,
    Delete {
        deleted: u64,
    },
    DeleteTenant {
        deleted: u64,
        /// Whether a deletion that was not answered may have been carried out.
        is_in_doubt: bool,
    },
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publish { attempts, .. } => {
                write!(f, "failed to publish event after {attempts} attempts")
            }
            Self::Query { .. } => f.write_str("failed to query events"),
            Self::Get => f.write_str("failed to get event"),
            Self::Delete { .. } => f.write_str("failed to delete event"),
            Self::DeleteTenant { deleted, .. } => {
                write!(f, "failed to delete tenant after {deleted} events")
            }
        }
    }
}

/// Input that is refused before the store is asked for anything.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Input {
    #[error("event type cannot be empty")]
    EmptyEventType,
    #[error("tenant ID cannot be empty")]
    EmptyTenant,
    #[error("event ID cannot be empty")]
    EmptyEventId,
    #[error("tenant_id is required for queries")]
    TenantRequired,
    #[error("tenant ID must not contain '#'")]
    SeparatorInTenant,
    #[error("event type must not contain '#'")]
    SeparatorInEventType,
    #[error(
        "published_at must lie between 2001-09-09T01:46:40Z and 2262-04-11T23:47:16.854775807Z: {0}"
    )]
    InstantOutOfRange(Timestamp),
    #[error("the {part} has {bytes} bytes; {most} are allowed")]
    KeyTooLong { part: &'static str, bytes: usize, most: usize },
    #[error("the query has {tags} tags; {most} are allowed")]
    TooManyTags { tags: usize, most: usize },
    #[error("metadata names cannot be empty")]
    EmptyMetadataName,
    #[error("the event takes {bytes} bytes; {most} are allowed")]
    TooLarge { bytes: usize, most: usize },
    #[error("the {what} is malformed: {error}")]
    Malformed { what: &'static str, error: JsonError },
    #[error("{member}: {error}")]
    Instant { member: &'static str, error: TimestampError },
    #[error("order must be DESC or ASC")]
    Order,
}

/// A setting that cannot work.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Setting {
    /// DynamoDB would refuse every request.
    #[error("{:?} is not the name or the ARN of a table: those hold A-Z, a-z, 0-9 and '_.-:/'", .0.as_ref())]
    TableName(TableName),
    /// Events would expire as they are published.
    #[error("ttl must be at least one second; leave it out to keep events")]
    TtlTooShort,
    /// A query could not read anything.
    #[error("read_budget must be at least 1")]
    NoReadBudget,
    /// A secret of no bytes protects nothing.
    #[error("cursor_secret must not be empty")]
    EmptyCursorSecret,
}

impl Error {
    /// Says that a subscriber of an event failed: the one at `position` (from 0) of those of its
    /// type. For drivers, which run subscribers.
    pub fn handler(event_type: &str, position: usize, cause: impl fmt::Display) -> Self {
        let (event_type, cause) = (event_type.to_string(), cause.to_string());
        Self(Reason::Handler { event_type, position, cause })
    }

    /// Says that a record of the table's stream is not a JSON object. For drivers, which are handed
    /// records as text.
    #[must_use]
    pub const fn malformed_record(error: JsonError) -> Self {
        Self(Reason::MalformedRecord(error))
    }

    /// Returns what is to be done about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match &self.0 {
            Reason::Input(_) => ErrorKind::InvalidInput,
            Reason::Cursor(error) | Reason::QueryCursor(error) if error.is_mismatch() => {
                ErrorKind::CursorMismatch
            }
            Reason::Cursor(_) | Reason::QueryCursor(_) => ErrorKind::InvalidCursor,
            Reason::NotFound(_) => ErrorKind::NotFound,
            Reason::Store { .. } => ErrorKind::Store,
            Reason::Get(_)
            | Reason::Item(_)
            | Reason::NotAStreamRecord
            | Reason::MissingPart(_)
            | Reason::MalformedPart { .. }
            | Reason::MalformedRecord(_) => ErrorKind::Unreadable,
            Reason::NotSerializable(_) | Reason::PayloadNotJson(_) | Reason::PayloadMismatch(_) => {
                ErrorKind::Payload
            }
            Reason::Setting(_) => ErrorKind::Configuration,
            Reason::Handler { .. } => ErrorKind::Handler,
        }
    }

    /// Returns whether the same call may succeed later. Repeating is harmless: a publish with the
    /// same id and time finds the first copy, and deleting what is gone does nothing.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.store().is_some_and(|failure| failure.error.is_retryable())
    }

    /// Returns what became of what was to be written or deleted. After
    /// [`Unknown`](Happened::Unknown) the event may be published, or some events may be deleted.
    #[must_use]
    pub const fn happened(&self) -> Happened {
        if let Reason::Handler { .. } = &self.0 {
            // Subscribers hear of an event only once it is written.
            return Happened::Yes;
        }
        let Reason::Store { doing, failure } = &self.0 else { return Happened::No };
        let is_in_doubt = match doing {
            // Not what the last failure says: an earlier attempt whose reply was lost may have
            // written the event, whatever became of those after it.
            Doing::Publish { may_be_there, .. } => *may_be_there,
            // Some are gone and others are not: that is neither a yes nor a no.
            Doing::Delete { deleted } => *deleted > 0 || failure.error.may_have_written(),
            Doing::DeleteTenant { deleted, is_in_doubt } => *deleted > 0 || *is_in_doubt,
            Doing::Query { .. } | Doing::Get => false,
        };
        if is_in_doubt { Happened::Unknown } else { Happened::No }
    }

    /// Returns what the store said, if it is the store that failed.
    #[must_use]
    pub const fn store(&self) -> Option<&StoreFailure> {
        if let Reason::Store { failure, .. } = &self.0 { Some(failure) } else { None }
    }

    /// Returns the stored item that is not an event, if that is what is wrong.
    #[must_use]
    pub const fn unreadable_item(&self) -> Option<&UnreadableItem> {
        if let Reason::Get(item) | Reason::Item(item) = &self.0 { Some(item) } else { None }
    }

    /// Returns the cursor of the page that the store did not give: with it, the query goes on from
    /// there. `None` where that is the first page, and for other errors.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        let Reason::Store { doing: Doing::Query { cursor }, .. } = &self.0 else { return None };
        cursor.as_deref()
    }

    /// Returns how many events were deleted before deleting failed.
    #[must_use]
    pub const fn deleted(&self) -> u64 {
        if let Reason::Store { doing, .. } = &self.0
            && let Doing::Delete { deleted } | Doing::DeleteTenant { deleted, .. } = doing
        {
            return *deleted;
        }
        0
    }
}

impl From<Input> for Error {
    fn from(input: Input) -> Self {
        Self(Reason::Input(input))
    }
}

impl From<Setting> for Error {
    fn from(setting: Setting) -> Self {
        Self(Reason::Setting(setting))
    }
}

impl From<EmptySecret> for Error {
    fn from(_: EmptySecret) -> Self {
        Self(Reason::Setting(Setting::EmptyCursorSecret))
    }
}

impl From<CursorError> for Error {
    fn from(error: CursorError) -> Self {
        Self(Reason::Cursor(error))
    }
}

impl From<UnreadableItem> for Error {
    fn from(item: UnreadableItem) -> Self {
        Self(Reason::Item(item))
    }
}

/// 400 and 404 with the error's text, for what callers can mend; 503 where the store failed, and 500
/// else, both without a word of it. The error itself becomes the cause, for the log.
impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        let answer = match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::InvalidCursor | ErrorKind::CursorMismatch => {
                Self::bad_request(error.to_string())
            }
            ErrorKind::NotFound => Self::new(code::NOT_FOUND, error.to_string()),
            ErrorKind::Store => Self::of(code::OVERLOADED),
            // A payload is the application's, or one that was stored: a handler that reads its
            // client's JSON answers for that JSON before there is an event.
            ErrorKind::Unreadable
            | ErrorKind::Payload
            | ErrorKind::Configuration
            | ErrorKind::Handler => Self::internal(),
        };
        answer.with_cause(error)
    }
}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned as _;
    use alloc::string::ToString as _;
    use core::error::Error as _;

    use super::{Doing, Error, Happened, Input, Reason};
    use crate::error::AppError;
    use crate::store::{self, StoreFailure, TableName};

    fn failed(doing: Doing, error: store::Error) -> Error {
        Error(Reason::Store {
            doing,
            failure: StoreFailure { table: TableName::from("secret-table"), error },
        })
    }

    #[test]
    fn clients_are_told_what_they_can_mend() {
        let error = AppError::from(Error::from(Input::TenantRequired));
        assert_eq!((error.status(), error.message()), (400, "tenant_id is required for queries"));
        let error = AppError::from(Error(Reason::NotFound("e1".to_owned())));
        assert_eq!((error.status(), error.message()), (404, "event not found: e1"));
        let error = AppError::from(Error::handler("order.created", 0, "a secret"));
        assert_eq!((error.status(), error.message()), (500, "internal error"));
    }

    #[test]
    fn what_the_store_said_is_only_the_cause() {
        let error = AppError::from(failed(Doing::Get, store::Error::Timeout));
        assert_eq!(error.status(), 503);
        assert!(!error.message().contains("secret-table"));
        assert!(error.source().is_some_and(|cause| cause.to_string().contains("secret-table")));
    }

    #[test]
    fn what_became_of_a_write_is_said() {
        let publish = |may_be_there| Doing::Publish { attempts: 2, may_be_there };
        let erase = |deleted, is_in_doubt| Doing::DeleteTenant { deleted, is_in_doubt };
        for (doing, error, happened) in [
            (publish(true), store::Error::Throttled, Happened::Unknown),
            (publish(false), store::Error::Throttled, Happened::No),
            (Doing::Delete { deleted: 0 }, store::Error::Throttled, Happened::No),
            (Doing::Delete { deleted: 0 }, store::Error::Timeout, Happened::Unknown),
            (erase(1, false), store::Error::Throttled, Happened::Unknown),
            (erase(0, true), store::Error::Throttled, Happened::Unknown),
            (erase(0, false), store::Error::Timeout, Happened::No),
            (Doing::Query { cursor: None }, store::Error::Timeout, Happened::No),
        ] {
            let error = failed(doing, error);
            assert_eq!((error.happened(), error.is_retryable()), (happened, true), "{error}");
        }
        let handled = Error::handler("order.created", 0, "out of paper");
        assert_eq!((handled.happened(), handled.is_retryable()), (Happened::Yes, false));
    }
}
