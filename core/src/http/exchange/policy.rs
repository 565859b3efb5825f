//! What a policy answers instead of letting a request through.

use alloc::string::String;

use crate::http::{AppError, Headers, code};

/// A policy's refusal, such as a rate limit's or that of shedding load. One with a blank code lets
/// the request through.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PolicyDecision {
    /// The error code, which decides the status.
    pub code: String,
    /// The message; the code's own when blank.
    pub message: String,
    /// Header fields of the answer. Its content type is JSON whatever they say.
    pub headers: Headers,
}

impl PolicyDecision {
    /// 429, with header fields such as `retry-after`.
    #[must_use]
    pub fn rate_limited(headers: Headers) -> Self {
        Self { code: code::RATE_LIMITED.into(), headers, ..Self::default() }
    }

    /// 503, with header fields such as `retry-after`.
    #[must_use]
    pub fn overloaded(headers: Headers) -> Self {
        Self { code: code::OVERLOADED.into(), headers, ..Self::default() }
    }

    /// What is answered; `None` lets the request through.
    pub(super) fn refusal(self) -> Option<AppError> {
        let code = self.code.trim();
        if code.is_empty() {
            return None;
        }
        let message = match (self.message.trim(), code) {
            ("", code::RATE_LIMITED) => "rate limited",
            ("", code::OVERLOADED) => "overloaded",
            ("", _) => "internal error",
            (message, _) => message,
        };
        let refusal = AppError::new(code, message);
        let fields = self.headers.iter();
        let fields = fields.flat_map(|(name, values)| values.iter().map(move |v| (name, v)));
        Some(fields.fold(refusal, |refusal, (name, value)| refusal.with_header(name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: &str, message: &str) -> Option<(u16, String, String)> {
        let decision =
            PolicyDecision { code: code.into(), message: message.into(), headers: Headers::new() };
        decision.refusal().map(|e| (e.status(), e.code().into(), e.message().into()))
    }

    #[test]
    fn a_code_decides_and_a_blank_one_lets_through() {
        assert_eq!(refusal(" ", "m"), None);
        for (code, message, expected) in [
            (" app.rate_limited ", " ", (429, "app.rate_limited", "rate limited")),
            ("app.overloaded", "", (503, "app.overloaded", "overloaded")),
            ("app.forbidden", "", (403, "app.forbidden", "internal error")),
            ("zzz", " busy ", (500, "zzz", "busy")),
        ] {
            let (status, code_shown, message_shown) = expected;
            let expected = (status, code_shown.into(), message_shown.into());
            assert_eq!(refusal(code, message), Some(expected));
        }
    }
}
