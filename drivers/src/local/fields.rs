//! Header fields of requests, as the server itself reads them.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The value of a field that is there once.
pub(super) fn sole(headers: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).into_iter();
    values.next().filter(|_| values.next().is_none())
}

/// Whether a field is a list with a token in it, in any case.
pub(super) fn lists(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|listed| listed.eq_ignore_ascii_case(token))
}

/// The tokens of a field that is a list of them (RFC 9110 §5.6.1).
pub(super) fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|token| !token.is_empty())
}
