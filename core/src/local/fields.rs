//! Header fields of requests, as a server itself reads them: names are in lower case.

use crate::http::MultiMap;

/// The value of a field that is there once.
pub(super) fn sole<'h>(headers: &'h MultiMap, name: &str) -> Option<&'h str> {
    headers.get_all(name).only()
}

/// Whether a field is a list with a token in it, in any case.
pub(super) fn lists(headers: &MultiMap, name: &str, token: &str) -> bool {
    tokens(headers, name).any(|listed| listed.eq_ignore_ascii_case(token))
}

/// The tokens of a field that is a list of them (RFC 9110 §5.6.1).
pub(super) fn tokens<'h>(headers: &'h MultiMap, name: &str) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(name).iter();
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|token| !token.is_empty())
}
