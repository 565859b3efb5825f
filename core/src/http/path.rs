//! The normal form of paths.

use alloc::string::String;
use core::fmt;
use core::ops::Deref;

use serde::{Serialize, Serializer};

use crate::percent::{is_unreserved, next, push_escape};

/// The path of a URI in the normal form of RFC 3986 §6.2.2: equal paths have equal texts, for all
/// providers. Use it to compare, route, count and sign.
///
/// It starts with `/` and consists of slashes and `pchar`s (RFC 3986 §3.3). Escapes have upper-case
/// digits, and never stand for an unreserved character. It can only be created by
/// [`from_encoded`](Self::from_encoded) and [`from_decoded`](Self::from_decoded).
///
/// Nothing is trimmed, cut or resolved. `/a/` differs from `/a`, `//` from `/`, `/a%2Fb` from
/// `/a/b`, and `.` and `..` are ordinary segments. A path that a rule in front of the application
/// has let through therefore never becomes another path behind it. Decode single segments, once,
/// after splitting the path.
///
/// ```
/// use apptheory_core::http::UriPath;
///
/// let path = UriPath::from_encoded("/caf%c3%a9/%7Euser/100%");
/// assert_eq!(path.as_str(), "/caf%C3%A9/~user/100%25");
/// assert_eq!(UriPath::from_decoded("/café/~user/100%"), path);
/// ```
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UriPath(String);

impl UriPath {
    /// Returns the root, `/`.
    #[must_use]
    pub fn root() -> Self {
        Self(String::from("/"))
    }

    /// Normalizes a path in the form in which it is sent, percent-encoded. Use it for request
    /// lines, and for events of providers that pass paths on unchanged.
    ///
    /// Accepts every text: a `%` without two hexadecimal digits becomes `%25`, characters that are
    /// not allowed in paths (including `?` and `#`) are encoded, and a missing first `/` is added.
    #[must_use]
    pub fn from_encoded(text: &str) -> Self {
        if is_normal(text) {
            return Self(text.into());
        }
        let mut path = rooted(text);
        push_encoded(&mut path, text);
        Self(path)
    }

    /// Normalizes a path that is already decoded. Use it for events of providers that decode paths;
    /// a `%` is a literal percent sign.
    #[must_use]
    pub fn from_decoded(text: &str) -> Self {
        if is_normal(text) {
            return Self(text.into());
        }
        let mut path = rooted(text);
        for byte in text.bytes() {
            push(&mut path, byte, is_path_character(byte));
        }
        Self(path)
    }

    /// Returns the path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the path without its first segment, if that equals `segment` in normal form.
    #[must_use]
    pub(crate) fn without_first(self, segment: &str) -> Self {
        let below = self.0.strip_prefix('/').and_then(|path| path.strip_prefix(segment));
        match below {
            Some("") => Self::root(),
            Some(below) if below.starts_with('/') => Self(below.into()),
            Some(_) | None => self,
        }
    }

    /// Returns the path without slashes at the end; at least the root.
    #[must_use]
    pub(crate) fn without_trailing_slashes(mut self) -> Self {
        let end = self.0.trim_end_matches('/').len();
        self.0.truncate(end.max(1));
        self
    }
}

/// Returns whether a path without escapes is in normal form, as most paths are.
fn is_normal(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(is_path_character)
}

/// Returns `/`, with capacity for a text that needs few escapes.
fn rooted(text: &str) -> String {
    let mut path = String::with_capacity(text.len().saturating_add(1));
    if !text.starts_with('/') {
        path.push('/');
    }
    path
}

/// Appends an encoded text in normal form.
fn push_encoded(path: &mut String, text: &str) {
    let mut rest = text.as_bytes();
    while let Some((byte, escaped, after)) = next(rest) {
        push(path, byte, if escaped { is_unreserved(byte) } else { is_path_character(byte) });
        rest = after;
    }
}

/// Returns a path segment in normal form, as [`UriPath::from_encoded`] does.
pub(super) fn normal_segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    push_encoded(&mut segment, text);
    segment
}

fn push(path: &mut String, byte: u8, as_it_is: bool) {
    if as_it_is {
        path.push(char::from(byte));
    } else {
        push_escape(path, byte);
    }
}

/// Returns whether a character is allowed in a path without escaping: a `/` or a `pchar`.
const fn is_path_character(byte: u8) -> bool {
    is_unreserved(byte) || matches!(byte, b'/' | b':' | b'@') || is_sub_delimiter(byte)
}

const fn is_sub_delimiter(byte: u8) -> bool {
    matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=')
}

impl Default for UriPath {
    /// Returns the root.
    fn default() -> Self {
        Self::root()
    }
}

impl Deref for UriPath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for UriPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for UriPath {
    fn eq(&self, text: &str) -> bool {
        self.0 == text
    }
}

impl PartialEq<&str> for UriPath {
    fn eq(&self, text: &&str) -> bool {
        self.0 == *text
    }
}

impl fmt::Display for UriPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UriPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for UriPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::UriPath;

    #[test]
    fn encoded_paths_have_one_normal_form() {
        for (text, path) in [
            ("", "/"),
            ("/", "/"),
            ("a/b", "/a/b"),
            ("//a//", "//a//"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/café", "/caf%C3%A9"),
            ("/%61%2d%2E%5f%7e", "/a-._~"),
            ("/a%2fb", "/a%2Fb"),
            ("/%2e%2e/x/./..", "/../x/./.."),
            ("/100%", "/100%25"),
            ("/100%25", "/100%25"),
            ("/%%34", "/%254"),
            ("/%zz%4", "/%25zz%254"),
            ("/a?b#c", "/a%3Fb%23c"),
            (" /a\u{a0}\n", "/%20/a%C2%A0%0A"),
            ("/!$&'()*+,;=:@", "/!$&'()*+,;=:@"),
            ("/%21%2B%40", "/%21%2B%40"),
            ("/\"<>[]\\^`{|}", "/%22%3C%3E%5B%5D%5C%5E%60%7B%7C%7D"),
        ] {
            let read = UriPath::from_encoded(text);
            assert_eq!(read, path, "{text:?}");
            assert_eq!(UriPath::from_encoded(&read), read);
        }
    }

    #[test]
    fn a_percent_sign_of_a_decoded_path_is_text() {
        for (text, path) in [
            ("", "/"),
            ("/pets/100%", "/pets/100%25"),
            ("/pets/a%20b", "/pets/a%2520b"),
            ("/pets/a b?#", "/pets/a%20b%3F%23"),
            ("/café/~x", "/caf%C3%A9/~x"),
            ("/../x", "/../x"),
        ] {
            let read = UriPath::from_decoded(text);
            assert_eq!(read, path, "{text:?}");
            assert_eq!(UriPath::from_encoded(&read), read);
        }
    }

    #[test]
    fn prefixes_and_slashes_go_as_a_whole() {
        let without = |text: &str| UriPath::from_encoded(text).without_first("dev");
        assert_eq!(without("/dev/x"), "/x");
        assert_eq!(without("/dev//x"), "//x");
        assert_eq!(without("/dev"), "/");
        assert_eq!(without("/dev/"), "/");
        assert_eq!(without("/devil/x"), "/devil/x");
        assert_eq!(without("/x/dev"), "/x/dev");
        let bare = |text: &str| UriPath::from_encoded(text).without_trailing_slashes();
        assert_eq!(bare("/mcp//"), "/mcp");
        assert_eq!(bare("//"), "/");
        assert_eq!(bare("/a%2F"), "/a%2F");
    }
}
