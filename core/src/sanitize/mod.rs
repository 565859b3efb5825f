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

mod hidden;

use alloc::borrow::Cow;
use alloc::string::String;

use self::hidden::is_hidden;
use crate::percent;

/// Which rules hold.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Profile {
    /// Nothing that can forge, hide or reorder a line of a log gets through: [`log_text`].
    #[default]
    Default,
    /// Only CR and LF are removed, as the portable cases have it.
    Reference,
}

/// Returns the text without what its profile keeps from logs.
#[must_use]
pub fn log_string(text: &str, profile: Profile) -> String {
    match profile {
        Profile::Reference => text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect(),
        Profile::Default => log_text(text).into_owned(),
    }
}

/// Returns the text without characters that break lines, reorder what a reader sees, or hide in it:
/// control characters, line and paragraph separators, format characters (bidirectional controls,
/// zero-width characters, tags), variation selectors, and others that displays ignore. A tab becomes
/// a space, so that the words around it stay apart. A text without any is not copied.
///
/// Emoji that are joined by such characters fall apart.
///
/// ```
/// use apptheory_core::sanitize::log_text;
///
/// assert_eq!(log_text("user=\u{202e}gnp.exe\u{202c}\tok\n"), "user=gnp.exe ok");
/// ```
#[must_use]
pub fn log_text(text: &str) -> Cow<'_, str> {
    let is_plain = |b: u8| matches!(b, b' '..=b'~');
    if text.bytes().all(is_plain) || !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().map(|c| if c == '\t' { ' ' } else { c });
    Cow::Owned(shown.filter(|c| !is_hidden(*c)).collect())
}

/// Returns the text as a value of a line `name=value name=value`, from which it can be read back:
/// `%`, `=`, white space and all that [`log_text`] removes are percent-encoded.
#[must_use]
pub fn log_safe_value(text: &str) -> String {
    let ends_value = |c: char| matches!(c, '%' | '=') || c.is_whitespace() || is_hidden(c);
    percent::encode_where(text, ends_value)
}

#[cfg(test)]
mod tests {
    use alloc::borrow::Cow;

    use super::{log_safe_value, log_text};

    #[test]
    fn what_ends_a_value_or_hides_in_it_is_encoded() {
        for (text, expected) in [
            ("100%", "100%25"),
            ("\u{a0}\u{85}\u{2028}\u{3000}\u{7f}", "%C2%A0%C2%85%E2%80%A8%E3%80%80%7F"),
            ("é\u{200b}\u{feff}\"", "é%E2%80%8B%EF%BB%BF\""),
            ("\u{202e}\u{e0041}", "%E2%80%AE%F3%A0%81%81"),
        ] {
            assert_eq!(log_safe_value(text), expected);
        }
    }

    #[test]
    fn what_shows_nothing_is_removed() {
        for (text, expected) in [
            ("user=\u{202e}gnp.exe\u{202c} ok", "user=gnp.exe ok"),
            ("x\u{2066}admin\u{2069}", "xadmin"),
            ("a\u{200b}b\u{feff}c\u{ad}d", "abcd"),
            ("\u{e0001}\u{e0041}tag\u{e007f}", "tag"),
            ("\u{2764}\u{fe0f}\u{e0100}", "\u{2764}"),
            ("a\tb\u{1b}[31m\r\n", "a b[31m"),
        ] {
            assert_eq!(log_text(text), expected);
        }
        for plain in ["", "a b", "é \u{a0}\u{3000}", "\u{5d0}\u{627}"] {
            assert!(matches!(log_text(plain), Cow::Borrowed(_)), "{plain}");
        }
    }
}
