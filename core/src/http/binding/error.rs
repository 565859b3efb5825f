//! Why a request does not bind, and what its client is told.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use core::fmt;

use serde_json::json;

use crate::error::AppError;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// The query.
    Query,
    /// A parameter of the route's pattern.
    Path,
    /// A header field.
    Header,
    /// A form in the body.
    Form,
}

impl Source {
    /// Returns the source's name in error messages and details.
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

/// A text is not of the type that it is read as, or a value is missing. The client alone can mend
/// it: it is a 400 answer, for a form a 422 as for JSON of another shape, and quotes no value.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("invalid {from} binding for {name}: expected {expected}")]
pub struct Error {
    /// Where the text comes from.
    pub from: Source,
    /// What it is called there.
    pub name: String,
    /// What had to be there, in words for the log.
    pub expected: Cow<'static, str>,
}

/// What was expected stays in the log, but for forms.
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
