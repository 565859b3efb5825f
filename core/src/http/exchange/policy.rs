//! What a policy answers instead of letting a request through.

use alloc::string::String;

use crate::error::{AppError, code};
use crate::http::HeaderMap;
use crate::printing::prints;

/// A policy's refusal, such as a rate limit's or that of shedding load.
#[derive(Clone, Eq, PartialEq)]
pub struct PolicyDecision {
    /// Trimmed, and not blank.
    code: String,
    /// The message; the code's own when blank.
    pub message: String,
    /// Header fields of the answer. Its content type is JSON whatever they say.
    pub headers: HeaderMap,
}

/// A policy refuses without saying why: a blank code could be taken for leave to go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a policy's refusal needs a code, such as app.overloaded")]
pub struct BlankPolicyCode;

impl PolicyDecision {
    /// Returns a refusal with an error code, which decides the status; 500 for one that is not listed
    /// in [`code`].
    ///
    /// # Errors
    ///
    /// [`BlankPolicyCode`]. A policy that fails so answers a masked 500.
    pub fn new(code: &str) -> Result<Self, BlankPolicyCode> {
        match code.trim() {
            "" => Err(BlankPolicyCode),
            code => Ok(Self::of(code, HeaderMap::new())),
        }
    }

    /// 429, with header fields such as `retry-after`.
    #[must_use]
    pub fn rate_limited(headers: HeaderMap) -> Self {
        Self::of(code::RATE_LIMITED, headers)
    }

    /// 503, with header fields such as `retry-after`.
    #[must_use]
    pub fn overloaded(headers: HeaderMap) -> Self {
        Self::of(code::OVERLOADED, headers)
    }

    fn of(code: &str, headers: HeaderMap) -> Self {
        Self { code: code.into(), message: String::new(), headers }
    }

    /// What is answered.
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
    fn a_code_decides_and_a_blank_one_is_no_leave() {
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
