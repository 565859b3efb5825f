//! The error of a request that does not bind, and its response.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use core::fmt;

use serde_json::json;

use crate::error::AppError;

/// The source of a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// The query string.
    Query,
    /// A parameter of the route's pattern.
    Path,
    /// A header field.
    Header,
    /// A form in the body.
    Form,
}

impl Source {
    /// Returns the source's name for error messages and details.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Path => "path",
            Self::Header => "header",
            Self::Form => "form",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A value is missing or does not have the expected type. The response is 400, or 422 for a form as
/// for JSON of the wrong type. It quotes no value.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("invalid {from} binding for {name}: expected {expected}")]
pub struct Error {
    /// The source of the value.
    pub from: Source,
    /// The name of the value in its source.
    pub name: String,
    /// What was expected, for the log.
    pub expected: Cow<'static, str>,
}

/// Only the response to a form includes what was expected; otherwise it is for the log.
impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        let Error { from, name, expected } = &error;
        if *from == Source::Form {
            return Self::unprocessable(format!("{error}"))
                .with_details(&json!({ "source": "form", "name": name, "expected": expected }));
        }
        let details = json!({ "source": from.as_str(), "name": name, "field": name });
        Self::bad_request(format!("invalid {from} binding for {name}"))
            .with_status(400)
            .with_details(&details)
            .with_cause(error)
    }
}
