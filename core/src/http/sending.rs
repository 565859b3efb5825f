//! Checks of response heads: the only place that decides what may be sent.

use alloc::string::String;

use super::headers::HeaderMap;
use super::response::ResponseError;
use super::values::Values;
use crate::ascii;

/// Checks a head whose cookies are separate from its headers.
pub(crate) fn check_head(
    status: u16,
    headers: &HeaderMap,
    cookies: &[String],
) -> Result<(), ResponseError> {
    if !is_final_status(status) {
        return Err(ResponseError::InvalidStatus(status));
    }
    for (name, values) in headers.iter() {
        if !is_token(name) || !values.iter().all(is_field_value) {
            return Err(ResponseError::InvalidHeader { name: name.into() });
        }
    }
    if !cookies.iter().all(|cookie| is_field_value(cookie)) {
        return Err(ResponseError::InvalidHeader { name: "set-cookie".into() });
    }
    Ok(())
}

/// Returns whether a status is final; those below 200 only precede a response (RFC 9110 §15.2).
pub(crate) const fn is_final_status(status: u16) -> bool {
    matches!(status, 200..=599)
}

/// Returns whether responses with a status have no content (RFC 9110 §15.3.5, §15.3.6 and §15.4.5).
pub(crate) const fn has_no_content(status: u16) -> bool {
    matches!(status, 204 | 205 | 304)
}

/// Returns whether a header concerns a single connection (RFC 9110 §7.6.1), or is the length, which
/// the server writes. `named` are the values of the `connection` header.
pub(super) fn is_of_connection(name: &str, named: Values<'_>) -> bool {
    let lists = |value: &str| value.split(',').any(|at| at.trim().eq_ignore_ascii_case(name));
    matches!(
        name,
        "connection"
            | "content-length"
            | "keep-alive"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    ) || named.iter().any(lists)
}

/// Returns whether a text is a token, like methods and header names (RFC 9110 §5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    // Nearly all are header names in lower case, which takes half as long to see.
    let is_plain = |b| matches!(b, b'a'..=b'z' | b'-' | b'0'..=b'9' | b'_');
    let is_of_token = |b: u8| b.is_ascii_alphanumeric() || is_token_mark(b);
    !text.is_empty() && (text.bytes().all(is_plain) || text.bytes().all(is_of_token))
}

const fn is_token_mark(b: u8) -> bool {
    matches!(b, b'!' | b'#'..=b'\'' | b'*'..=b'+' | b'-'..=b'.' | b'^'..=b'`' | b'|' | b'~')
}

/// Returns whether a text is a valid header value: tabs, spaces and visible ASCII (RFC 9110 §5.5
/// without its obsolete parts).
pub(crate) fn is_field_value(text: &str) -> bool {
    ascii::all(text, |b| matches!(b, b'\t' | b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tokens_and_values_are_visible() {
        for name in ["x-a", "etag", "a_b.c!", "7"] {
            assert!(is_token(name), "{name:?}");
        }
        for name in ["", "x bad", "x:", "a\tb", "é", "a\r\nb", "(x)", "a,b", "\u{7f}"] {
            assert!(!is_token(name), "{name:?}");
        }
        for (value, is_value) in [
            ("", true),
            (" a\tb ~", true),
            ("\"é\"", false),
            ("a\r\nb", false),
            ("a\0", false),
            ("\u{7f}", false),
            ("\u{1b}[31m", false),
        ] {
            assert_eq!(is_field_value(value), is_value, "{value:?}");
        }
    }
}
