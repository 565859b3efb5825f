//! Errors of route registration.

use alloc::string::{String, ToString};

use super::PatternError;
use crate::error::{AppError, code};

/// A route was not registered because of a mistake in the application. The message says what to
/// change; it starts with the fixed text of [`kind`](Self::kind).
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RegistrationError {
    /// The method is not a token (RFC 9110 §9.1), so no client can send it. Methods are words such
    /// as `GET`.
    #[error("{}: {method:?} of {pattern} is not a token such as GET or POST", self.kind())]
    InvalidMethod {
        /// The method, as given.
        method: String,
        /// The route's pattern, as given.
        pattern: String,
    },
    /// The pattern is invalid; `reason` says what to change.
    #[error("{}: {method} {pattern}: {reason}", self.kind())]
    InvalidPattern {
        /// The route's method.
        method: String,
        /// The pattern, as given.
        pattern: String,
        /// What is wrong with the pattern.
        #[source]
        reason: PatternError,
    },
    /// The method already has a pattern that matches the same paths, perhaps with other names, as
    /// `/{id}` and `/{name}`: the later route would never be used. Remove one of the two, or change
    /// its pattern.
    #[error(
        "{}: {method} {pattern} matches the same paths as {method} {existing}, which was \
         registered first: remove one of the two, or change its pattern",
        self.kind()
    )]
    Duplicate {
        /// The method of both routes.
        method: String,
        /// The pattern of the refused route, as given.
        pattern: String,
        /// The canonical pattern of the existing route.
        existing: String,
    },
}

impl RegistrationError {
    /// Returns what is wrong as a fixed text, without the route.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::InvalidMethod { .. } => "invalid route method",
            Self::InvalidPattern { .. } => "invalid route pattern",
            Self::Duplicate { .. } => "duplicate route",
        }
    }
}

/// Becomes a 400 `app.bad_request`, for tools that register routes for clients.
impl From<RegistrationError> for AppError {
    fn from(error: RegistrationError) -> Self {
        Self::new(code::BAD_REQUEST, error.to_string()).with_status(400).with_cause(error)
    }
}
