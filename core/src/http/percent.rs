//! Percent-decoding, in the two readings that HTTP has: an escape that is none is an error, or it
//! is text.
//!
//! This module decides what an escape means. It refuses to know what is being decoded.
//!
//! ```
//! use apptheory_core::http::percent;
//!
//! assert_eq!(percent::decode("a%20b")?, "a b");
//! assert!(percent::decode("100%").is_err());
//! assert_eq!(percent::decode_lenient("100%+%41"), "100%+A");
//! # Ok::<(), percent::PercentError>(())
//! ```

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::utf8::decode_lossy;

/// A `%` without two hexadecimal digits. The text is not what any client encodes: answer 400.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("invalid percent-encoding")]
pub struct PercentError;

/// Decodes `%XX`; `+` stays. Bytes that are not UTF-8 read as U+FFFD.
///
/// # Errors
///
/// [`PercentError`] for a `%` without two hexadecimal digits.
pub fn decode(text: &str) -> Result<Cow<'_, str>, PercentError> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    bytes(text, OnBadEscape::Fail).map(|bytes| Cow::Owned(into_text(bytes)))
}

/// Decodes `%XX`, and `+` as a space, as in queries and forms. Bytes that are not UTF-8 read as
/// U+FFFD.
///
/// # Errors
///
/// [`PercentError`] for a `%` without two hexadecimal digits.
pub fn decode_form(text: &str) -> Result<Cow<'_, str>, PercentError> {
    if !text.contains('+') {
        return decode(text);
    }
    let spaced = text.replace('+', " ");
    decode(&spaced).map(|text| Cow::Owned(text.into_owned()))
}

/// Decodes `%XX`; `+` stays, and so does a `%` that starts no escape. Bytes that are not UTF-8 read
/// as U+FFFD.
#[must_use]
pub fn decode_lenient(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    match bytes(text, OnBadEscape::Keep) {
        Ok(bytes) => Cow::Owned(into_text(bytes)),
        // Kept escapes never fail.
        Err(PercentError) => Cow::Borrowed(text),
    }
}

#[derive(Clone, Copy)]
enum OnBadEscape {
    Fail,
    Keep,
}

fn bytes(text: &str, on_bad_escape: OnBadEscape) -> Result<Vec<u8>, PercentError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        match (after, on_bad_escape) {
            ([high, low, tail @ ..], _) if hex_byte(*high, *low).is_some() => {
                decoded.extend(hex_byte(*high, *low));
                rest = tail;
            }
            (_, OnBadEscape::Keep) => decoded.push(b'%'),
            (_, OnBadEscape::Fail) => return Err(PercentError),
        }
    }
    Ok(decoded)
}

fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)?.wrapping_shl(4) | digit(low)?)
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| decode_lossy(error.as_bytes()).to_string())
}

#[cfg(test)]
mod tests {
    use super::{decode, decode_form, decode_lenient};

    #[test]
    fn escapes_are_two_hexadecimal_digits() {
        assert_eq!(decode("%41%e9%C3%A9+").unwrap(), "A\u{fffd}é+");
        for bad in ["%", "%4", "%zz", "%+1", "a%4gb"] {
            assert!(decode(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_plus_is_a_space_in_forms_only() {
        assert_eq!(decode_form("a+b%2Bc").unwrap(), "a b+c");
        assert!(decode_form("+%").is_err());
        assert_eq!(decode_lenient("a+b"), "a+b");
    }

    #[test]
    fn lenient_decoding_keeps_each_bad_escape() {
        assert_eq!(decode_lenient("%zz%20%4%"), "%zz %4%");
        assert_eq!(decode_lenient("%%41"), "%A");
    }
}
