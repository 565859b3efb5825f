//! The response to a request that is refused.

use alloc::boxed::Box;
use alloc::string::{String, ToString};

use crate::error::{AppError, code};
use crate::limiter::headers::{DENIAL_BODY, HeaderStyle, headers, problem_body};
use crate::limiter::{Decision, Error};

/// Says why a request is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// The limit is used up.
    Denied(Box<Decision>),
    /// The caller is unknown, or the store did not answer and the limiter fails closed.
    Undecided(Error),
}

impl Refusal {
    /// Returns the response as an error: 429 with the headers of the decision, or the limiter's
    /// error.
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

/// Selects the body of a denial, for hosts that have no error format of their own.
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

    /// Returns the body for a denial.
    #[must_use]
    pub fn text(self, denial: &Decision) -> String {
        match self {
            Self::Json => DENIAL_BODY.to_string(),
            Self::ProblemDetails => problem_body(denial),
        }
    }
}
