//! Text that may be logged.
//!
//! This module decides what of a text reaches a log. It refuses to know where the log is.
//!
//! ```
//! use apptheory_core::sanitize::{Profile, log_safe_value, log_string};
//!
//! assert_eq!(log_string("a\r\nb\u{1b}[31m", Profile::Default), "ab[31m");
//! assert_eq!(log_string("a\r\nb\u{1b}[31m", Profile::Reference), "ab\u{1b}[31m");
//! assert_eq!(log_safe_value("a b=\n"), "a%20b%3D%0A");
//! ```

use alloc::string::String;

use crate::http::percent;

/// Which rules hold.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Profile {
    /// Nothing that can forge or hide a line of a log gets through (`support.md` §2.11 S10).
    #[default]
    Default,
    /// Exactly `support.md` §2.3: only CR and LF are removed.
    Reference,
}

/// The text without line breaks.
///
/// By default also without control characters and the separators U+2028 and U+2029; a tab becomes
/// a space, so that the words around it stay apart.
#[must_use]
pub fn log_string(text: &str, profile: Profile) -> String {
    match profile {
        Profile::Reference => text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect(),
        Profile::Default => text
            .chars()
            .map(|c| if c == '\t' { ' ' } else { c })
            .filter(|c| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}'))
            .collect(),
    }
}

/// The text as a value of a line `name=value name=value`, from which it can be read back: `%`, `=`,
/// white space and control characters are percent-encoded (`support.md` §4).
#[must_use]
pub fn log_safe_value(text: &str) -> String {
    let ends_value = |c: char| matches!(c, '%' | '=') || c.is_whitespace() || c.is_control();
    percent::encode_where(text, ends_value)
}

#[cfg(test)]
mod tests {
    use super::log_safe_value;

    #[test]
    fn what_ends_a_value_is_encoded() {
        for (text, expected) in [
            ("100%", "100%25"),
            ("\u{a0}\u{85}\u{2028}\u{3000}\u{7f}", "%C2%A0%C2%85%E2%80%A8%E3%80%80%7F"),
            ("é\u{200b}\u{feff}\"", "é\u{200b}\u{feff}\""),
        ] {
            assert_eq!(log_safe_value(text), expected);
        }
    }
}
