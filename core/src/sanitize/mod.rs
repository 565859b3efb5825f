//! Text that may be logged.
//!
//! This module decides what of a text reaches a log. It refuses to know where the log is.
//!
//! ```
//! use apptheory_core::sanitize::{Profile, log_string};
//!
//! assert_eq!(log_string("a\r\nb\u{1b}[31m", Profile::Default), "ab[31m");
//! assert_eq!(log_string("a\r\nb\u{1b}[31m", Profile::Reference), "ab\u{1b}[31m");
//! ```

use alloc::string::String;

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
