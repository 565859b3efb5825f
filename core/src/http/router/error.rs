//! Why a route was not added.

use alloc::string::{String, ToString};

use super::PatternError;
use crate::http::{AppError, code};

/// A route was not added. Each is a mistake in the application, to be mended before it serves
/// anything. The texts are fixed (`http-runtime.md` §4.1); the routes concerned are in the fields.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RegistrationError {
    /// The route came without a handler: the name it was looked up by is not known.
    #[error("route handler is nil")]
    MissingHandler {
        /// The route's method.
        method: String,
        /// Its pattern, as given.
        pattern: String,
    },
    /// The pattern cannot be read; `reason` says what to change.
    #[error("invalid route pattern")]
    InvalidPattern {
        /// The route's method.
        method: String,
        /// Its pattern, as given.
        pattern: String,
        /// What is wrong with it.
        #[source]
        reason: PatternError,
    },
    /// The method has this pattern already: remove one of the two, or change its pattern. Two
    /// patterns that differ in names only, as `/{id}` and `/{name}`, are not duplicates, but the
    /// later one is never reached.
    #[error("duplicate route")]
    Duplicate {
        /// The method of both routes.
        method: String,
        /// The pattern of the route that was refused, as given.
        pattern: String,
        /// The canonical pattern of the route that was there before.
        existing: String,
    },
}

/// As `app.bad_request`, 400: the answer of tools that register routes on behalf of a client.
impl From<RegistrationError> for AppError {
    fn from(error: RegistrationError) -> Self {
        Self::new(code::BAD_REQUEST, error.to_string()).with_status(400).with_cause(error)
    }
}
