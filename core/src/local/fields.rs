//! Request headers for the server itself; names are in lower case.

use crate::http::MultiMap;

/// Returns the value of a header that occurs once.
pub(super) fn sole<'h>(headers: &'h MultiMap, name: &str) -> Option<&'h str> {
    headers.get_all(name).only()
}

/// Returns whether a header is a list that contains a token, in any case.
pub(super) fn lists(headers: &MultiMap, name: &str, token: &str) -> bool {
    tokens(headers, name).any(|listed| listed.eq_ignore_ascii_case(token))
}

/// Yields the tokens of a header that is a list (RFC 9110 §5.6.1).
pub(super) fn tokens<'h>(headers: &'h MultiMap, name: &str) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(name).iter();
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|token| !token.is_empty())
}
