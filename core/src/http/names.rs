//! The canonical form of methods and header names.

use alloc::borrow::Cow;
use alloc::string::String;

use super::cut::trim;

/// Returns a method trimmed and in upper case. Any token is a method.
#[inline]
#[must_use]
pub fn canonical_method(method: &str) -> Cow<'_, str> {
    let method = trim(method);
    if method.bytes().any(|b| b.is_ascii_lowercase()) {
        return Cow::Owned(method.to_ascii_uppercase());
    }
    Cow::Borrowed(method)
}

/// Returns whether a method is defined in RFC 9110 §9.3 or RFC 5789. Clients can invent any number
/// of other methods, which therefore share one name in stored keys and metrics.
pub(crate) fn is_standard_method(method: &str) -> bool {
    matches!(
        method,
        "GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "CONNECT" | "OPTIONS" | "TRACE" | "PATCH"
    )
}

/// Returns a header name trimmed and in lower case.
#[inline]
#[must_use]
pub fn canonical_name(name: &str) -> Cow<'_, str> {
    // Nearly all names are canonical already.
    if is_plain(name) { Cow::Borrowed(name) } else { lower_case_name(name) }
}

fn lower_case_name(name: &str) -> Cow<'_, str> {
    let name = trim(name);
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        return Cow::Owned(name.to_ascii_lowercase());
    }
    Cow::Borrowed(name)
}

/// Returns a text in canonical form, without copying it if it already has this form.
pub(super) fn respelled(text: String, spell: impl Fn(&str) -> Cow<'_, str>) -> String {
    let other = match spell(&text) {
        Cow::Borrowed(same) if same.len() == text.len() => None,
        Cow::Borrowed(part) => Some(part.into()),
        Cow::Owned(other) => Some(other),
    };
    other.unwrap_or(text)
}

/// Returns whether a header name is already canonical, as nearly all names from providers are.
pub(super) fn is_canonical_name(name: &str) -> bool {
    let canonical = canonical_name(name);
    !name.is_empty() && matches!(canonical, Cow::Borrowed(same) if same.len() == name.len())
}

/// Returns whether a name consists of lower-case letters, digits, dashes and underscores; it is
/// canonical then, and a token unless it is empty.
pub(super) fn is_plain(name: &str) -> bool {
    name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'-' | b'0'..=b'9' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::{canonical_method, canonical_name};

    #[test]
    fn methods_and_names_have_one_spelling() {
        assert_eq!(canonical_method(" get\t"), "GET");
        assert_eq!(canonical_method("GET"), "GET");
        assert_eq!(canonical_method(" "), "");
        assert_eq!(canonical_name(" X-Test "), "x-test");
        assert_eq!(canonical_name("x-test"), "x-test");
    }
}
