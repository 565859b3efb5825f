//! Errors of idempotency.

use alloc::format;
use alloc::string::{String, ToString as _};
use core::time::Duration;

use crate::error::{AppError, Happened, code};
use crate::store::StoreFailure;

/// Says why work was not done.
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
    /// The key is blank. Refuse the request (400), or do the work without protection against
    /// repetition.
    MissingKey,
    /// Another caller is doing the work. Respond with 409 and `retry-after` in whole seconds.
    InProgress,
    /// The key was used with another payload: the client made a mistake (422), or another program
    /// uses the same scope in the table.
    PayloadDiffers,
    /// The store failed, so it is unknown whether the work may be done. Do not do it: respond with
    /// 503, or let the record fail.
    Store,
    /// The stored item does not have this schema: the table has other contents or another attribute
    /// style. As after a failure of the store, it is unknown whether the work may be done.
    Unreadable,
    /// A setting is invalid: a blank scope, or a key source that no request can have. Results would
    /// never be stored; fix the configuration.
    Configuration,
}

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Reason {
    #[error("idempotency key is required")]
    MissingKey,
    #[error("idempotency scope is required")]
    MissingScope,
    #[error("request in progress")]
    InProgress { retry_after: Duration },
    #[error("idempotency key was used with another payload")]
    PayloadDiffers,
    #[error("idempotency store failed: {failure}")]
    Store { failure: StoreFailure, is_in_doubt: bool },
    #[error("idempotency item is unreadable")]
    Unreadable,
    /// The name is blank, or contains characters that a header name cannot have (RFC 9110 §5.1).
    #[error("{0:?} is not a header name such as \"idempotency-key\"")]
    HeaderName(String),
    /// The pointer is not empty and does not begin with `/` (RFC 6901 §3).
    #[error("{0:?} is not a JSON pointer such as \"/order/id\"")]
    JsonPointer(String),
    /// The name is blank, or contains characters that a cookie name cannot have (RFC 6265 §4.1.1).
    #[error("{0:?} is not a cookie name such as \"session\"")]
    CookieName(String),
    #[error("the list of session cookies is empty; leave it out if there are none")]
    NoCookie,
}

impl Error {
    /// Returns the error for a request without a key.
    #[must_use]
    pub const fn missing_key() -> Self {
        Self(Reason::MissingKey)
    }

    /// Returns the error for a stored result that cannot be read. For drivers, which define the
    /// form of their results.
    #[must_use]
    pub const fn unreadable() -> Self {
        Self(Reason::Unreadable)
    }

    /// Returns the kind, by which to decide what to do.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match &self.0 {
            Reason::MissingKey => ErrorKind::MissingKey,
            Reason::InProgress { .. } => ErrorKind::InProgress,
            Reason::PayloadDiffers => ErrorKind::PayloadDiffers,
            Reason::Store { .. } => ErrorKind::Store,
            Reason::Unreadable => ErrorKind::Unreadable,
            Reason::MissingScope
            | Reason::HeaderName(_)
            | Reason::JsonPointer(_)
            | Reason::CookieName(_)
            | Reason::NoCookie => ErrorKind::Configuration,
        }
    }

    /// Returns the longest time that another caller's lease has left, if the work is in progress.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        if let Reason::InProgress { retry_after } = &self.0 { Some(*retry_after) } else { None }
    }

    /// Returns whether it is unknown if the work may be done: the store failed, or the item is
    /// unreadable.
    #[must_use]
    pub const fn is_undecided(&self) -> bool {
        matches!(&self.0, Reason::Store { .. } | Reason::Unreadable)
    }

    /// Returns whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        if let Reason::Store { failure, .. } = &self.0 {
            return failure.error.is_retryable();
        }
        matches!(&self.0, Reason::InProgress { .. })
    }

    /// Returns whether the change may have been applied: the lease taken, the result stored, or the
    /// lease released. The machines document the effects of a lost outcome.
    #[must_use]
    pub const fn happened(&self) -> Happened {
        if let Reason::Store { is_in_doubt: true, .. } = &self.0 {
            return Happened::Unknown;
        }
        Happened::No
    }
}

/// Maps each kind to its status; 500 for an invalid configuration. A 503 has a `retry-after` of one
/// second. The error becomes the cause, for the log.
impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        let answer = match &error.0 {
            Reason::MissingKey => Self::bad_request(error.to_string()),
            Reason::InProgress { retry_after } => {
                let more = u64::from(retry_after.subsec_nanos() > 0);
                let seconds = retry_after.as_secs().saturating_add(more).max(1);
                Self::conflict(error.to_string()).with_header("retry-after", format!("{seconds}"))
            }
            Reason::PayloadDiffers => Self::new(code::VALIDATION_FAILED, error.to_string()),
            Reason::Store { .. } | Reason::Unreadable => {
                Self::of(code::OVERLOADED).with_header("retry-after", "1")
            }
            Reason::MissingScope
            | Reason::HeaderName(_)
            | Reason::JsonPointer(_)
            | Reason::CookieName(_)
            | Reason::NoCookie => Self::internal(),
        };
        answer.with_cause(error)
    }
}
