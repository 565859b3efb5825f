//! Errors of the connection registry.

use alloc::string::ToString as _;

use crate::error::{AppError, Happened, code};
use crate::store::{CursorError, StoreFailure};

/// Says why a call on the connection registry failed.
///
/// Converts to an [`AppError`] with the status of its [`kind`](Self::kind); the store's message is
/// not shown to clients.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub(super) Reason);

/// Classifies an [`Error`] by what to do about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The connection id or topic is blank or longer than 1019 bytes. Ids of API Gateway are
    /// shorter; shorten or hash the topic. Nothing was read or written.
    InvalidInput,
    /// The cursor is malformed, or belongs to another topic. Start again from the first page.
    InvalidCursor,
    /// The store failed. Try again, with the same cursor if listing; repeating is harmless.
    Store,
}

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Reason {
    #[error("connection id is required")]
    MissingConnectionId,
    #[error("topic is required")]
    MissingTopic,
    #[error("connection id or topic is too long")]
    TooLong,
    #[error("{0}")]
    Cursor(CursorError),
    #[error("invalid cursor: it belongs to another topic")]
    OtherTopic,
    #[error("connection registry failed: {failure}")]
    Store { failure: StoreFailure, is_write: bool },
}

impl Error {
    /// Returns the kind, by which to decide what to do.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match &self.0 {
            Reason::MissingConnectionId | Reason::MissingTopic | Reason::TooLong => {
                ErrorKind::InvalidInput
            }
            Reason::Cursor(_) | Reason::OtherTopic => ErrorKind::InvalidCursor,
            Reason::Store { .. } => ErrorKind::Store,
        }
    }

    /// Returns whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        let Reason::Store { failure, .. } = &self.0 else { return false };
        failure.error.is_retryable()
    }

    /// Returns whether the change may have been applied: the connection registered, extended or
    /// removed.
    #[must_use]
    pub const fn happened(&self) -> Happened {
        if let Reason::Store { failure, is_write: true } = &self.0
            && failure.error.may_have_written()
        {
            return Happened::Unknown;
        }
        Happened::No
    }
}

/// Maps invalid input to 400 with the error's text, and store failures to 503 without details. The
/// error becomes the cause, for the log.
impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        let answer = match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::InvalidCursor => {
                Self::bad_request(error.to_string())
            }
            ErrorKind::Store => Self::of(code::OVERLOADED),
        };
        answer.with_cause(error)
    }
}

#[cfg(test)]
mod tests {
    use super::{AppError, Error, Happened, Reason};
    use crate::store::{self, StoreFailure};

    #[test]
    fn every_error_has_its_status_and_says_what_became_of_the_change() {
        let failed = |is_write| {
            let failure = StoreFailure { table: "secret".into(), error: store::Error::Timeout };
            Reason::Store { failure, is_write }
        };
        for (reason, status, happened) in [
            (Reason::MissingTopic, 400, Happened::No),
            (Reason::OtherTopic, 400, Happened::No),
            (failed(true), 503, Happened::Unknown),
            (failed(false), 503, Happened::No),
        ] {
            let error = Error(reason);
            assert_eq!(error.happened(), happened, "{error}");
            let answer = AppError::from(error);
            assert_eq!(answer.status(), status);
            assert!(!answer.message().contains("secret"));
        }
    }
}
