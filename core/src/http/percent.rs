//! Percent-encoding, and decoding in the two readings that HTTP has: an escape that is none is an
//! error, or it is text.
//!
//! This module decides what an escape means. It refuses to know what is being decoded.
//!
//! ```
//! use apptheory_core::http::percent;
//!
//! assert_eq!(percent::decode("a%20b")?, "a b");
//! assert!(percent::decode("100%").is_err());
//! assert_eq!(percent::decode_lenient("100%+%41"), "100%+A");
//! assert_eq!(percent::encode("a/b c"), "a%2Fb%20c");
//! # Ok::<(), percent::PercentError>(())
//! ```

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;

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

/// Encodes all but letters, digits, `-`, `.`, `_` and `~` (RFC 3986 §2.3): the text can stand
/// anywhere in a URL, as one segment of a path for example.
#[must_use]
pub fn encode(text: &str) -> String {
    encode_where(text, |c| !u8::try_from(c).is_ok_and(is_unreserved))
}

/// Whether a byte is an unreserved character (RFC 3986 §2.3), which no normal form escapes.
pub(super) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Encodes the characters that `is_encoded` picks, as the bytes of their UTF-8.
pub(crate) fn encode_where(text: &str, is_encoded: impl Fn(char) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        if !is_encoded(c) {
            encoded.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            push_escape(&mut encoded, byte);
        }
    }
    encoded
}

/// Adds the escape of a byte.
pub(super) fn push_escape(text: &mut String, byte: u8) {
    // Writing to a `String` cannot fail.
    let _ = write!(text, "%{byte:02X}");
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

/// The byte that two hexadecimal digits stand for.
pub(super) fn hex_byte(high: u8, low: u8) -> Option<u8> {
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
