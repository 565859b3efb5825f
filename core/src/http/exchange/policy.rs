//! The refusal of a policy.

use alloc::string::String;

use crate::error::{AppError, code};
use crate::http::HeaderMap;
use crate::printing::prints;

/// A policy's refusal, such as a rate limit or load shedding.
#[derive(Clone, Eq, PartialEq)]
pub struct PolicyDecision {
    /// Trimmed, and not blank.
    code: String,
    /// The message; if blank, the code's default message.
    pub message: String,
    /// The response headers. The content type is always JSON.
    pub headers: HeaderMap,
}

/// A policy refuses with a blank code, which could be mistaken for permission.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a policy's refusal needs a code, such as app.overloaded")]
pub struct BlankPolicyCode;

impl PolicyDecision {
    /// Creates a refusal with an error code, which determines the status; 500 for a code that is
    /// not listed in [`code`].
    ///
    /// # Errors
    ///
    /// [`BlankPolicyCode`]. A policy that fails with it gives a masked 500.
    pub fn new(code: &str) -> Result<Self, BlankPolicyCode> {
        match code.trim() {
            "" => Err(BlankPolicyCode),
            code => Ok(Self::of(code, HeaderMap::new())),
        }
    }

    /// Creates a 429 with headers such as `retry-after`.
    #[must_use]
    pub fn rate_limited(headers: HeaderMap) -> Self {
        Self::of(code::RATE_LIMITED, headers)
    }

    /// Creates a 503 with headers such as `retry-after`.
    #[must_use]
    pub fn overloaded(headers: HeaderMap) -> Self {
        Self::of(code::OVERLOADED, headers)
    }

    fn of(code: &str, headers: HeaderMap) -> Self {
        Self { code: code.into(), message: String::new(), headers }
    }

    /// Returns the error of the response.
    pub(super) fn refusal(self) -> AppError {
        let message = match (self.message.trim(), self.code.as_str()) {
            ("", code::RATE_LIMITED) => "rate limited",
            ("", code::OVERLOADED) => "overloaded",
            ("", _) => "internal error",
            (message, _) => message,
        };
        let refusal = AppError::new(&self.code, message);
        let fields = self.headers.iter();
        let fields = fields.flat_map(|(name, values)| values.iter().map(move |v| (name, v)));
        fields.fold(refusal, |refusal, (name, value)| refusal.with_header(name, value))
    }
}

impl From<BlankPolicyCode> for AppError {
    fn from(error: BlankPolicyCode) -> Self {
        Self::internal().with_cause(error)
    }
}

prints!(PolicyDecision: code, headers);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_code_sets_status_and_message_and_a_blank_code_is_refused() {
        assert_eq!(PolicyDecision::new(" \t").err(), Some(BlankPolicyCode));
        for (code, message, expected) in [
            (" app.rate_limited ", " ", (429, "app.rate_limited", "rate limited")),
            ("app.overloaded", "", (503, "app.overloaded", "overloaded")),
            ("app.forbidden", "", (403, "app.forbidden", "internal error")),
            ("zzz", " busy ", (500, "zzz", "busy")),
        ] {
            let decision = PolicyDecision::new(code).unwrap();
            let error = PolicyDecision { message: message.into(), ..decision }.refusal();
            assert_eq!((error.status(), error.code(), error.message()), expected);
        }
    }
}
