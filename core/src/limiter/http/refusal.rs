//! What a client is told whose request goes no further.

use alloc::boxed::Box;
use alloc::string::{String, ToString};

use crate::error::{AppError, code};
use crate::limiter::headers::{DENIAL_BODY, HeaderStyle, headers, problem_body};
use crate::limiter::{Decision, Error};

/// Why a request goes no further.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// The limit is used up.
    Denied(Box<Decision>),
    /// The request belongs to no counter, or the store gave no answer and the limiter fails closed.
    Undecided(Error),
}

impl Refusal {
    /// Returns the answer: 429 with the header fields of the decision, or that of the error.
    #[must_use]
    pub fn into_error(self, style: HeaderStyle) -> AppError {
        match self {
            Self::Denied(decision) => {
                let fields = headers(&decision, style).into_iter();
                fields.fold(AppError::of(code::RATE_LIMITED), |error, (name, value)| {
                    error.with_header(name, value)
                })
            }
            Self::Undecided(error) => error.into(),
        }
    }
}

/// How a denial is worded where answers have no shape of their own.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DenialBody {
    /// [`DENIAL_BODY`], `application/json`.
    #[default]
    Json,
    /// Problem details (RFC 9457), `application/problem+json`.
    ProblemDetails,
}

impl DenialBody {
    /// Returns the media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::ProblemDetails => "application/problem+json",
        }
    }

    /// Returns the text for a denial.
    #[must_use]
    pub fn text(self, denial: &Decision) -> String {
        match self {
            Self::Json => DENIAL_BODY.to_string(),
            Self::ProblemDetails => problem_body(denial),
        }
    }
}
