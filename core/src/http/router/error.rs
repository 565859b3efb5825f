//! Why a route was not added.

use alloc::string::{String, ToString};

use super::PatternError;
use crate::error::{AppError, code};

/// A route was not added. Each is a mistake in the application, to be mended before it serves
/// anything. The message says what to change; [`kind`](Self::kind) is the fixed text that it starts
/// with.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RegistrationError {
    /// The method is no token (RFC 9110 §9.1): no client can send it. Methods are words such as
    /// `GET`.
    #[error("{}: {method:?} of {pattern} is no token such as GET or POST", self.kind())]
    InvalidMethod {
        /// The method, as given.
        method: String,
        /// The route's pattern, as given.
        pattern: String,
    },
    /// The pattern cannot be read; `reason` says what to change.
    #[error("{}: {method} {pattern}: {reason}", self.kind())]
    InvalidPattern {
        /// The route's method.
        method: String,
        /// Its pattern, as given.
        pattern: String,
        /// What is wrong with it.
        #[source]
        reason: PatternError,
    },
    /// The method has a pattern that matches the same paths already, be it with other names, as
    /// `/{id}` and `/{name}`: the later route would never be reached. Remove one of the two, or
    /// change its pattern.
    #[error(
        "{}: {method} {pattern} matches the same paths as {method} {existing}, which was \
         registered first: remove one of the two, or change its pattern",
        self.kind()
    )]
    Duplicate {
        /// The method of both routes.
        method: String,
        /// The pattern of the route that was refused, as given.
        pattern: String,
        /// The canonical pattern of the route that was there before.
        existing: String,
    },
}

impl RegistrationError {
    /// Returns what is wrong in a few fixed words, without the routes.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::InvalidMethod { .. } => "invalid route method",
            Self::InvalidPattern { .. } => "invalid route pattern",
            Self::Duplicate { .. } => "duplicate route",
        }
    }
}

/// As `app.bad_request`, 400: the answer of tools that register routes on behalf of a client.
impl From<RegistrationError> for AppError {
    fn from(error: RegistrationError) -> Self {
        Self::new(code::BAD_REQUEST, error.to_string()).with_status(400).with_cause(error)
    }
}
