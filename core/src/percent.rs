//! Percent-encoding and decoding. Decoding never fails: a `%` without two hexadecimal digits is
//! ordinary text.
//!
//! ```
//! use apptheory_core::percent;
//!
//! assert_eq!(percent::decode("a%20b"), "a b");
//! assert_eq!(percent::decode("100%+%41"), "100%+A");
//! assert_eq!(percent::decode_form("100%+%41"), "100% A");
//! assert_eq!(percent::encode("a/b c"), "a%2Fb%20c");
//! ```

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

/// Decodes `%XX` once. A `%` that starts no valid escape stays, and so does `+`. Use it for path
/// segments. Invalid UTF-8 becomes U+FFFD.
#[must_use]
pub fn decode(text: &str) -> Cow<'_, str> {
    if text.contains('%') { Cow::Owned(decoded(text, b'+')) } else { Cow::Borrowed(text) }
}

/// Decodes `%XX` once, and `+` as a space, as in queries and forms (WHATWG URL Standard §5.1). A
/// `%` that starts no valid escape stays. Invalid UTF-8 becomes U+FFFD.
#[must_use]
pub fn decode_form(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| matches!(b, b'%' | b'+')) {
        return Cow::Owned(decoded(text, b' '));
    }
    Cow::Borrowed(text)
}

/// Encodes everything except ASCII letters, digits, `-`, `.`, `_` and `~` (RFC 3986 §2.3). The
/// result can stand anywhere in a URL, for example as a path segment.
#[must_use]
pub fn encode(text: &str) -> String {
    encode_where(text, |c| !u8::try_from(c).is_ok_and(is_unreserved))
}

/// Returns whether a byte is an unreserved character (RFC 3986 §2.3), which is never escaped in
/// normalized URLs.
pub(super) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Encodes the characters that `is_encoded` accepts, as the bytes of their UTF-8.
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

/// Appends the escape of a byte.
pub(super) fn push_escape(text: &mut String, byte: u8) {
    // Writing to a `String` cannot fail.
    let _ = write!(text, "%{byte:02X}");
}

fn decoded(text: &str, plus: u8) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, escaped, after)) = next(rest) {
        bytes.push(if byte == b'+' && !escaped { plus } else { byte });
        rest = after;
    }
    match String::from_utf8(bytes) {
        Ok(text) => text,
        // A truncated sequence becomes a single U+FFFD, as in browsers.
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

/// Splits the first byte off a text. Returns the byte, whether it was escaped, and the rest. A `%`
/// that starts no valid escape is an ordinary byte.
pub(super) fn next(text: &[u8]) -> Option<(u8, bool, &[u8])> {
    let (first, rest) = text.split_first()?;
    if *first == b'%'
        && let [high, low, after @ ..] = rest
        && let Some(byte) = hex_byte(*high, *low)
    {
        return Some((byte, true, after));
    }
    Some((*first, false, rest))
}

/// Returns the byte that two hexadecimal digits denote.
fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)?.wrapping_shl(4) | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::{decode, decode_form, encode};

    #[test]
    fn escapes_are_two_hexadecimal_digits() {
        assert_eq!(decode("%41%e9%C3%A9+"), "A\u{fffd}é+");
        assert_eq!(decode("%zz%20%4%"), "%zz %4%");
        assert_eq!(decode("%%41%+1"), "%A%+1");
        assert_eq!(decode("%2541"), "%41");
    }

    #[test]
    fn a_plus_is_a_blank_in_forms_only() {
        assert_eq!(decode_form("a+b%2Bc%"), "a b+c%");
        assert_eq!(decode("a+b"), "a+b");
    }

    #[test]
    fn a_truncated_character_is_one_replacement() {
        assert_eq!(decode("a%E2%82b%F0%9F%98"), "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        for text in ["", "a-._~Z9", "a/b c+%41é\0"] {
            assert_eq!(decode(&encode(text)), text);
        }
    }
}
