//! The canonical form of methods and header names.

use alloc::borrow::Cow;
use alloc::string::String;

use crate::ascii::trim;
use crate::json::{each, has_none};

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
    if keeps_its_spelling(name) { Cow::Borrowed(name) } else { lower_case_name(name) }
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

/// Returns whether nothing of a name is to be trimmed or to become lower case.
#[inline]
fn keeps_its_spelling(name: &str) -> bool {
    trim(name).len() == name.len() && has_none(name, upper_case_letters, |b| b.is_ascii_uppercase())
}

/// Finds capital letters among eight bytes: the result has the high bit of each set.
const fn upper_case_letters(eight: [u8; 8]) -> u64 {
    let bytes = u64::from_le_bytes(eight);
    // Without their high bits, bytes do not carry into the next ones.
    let low = bytes & each(0x7f);
    let from_a = low.wrapping_add(each(0x80 - b'A'));
    let after_z = low.wrapping_add(each(0x80 - b'Z' - 1));
    from_a & !after_z & !bytes & each(0x80)
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::{canonical_method, canonical_name};

    #[test]
    fn capital_letters_are_found_wherever_they_are() {
        for filler in ["a", "@", "[", "\u{c1}"] {
            for (before, after) in
                (0..20).flat_map(|before| (0..20).map(move |after| (before, after)))
            {
                for other in ["", "A", "M", "Z", "@", "[", "\u{e9}"] {
                    let name = format!("{}{other}{}", filler.repeat(before), filler.repeat(after));
                    assert_eq!(canonical_name(&name), name.to_ascii_lowercase(), "{name}");
                }
            }
        }
    }

    #[test]
    fn methods_and_names_have_one_spelling() {
        assert_eq!(canonical_method(" get\t"), "GET");
        assert_eq!(canonical_method("GET"), "GET");
        assert_eq!(canonical_method(" "), "");
        assert_eq!(canonical_name(" X-Test "), "x-test");
        assert_eq!(canonical_name("x-test"), "x-test");
    }
}
