//! HTTP headers with canonical names.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Serialize, Serializer};

use super::multimap::MultiMap;
use super::names::{canonical_name, is_canonical_name};
use super::sending::is_of_connection;
use super::values::Values;

/// HTTP headers. Names are trimmed and in lower case, both in the map and for look-ups; headers
/// with a blank name are ignored.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HeaderMap(MultiMap);

impl HeaderMap {
    /// Creates an empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self(MultiMap::new())
    }

    /// Converts a map with names in any case. If names differ only in case, their values are
    /// ordered by the bytes of the original names, upper case first.
    #[must_use]
    pub fn canonical(raw: MultiMap) -> Self {
        if raw.iter().all(|(name, _)| is_canonical_name(name)) {
            return Self(raw);
        }
        Self(raw.renamed(canonical_name))
    }

    /// Returns the first value of a header, if it has one.
    #[inline]
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&canonical_name(name))
    }

    /// Returns the first value of a header, or an empty text.
    #[inline]
    #[must_use]
    pub fn first(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Returns all values of a header; empty if it is missing.
    #[inline]
    #[must_use]
    pub fn get_all(&self, name: &str) -> Values<'_> {
        self.0.get_all(&canonical_name(name))
    }

    /// Returns whether the header exists, even with an empty list.
    #[inline]
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(&canonical_name(name))
    }

    /// Sets a header to exactly this value.
    pub fn set(&mut self, name: &str, value: impl AsRef<str>) {
        let name = canonical_name(name);
        if !name.is_empty() {
            self.0.set_one(&name, value.as_ref());
        }
    }

    /// Sets a header to exactly these values.
    pub fn set_all<V: AsRef<str>>(&mut self, name: &str, values: impl IntoIterator<Item = V>) {
        let name = canonical_name(name);
        if !name.is_empty() {
            self.0.set(name, values);
        }
    }

    /// Appends a value to those of a header.
    pub fn append(&mut self, name: &str, value: impl AsRef<str>) {
        let name = canonical_name(name);
        if !name.is_empty() {
            self.0.append(name, value);
        }
    }

    /// Removes a header, and returns its values.
    pub fn remove(&mut self, name: &str) -> Vec<String> {
        self.0.remove(&canonical_name(name))
    }

    /// Yields the headers, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Values<'_>)> {
        self.0.iter()
    }

    /// Yields the headers to send, sorted by name: those with a value, without connection headers
    /// (RFC 9110 §7.6.1) and without the length, which the server writes.
    pub fn sent(&self) -> impl Iterator<Item = (&str, Values<'_>)> {
        let named = self.get_all("connection");
        self.iter().filter(move |(name, values)| is_sent(name, *values, named))
    }

    /// Removes the headers that are not [sent](Self::sent).
    pub(crate) fn keep_sent(&mut self) {
        let named = self.get_all("connection");
        if let Some(sent) = self.0.retained(|name, values| is_sent(name, values, named)) {
            self.0 = sent;
        }
    }

    /// Returns the number of headers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no headers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether no name and no value contains a character that would end its line.
    #[must_use]
    pub fn are_clean(&self) -> bool {
        self.0.all(is_clean)
    }
}

/// Returns whether a header is sent; `named` are the values of `connection`.
fn is_sent(name: &str, values: Values<'_>, named: Values<'_>) -> bool {
    !values.is_empty() && !is_of_connection(name, named)
}

/// Returns whether a text is safe in a header: CR and LF would start another header, and NUL ends
/// the text for some readers.
pub(crate) fn is_clean(text: &str) -> bool {
    // Without an early exit the compiler compares many bytes at once.
    !text.bytes().fold(false, |found, b| found | matches!(b, b'\r' | b'\n' | b'\0'))
}

/// Collects names in any case; the values of a header are in the order of the pairs.
impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for HeaderMap {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut headers = MultiMap::new();
        for (name, value) in pairs {
            let name = canonical_name(name.as_ref());
            if !name.is_empty() {
                headers.push(&name, [value]);
            }
        }
        Self(headers.sorted())
    }
}

/// Serializes as an object of lists.
impl Serialize for HeaderMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::{HeaderMap, MultiMap};

    #[test]
    fn spellings_of_a_name_are_one_field() {
        let raw = [("x-trace", "low"), ("X-Trace", "up"), (" x-TRACE ", "spaced"), ("  ", "gone")];
        let raw: MultiMap = raw.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        let headers = HeaderMap::canonical(raw);
        assert_eq!(headers.get_all("X-Trace"), ["spaced", "up", "low"]);
        assert_eq!(headers.len(), 1);
    }

    #[test]
    fn setting_replaces_and_appending_adds() {
        let mut headers: HeaderMap = [("A", "1"), ("b", "2"), ("a", "3")].into_iter().collect();
        headers.append(" B", "4");
        headers.set("A ", "5");
        headers.set(" ", "6");
        let all: Vec<_> = headers.iter().map(|(name, values)| (name, values.join("|"))).collect();
        assert_eq!(all, [("a", "5".to_string()), ("b", "2|4".to_string())]);
        assert!(headers.remove("B").len() == 2 && !headers.contains("b"));
        assert_eq!(headers.first("b"), "");
    }
}
