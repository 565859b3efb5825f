//! Why work is not done, or nobody knows whether it was.

use alloc::format;
use alloc::string::{String, ToString as _};
use core::time::Duration;

use crate::error::{AppError, Happened, code};
use crate::store::StoreFailure;

/// Why a piece of work is not done.
///
/// As an [`AppError`] it has the status of its [`kind`](Self::kind); what a store said is not shown.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub(super) Reason);

/// What is to be done about an [`Error`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The key is blank: without one, work is done as often as it is asked for. Refuse the request
    /// (400), or do it unprotected.
    MissingKey,
    /// Somebody else is at it. Come back later: 409, with `retry-after` in whole seconds.
    InProgress,
    /// The key was used with another payload: the caller made a mistake (422), or another program
    /// writes to the table with the same scope.
    PayloadDiffers,
    /// The store failed, so that nobody knows whether the work may be done. Do not do it: answer 503,
    /// or let the record fail.
    Store,
    /// The stored item is not one of this schema: the table holds something else too, or the schema
    /// is another one. Nobody knows whether the work may be done, as after a failure of the store.
    Unreadable,
    /// A setting cannot work: a scope that is blank, or a place that no request has. Nothing would
    /// be kept, and nobody would notice: fix the configuration.
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
    /// It is blank, or holds what no name of a header field can hold (RFC 9110 §5.1).
    #[error("{0:?} is no name of a header field, such as \"idempotency-key\"")]
    HeaderName(String),
    /// It is neither empty nor begins with `/` (RFC 6901 §3).
    #[error("{0:?} is no JSON pointer, such as \"/order/id\"")]
    JsonPointer(String),
    /// It is blank, or holds what no name of a cookie can hold (RFC 6265 §4.1.1).
    #[error("{0:?} is no name of a cookie, such as \"session\"")]
    CookieName(String),
    #[error("no session cookie is named; leave the list out where there is none")]
    NoCookie,
}

impl Error {
    /// Says that a request brings no key.
    #[must_use]
    pub const fn missing_key() -> Self {
        Self(Reason::MissingKey)
    }

    /// Says that a kept result cannot be read. For drivers, which know what results they keep.
    #[must_use]
    pub const fn unreadable() -> Self {
        Self(Reason::Unreadable)
    }

    /// Returns what is to be done about it.
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

    /// Returns how much time somebody else has left at most for the work, if they are at it.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        if let Reason::InProgress { retry_after } = &self.0 { Some(*retry_after) } else { None }
    }

    /// Returns whether nobody knows if the work may be done: the store failed, or holds something
    /// else.
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

    /// Returns what became of the change in the table: whether the lease may have been taken, the
    /// result kept, or the lease given back. What the machines say of a lost outcome says more.
    #[must_use]
    pub const fn happened(&self) -> Happened {
        if let Reason::Store { is_in_doubt: true, .. } = &self.0 {
            return Happened::Unknown;
        }
        Happened::No
    }
}

/// The statuses of the kinds; 500 for a wrong configuration. 503 comes with a `retry-after` of one
/// second. The error itself becomes the cause, for the log.
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
