//! Masks texts, showing a few characters.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;

use super::fold::digit;
use super::scan::span;
use super::{Profile, REDACTED, log_text};

/// Returns the first and the last characters of a text with `***` between them, so that people can
/// recognize a value without seeing it: `1234***cdef`. An empty text becomes `(empty)`, and a text
/// that would be shown completely becomes `***masked***`.
///
/// ```
/// use apptheory_core::sanitize::mask_first_last;
///
/// assert_eq!(mask_first_last("1234567890abcdef", 4, 4), "1234***cdef");
/// assert_eq!(mask_first_last("12345678", 4, 4), "***masked***");
/// ```
#[must_use]
pub fn mask_first_last(text: &str, first: usize, last: usize) -> String {
    let chars: Vec<char> = log_text(text).chars().collect();
    if chars.is_empty() {
        return "(empty)".to_owned();
    }
    let Some(hidden) = chars.len().checked_sub(first.saturating_add(last)).filter(|n| *n > 0)
    else {
        return "***masked***".to_owned();
    };
    let shown = |skip: usize, take: usize| chars.iter().skip(skip).take(take);
    let mut masked: String = shown(0, first).collect();
    masked.push_str("***");
    masked.extend(shown(first.saturating_add(hidden), last));
    masked
}

/// Which characters of a value are shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Style {
    /// The first six digits and the last four.
    Card,
    /// The last four digits, or characters.
    Restricted,
}

impl Style {
    /// Returns a text with most of its digits as `*`. By default, at most ten of thirteen or four
    /// of nine digits are shown, and a text that is already masked stays unchanged.
    pub(super) fn mask(self, text: &str, profile: Profile) -> String {
        let text = text.trim();
        if profile == Profile::Default && self.is_masked(text) {
            return text.to_owned();
        }
        let (least_for_first, least_for_last) = match profile {
            Profile::Default => (13, 9),
            Profile::Reference => (11, 5),
        };
        let in_ascii = |c: char| char::from_digit(digit(c)?, 10);
        let digits: Vec<char> = text.chars().filter_map(in_ascii).collect();
        if digits.len() < 4 {
            return self.mask_letters(text, profile);
        }
        let first = if self == Self::Card && digits.len() >= least_for_first { 6 } else { 0 };
        let last = if digits.len() >= least_for_last { 4 } else { 0 };
        starred(&digits, first, last)
    }

    fn mask_letters(self, text: &str, profile: Profile) -> String {
        let (text, least) = match profile {
            Profile::Default => (&*log_text(text), 9),
            Profile::Reference => (text, 4),
        };
        let text = text.trim();
        let count = text.chars().count();
        if self == Self::Card || count < least {
            return REDACTED.to_owned();
        }
        let last = text.chars().skip(count.saturating_sub(4));
        "...".chars().chain(last).collect()
    }

    /// Returns whether a text shows no more than a mask does.
    fn is_masked(self, text: &str) -> bool {
        let is_digit = |c: char| c.is_ascii_digit();
        let (first, after) = span(text, is_digit);
        let (stars, last) = span(after, |c| c == '*');
        let shows_first = self == Self::Card && first.len() == 6 && stars.len() >= 3;
        let shows_last = last.len() == 4 && last.chars().all(is_digit) && stars.len() >= 5;
        let cut = text.strip_prefix("...").is_some_and(|last| last.chars().count() == 4);
        text == REDACTED
            || self == Self::Restricted && cut
            || first.is_empty() && !stars.is_empty() && (last.is_empty() || shows_last)
            || shows_first && last.len() == 4 && last.chars().all(is_digit)
    }
}

/// Returns characters with all but the first and last ones as `*`.
pub(super) fn starred(chars: &[char], first: usize, last: usize) -> String {
    let hidden = first..chars.len().saturating_sub(last);
    chars.iter().enumerate().map(|(at, c)| if hidden.contains(&at) { '*' } else { *c }).collect()
}

#[cfg(test)]
mod tests {
    use super::{Profile, Style, mask_first_last};

    #[test]
    fn the_first_and_the_last_are_shown() {
        for (text, first, last, expected) in [
            ("", 4, 4, "(empty)"),
            ("abcdef", 3, 3, "***masked***"),
            ("abcdef", 2, 2, "ab***ef"),
            ("abc", 0, 0, "***"),
            ("abc", 0, 2, "***bc"),
            ("äöüß", 1, 1, "ä***ß"),
            ("a", usize::MAX, 1, "***masked***"),
        ] {
            assert_eq!(mask_first_last(text, first, last), expected);
        }
    }

    #[test]
    fn by_default_a_mask_hides_most_and_stays() {
        for (style, text, expected) in [
            (Style::Card, "4111 1111 1111 1111", "411111******1111"),
            (Style::Card, "411111******1111", "411111******1111"),
            (Style::Card, "４１１１1111１１１１1111", "411111******1111"),
            (Style::Card, "12345678901", "*******8901"),
            (Style::Card, "12345", "*****"),
            (Style::Card, "4111111111111111*", "411111******1111"),
            (Style::Card, "abc", "[REDACTED]"),
            (Style::Restricted, "123-45-6789", "*****6789"),
            (Style::Restricted, "411111******1111", "******1111"),
            (Style::Restricted, "abcd", "[REDACTED]"),
            (Style::Restricted, "AKIAEXAMPLE\u{202e}", "...MPLE"),
            (Style::Restricted, "AKIAEXAMPLE \u{202e}", "...MPLE"),
            (Style::Restricted, "...MPLE", "...MPLE"),
        ] {
            let once = style.mask(text, Profile::Default);
            assert_eq!(once, expected, "{text}");
            assert_eq!(style.mask(&once, Profile::Default), expected, "{text}");
        }
    }
}
