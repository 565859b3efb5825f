//! The error of the event bus.

use alloc::string::{String, ToString as _};
use core::fmt;

use super::codec::UnreadableItem;
use crate::error::{AppError, Happened, code};
use crate::identity::EmptySecret;
use crate::json::JsonError;
use crate::store::{CursorError, ReadError, StoreFailure, TableName};
use crate::time::{Timestamp, TimestampError};

/// Says why an operation of the event bus failed.
///
/// [`kind`](Self::kind) says what to do about the error, and [`happened`](Self::happened) whether a
/// write was applied. Converts to an [`AppError`] with the status of its kind; the store's message
/// is not shown to clients.
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

/// Classifies an [`Error`] by what to do about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is invalid; the caller has to change it.
    InvalidInput,
    /// The cursor is malformed. Start again from the first page.
    InvalidCursor,
    /// The cursor belongs to another query. Start again from the first page.
    CursorMismatch,
    /// The event does not exist. The index of ids lags a moment behind: right after its
    /// publication, an event is only found by its key.
    NotFound,
    /// The store failed. See [`Error::is_retryable`] and [`Error::happened`].
    Store,
    /// A stored item, or a record of the table's stream, is not an event. Repair or delete it, or
    /// check whether the table is used with another schema or for other data.
    Unreadable,
    /// A payload cannot be serialized to JSON, is not JSON, or does not have the requested type.
    Payload,
    /// A setting of the bus is invalid; change it.
    Configuration,
    /// A subscriber failed or panicked. The event is published and stays published. Earlier
    /// subscribers have run, later ones have not.
    Handler,
}

impl ErrorKind {
    /// Returns the kind's name in snake case.
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

/// The cause, with the values of its text.
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
    #[error("the payload does not have the requested type (line {}, column {})", .0.line, .0.column)]
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
        /// Whether one of the attempts may have written the event.
        may_be_there: bool,
    },
    Query {
        /// The cursor of the failed page.
        cursor: Option<String>,
    },
    Get,
    Delete {
        deleted: u64,
    },
    DeleteTenant {
        deleted: u64,
        /// Whether a deletion without a reply may have been applied.
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

/// Input that is refused before the store is used.
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

/// A setting that is invalid.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Setting {
    /// DynamoDB would refuse every request.
    #[error("{:?} is not the name or ARN of a table: they may contain A-Z, a-z, 0-9 and '_.-:/'", .0.as_ref())]
    TableName(TableName),
    /// Events would expire at publication.
    #[error("ttl must be at least one second; leave it out to keep events")]
    TtlTooShort,
    /// A query could not read anything.
    #[error("read_budget must be at least 1")]
    NoReadBudget,
    /// An empty secret protects nothing.
    #[error("cursor_secret must not be empty")]
    EmptyCursorSecret,
}

impl Error {
    /// Returns the error for a failed subscriber of an event: the one at `position` (from 0) among
    /// those of its type. For drivers, which run subscribers.
    pub fn handler(event_type: &str, position: usize, cause: impl fmt::Display) -> Self {
        let (event_type, cause) = (event_type.to_string(), cause.to_string());
        Self(Reason::Handler { event_type, position, cause })
    }

    /// Returns the error for a record of the table's stream that is not a JSON object. For drivers,
    /// which receive records as text.
    #[must_use]
    pub const fn malformed_record(error: JsonError) -> Self {
        Self(Reason::MalformedRecord(error))
    }

    /// Returns the kind, by which to decide what to do.
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

    /// Returns whether the same call may succeed later. Repeating is harmless: publishing again
    /// with the same id and time finds the first copy, and deleting again does nothing.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.store().is_some_and(|failure| failure.error.is_retryable())
    }

    /// Returns whether the write or deletion was applied. After [`Unknown`](Happened::Unknown) the
    /// event may be published, or some events may be deleted.
    #[must_use]
    pub const fn happened(&self) -> Happened {
        if let Reason::Handler { .. } = &self.0 {
            // Subscribers run only after the event was written.
            return Happened::Yes;
        }
        let Reason::Store { doing, failure } = &self.0 else { return Happened::No };
        let is_in_doubt = match doing {
            // The last failure alone does not decide: an earlier attempt with a lost reply may have
            // written the event.
            Doing::Publish { may_be_there, .. } => *may_be_there,
            // Some events are deleted, others are not: neither yes nor no.
            Doing::Delete { deleted } => *deleted > 0 || failure.error.may_have_written(),
            Doing::DeleteTenant { deleted, is_in_doubt } => *deleted > 0 || *is_in_doubt,
            Doing::Query { .. } | Doing::Get => false,
        };
        if is_in_doubt { Happened::Unknown } else { Happened::No }
    }

    /// Returns the store's failure, if the store failed.
    #[must_use]
    pub const fn store(&self) -> Option<&StoreFailure> {
        if let Reason::Store { failure, .. } = &self.0 { Some(failure) } else { None }
    }

    /// Returns the stored item that is not an event, if this is the error.
    #[must_use]
    pub const fn unreadable_item(&self) -> Option<&UnreadableItem> {
        if let Reason::Get(item) | Reason::Item(item) = &self.0 { Some(item) } else { None }
    }

    /// Returns the cursor of the page that could not be read. Use it to resume the query there.
    /// `None` for the first page, and for other errors.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        let Reason::Store { doing: Doing::Query { cursor }, .. } = &self.0 else { return None };
        cursor.as_deref()
    }

    /// Returns how many events were deleted before the failure.
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

/// Maps invalid input and missing events to 400 and 404 with the error's text, store failures to
/// 503 and all others to 500 without details. The error becomes the cause, for the log.
impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        let answer = match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::InvalidCursor | ErrorKind::CursorMismatch => {
                Self::bad_request(error.to_string())
            }
            ErrorKind::NotFound => Self::new(code::NOT_FOUND, error.to_string()),
            ErrorKind::Store => Self::of(code::OVERLOADED),
            // The payload comes from the application or the store. A handler checks its client's
            // JSON before it creates an event.
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
    fn client_errors_keep_their_message_and_handler_errors_are_masked() {
        let error = AppError::from(Error::from(Input::TenantRequired));
        assert_eq!((error.status(), error.message()), (400, "tenant_id is required for queries"));
        let error = AppError::from(Error(Reason::NotFound("e1".to_owned())));
        assert_eq!((error.status(), error.message()), (404, "event not found: e1"));
        let error = AppError::from(Error::handler("order.created", 0, "a secret"));
        assert_eq!((error.status(), error.message()), (500, "internal error"));
    }

    #[test]
    fn store_errors_are_masked_and_kept_as_the_cause() {
        let error = AppError::from(failed(Doing::Get, store::Error::Timeout));
        assert_eq!(error.status(), 503);
        assert!(!error.message().contains("secret-table"));
        assert!(error.source().is_some_and(|cause| cause.to_string().contains("secret-table")));
    }

    #[test]
    fn errors_report_whether_the_write_happened() {
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
