//! Header fields under their canonical names.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Serialize, Serializer};

use super::multimap::MultiMap;
use super::names::{canonical_name, is_canonical_name, respelled};
use super::sending::is_of_connection;

/// Header fields. Names are trimmed and in lower case, whatever spelling they are given or asked
/// for in; a blank name is no field.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HeaderMap(MultiMap);

impl HeaderMap {
    /// No header fields.
    #[must_use]
    pub const fn new() -> Self {
        Self(MultiMap::new())
    }

    /// The fields of a map with names in any spelling. The values of names that differ in spelling
    /// come in the order of the spellings' bytes, upper case first.
    #[must_use]
    pub fn canonical(raw: MultiMap) -> Self {
        if raw.iter().all(|(name, _)| is_canonical_name(name)) {
            return Self(raw);
        }
        Self(raw.renamed(|name| respelled(name, canonical_name)))
    }

    /// The first value of a field, if it has one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&canonical_name(name))
    }

    /// The first value of a field, or an empty text.
    #[must_use]
    pub fn first(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// All values of a field; none when it is not there.
    #[must_use]
    pub fn get_all(&self, name: &str) -> &[String] {
        self.0.get_all(&canonical_name(name))
    }

    /// Whether the field is there, be it with an empty list.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(&canonical_name(name))
    }

    /// Gives a field exactly this value.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let name = canonical_name(name);
        if !name.is_empty() {
            self.0.set_one(name, value.into());
        }
    }

    /// Gives a field exactly these values.
    pub fn set_all(&mut self, name: &str, values: Vec<String>) {
        let name = canonical_name(name);
        if !name.is_empty() {
            self.0.set(name, values);
        }
    }

    /// Adds a value after those that the field has.
    pub fn append(&mut self, name: &str, value: impl Into<String>) {
        let name = canonical_name(name);
        if !name.is_empty() {
            self.0.append(name, value);
        }
    }

    /// Takes a field out, and returns its values.
    pub fn remove(&mut self, name: &str) -> Vec<String> {
        self.0.remove(&canonical_name(name))
    }

    /// The fields, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter()
    }

    /// Returns the fields that are for clients, sorted by name: those with a value, without those
    /// of one connection (RFC 9110 §7.6.1) and without the length, which the server that frames the
    /// body writes.
    pub fn sent(&self) -> impl Iterator<Item = (&str, &[String])> {
        let named = self.get_all("connection");
        self.iter().filter(|(name, values)| !values.is_empty() && !is_of_connection(name, named))
    }

    /// Takes out what is not [sent](Self::sent).
    pub(crate) fn keep_sent(&mut self) {
        let named = self.get_all("connection").to_vec();
        self.0.retain(|name, values| !values.is_empty() && !is_of_connection(name, &named));
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether no name and no value holds a character that would end its line.
    #[must_use]
    pub fn are_clean(&self) -> bool {
        self.iter().all(|(name, values)| is_clean(name) && values.iter().all(|v| is_clean(v)))
    }
}

/// Whether a text can stand in a header field: CR and LF would start another one, and NUL ends
/// the text for some readers.
pub(crate) fn is_clean(text: &str) -> bool {
    // Without an early end, many bytes are looked at together.
    !text.bytes().fold(false, |found, b| found | matches!(b, b'\r' | b'\n' | b'\0'))
}

/// Names in any spelling; the values of one field come in the order of the pairs.
impl<N: AsRef<str>, V: Into<String>> FromIterator<(N, V)> for HeaderMap {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        let pairs = pairs.map(|(name, value)| (canonical_name(name.as_ref()).into(), value.into()));
        Self(pairs.filter(|(name, _): &(String, String)| !name.is_empty()).collect())
    }
}

/// An object of lists.
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
