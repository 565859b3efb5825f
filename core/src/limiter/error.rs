//! Errors of the limiter.

use alloc::format;
use alloc::string::String;

use super::decision::{Cause, Stage};
use super::headers::store_failure;
use super::setting::Setting;
use crate::error::{AppError, Happened, code};
use crate::identity::EmptySecret;
use crate::store::{self, Misconfiguration, TableName};

/// Says why a limiter made no decision, or cannot be built. Its text says what to fix.
///
/// Converts to an [`AppError`]: 503 with `retry-after` if the store did not answer, otherwise a
/// masked 500.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub(super) Reason);

/// Classifies an [`Error`] by what to do about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A strategy or a setting is invalid. Requests cannot cause this; fix the configuration.
    Configuration,
    /// A part of a key is blank, or the resource contains `#`. Nothing was read or written. Refuse
    /// the request: it cannot be counted.
    InvalidKey,
    /// The caller is unknown: neither an identity nor an address is verified. A load balancer in
    /// front of the function verifies no address.
    NoCaller,
    /// The store did not answer, so the request was neither allowed nor denied. Respond with 503.
    Store,
    /// The store did not answer, and the limiter fails open: the request proceeded uncounted. Only
    /// passed to hooks.
    FailedOpen,
}

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Reason {
    #[error("{0}")]
    InvalidKey(InvalidKey),
    #[error(
        "the caller of the request is unknown: authenticate callers, or set \
         `trusting_forwarded(hops)` behind a load balancer, or `shared()` to count all of them together"
    )]
    NoCaller,
    #[error("{0}")]
    Setting(Setting),
    #[error("{}: {error}{}", .operation.failed(), hint(*.error, .table))]
    Store { operation: Operation, error: store::Error, table: TableName, happened: Happened },
    #[error("rate limit failed open: {} while the store was asked to {}", .cause.name(), asked(*.stage))]
    FailedOpen { cause: Cause, stage: Stage },
}

/// Says why three texts do not form a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum InvalidKey {
    #[error("identifier is required")]
    MissingIdentifier,
    #[error("resource is required")]
    MissingResource,
    #[error("operation is required")]
    MissingOperation,
    /// `#` separates the parts of stored keys.
    #[error("resource must not contain '#'")]
    SeparatorInResource,
}

impl Error {
    /// Returns the error that hooks receive when a limiter fails open.
    #[must_use]
    pub const fn failed_open(cause: Cause, stage: Stage) -> Self {
        Self(Reason::FailedOpen { cause, stage })
    }

    /// Returns the kind, by which to decide what to do.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match &self.0 {
            Reason::InvalidKey(_) => ErrorKind::InvalidKey,
            Reason::NoCaller => ErrorKind::NoCaller,
            Reason::Store { .. } => ErrorKind::Store,
            Reason::FailedOpen { .. } => ErrorKind::FailedOpen,
            Reason::Setting(_) => ErrorKind::Configuration,
        }
    }

    /// Returns why the store did not answer, if this is the error.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        match &self.0 {
            Reason::Store { error, .. } => Some((*error).into()),
            Reason::FailedOpen { cause, .. } => Some(*cause),
            Reason::InvalidKey(_) | Reason::NoCaller | Reason::Setting(_) => None,
        }
    }

    /// Returns whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match &self.0 {
            Reason::Store { error, .. } => error.is_retryable(),
            Reason::FailedOpen { cause, .. } => !matches!(cause, Cause::Misconfigured),
            Reason::InvalidKey(_) | Reason::NoCaller | Reason::Setting(_) => false,
        }
    }

    /// Returns whether the request may have been counted in spite of the error. A limiter then
    /// refuses too early, never too late.
    #[must_use]
    pub const fn happened(&self) -> Happened {
        match &self.0 {
            Reason::Store { happened, .. } => *happened,
            // A decision does not report whether one of its earlier writes was applied.
            Reason::FailedOpen { .. } => Happened::Unknown,
            Reason::InvalidKey(_) | Reason::NoCaller | Reason::Setting(_) => Happened::No,
        }
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self(reason)
    }
}

impl From<InvalidKey> for Error {
    fn from(reason: InvalidKey) -> Self {
        Self(Reason::InvalidKey(reason))
    }
}

impl From<Setting> for Error {
    fn from(reason: Setting) -> Self {
        Self(Reason::Setting(reason))
    }
}

impl From<EmptySecret> for Error {
    fn from(error: EmptySecret) -> Self {
        Setting::Secret(error).into()
    }
}

/// Builds the response to a request without a decision: 503 with `retry-after` if the store did not
/// answer, otherwise a masked 500. The error becomes the cause, for the log.
impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Store | ErrorKind::FailedOpen => {
                let answer = Self::of(code::OVERLOADED).with_cause(error);
                let fields = store_failure().into_iter();
                fields.fold(answer, |answer, (name, value)| answer.with_header(name, value))
            }
            ErrorKind::Configuration | ErrorKind::InvalidKey | ErrorKind::NoCaller => {
                Self::internal().with_cause(error)
            }
        }
    }
}

/// The operation that failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Operation {
    CheckAndIncrement,
    Check,
    Record,
    Usage,
}

impl Operation {
    const fn failed(self) -> &'static str {
        match self {
            Self::CheckAndIncrement => "failed to check and increment rate limit",
            Self::Check => "failed to check rate limit",
            Self::Record => "failed to record request",
            Self::Usage => "failed to get usage",
        }
    }
}

/// Returns what to check if the deployment is wrong.
fn hint(error: store::Error, table: &TableName) -> String {
    let store::Error::Misconfigured(kind) = error else { return String::new() };
    let hint = match kind {
        Misconfiguration::MissingTable => {
            ": create it, or set APPTHEORY_RATE_LIMIT_TABLE_NAME and the region"
        }
        Misconfiguration::InvalidRequest => {
            ": check that its key is PK and SK, both texts, and the attribute style"
        }
        Misconfiguration::AccessDenied | Misconfiguration::MissingCredentials => error.hint(),
    };
    format!(" (table {table}{hint})")
}

const fn asked(stage: Stage) -> &'static str {
    match stage {
        Stage::Read => "read",
        Stage::Write => "write",
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use core::error::Error as _;

    use super::*;

    fn store(error: store::Error, happened: Happened) -> Error {
        Error(Reason::Store { operation: Operation::Record, error, table: "t".into(), happened })
    }

    #[test]
    fn every_kind_has_its_answer_and_shows_nothing() {
        let timeout = store(store::Error::Timeout, Happened::Unknown);
        for (error, kind, status) in [
            (timeout, ErrorKind::Store, 503),
            (Reason::NoCaller.into(), ErrorKind::NoCaller, 500),
            (InvalidKey::MissingResource.into(), ErrorKind::InvalidKey, 500),
            (EmptySecret.into(), ErrorKind::Configuration, 500),
        ] {
            assert_eq!(error.kind(), kind);
            let text = error.to_string();
            let answer = AppError::from(error);
            assert_eq!(answer.status(), status);
            assert!(!answer.to_string().contains(&text));
            assert_eq!(answer.source().map(ToString::to_string), Some(text));
        }
    }

    #[test]
    fn what_can_be_repeated_and_may_have_happened_goes_by_the_store() {
        let missing = store::Error::Misconfigured(Misconfiguration::MissingTable);
        for (error, is_retryable, happened) in [
            (store(store::Error::Timeout, Happened::Unknown), true, Happened::Unknown),
            (store(store::Error::Throttled, Happened::No), true, Happened::No),
            (store(missing, Happened::No), false, Happened::No),
            (Error::failed_open(Cause::Timeout, Stage::Write), true, Happened::Unknown),
            (Error::failed_open(Cause::Misconfigured, Stage::Read), false, Happened::Unknown),
            (Reason::NoCaller.into(), false, Happened::No),
        ] {
            assert_eq!((error.is_retryable(), error.happened()), (is_retryable, happened));
        }
    }
}
