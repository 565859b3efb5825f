//! The cookies of a request.

use alloc::string::String;
use core::{fmt, iter};

use serde::{Serialize, Serializer};

use super::cut::{cut, pieces};
use super::multimap::MultiMap;
use super::values::Values;
use crate::ascii::trim;

/// The cookies of a request by name.
///
/// Pieces without `=` or without a name are skipped. Of several cookies with one name the last
/// wins, because requests do not contain a cookie's path or domain. Values are neither unquoted nor
/// decoded.
#[derive(Clone, Default)]
pub struct Cookies {
    /// All cookies, including duplicates.
    all: MultiMap,
    /// All of the header's values joined; only set if there are several.
    joined: Option<String>,
}

impl Cookies {
    /// Parses the values of `cookie` headers, in order.
    #[must_use]
    pub fn parse<V: AsRef<str>>(values: impl IntoIterator<Item = V>) -> Self {
        let mut values = values.into_iter();
        let Some(first) = values.next() else { return Self::default() };
        // Nearly always one header, which is read in place.
        let Some(second) = values.next() else {
            return Self { all: parse(first.as_ref()), joined: None };
        };
        // Room for most cookies, because a text is copied when it grows.
        let mut text = String::with_capacity(256);
        text.push_str(first.as_ref());
        for value in iter::once(second).chain(values) {
            // The separator of RFC 9113 §8.2.3.
            text.push_str("; ");
            text.push_str(value.as_ref());
        }
        Self { all: parse(&text), joined: Some(text) }
    }

    /// Returns the value of a cookie. Names are case-sensitive.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all.get_all(name).iter().next_back()
    }

    /// Returns the cookies, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all.iter().filter_map(|(name, values)| Some((name, values.iter().next_back()?)))
    }

    /// Returns the number of cookies.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Returns whether there are no cookies.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Returns the joined values of the `cookie` header.
    pub(super) fn joined(&self) -> Option<Values<'_>> {
        self.joined.as_deref().map(Values::one)
    }
}

/// Parses the value of a `cookie` header.
fn parse(text: &str) -> MultiMap {
    let pairs = pieces(text, b';').map(|piece| cut(piece, b'='));
    let pairs = pairs.filter_map(|(name, value)| Some((trim(name), trim(value?))));
    let pairs = pairs.filter(|(name, _)| !name.is_empty());
    MultiMap::of_pairs(pairs, text.len())
}

/// Equal if the cookies and the joined headers are equal.
impl PartialEq for Cookies {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter()) && self.joined == other.joined
    }
}

impl Eq for Cookies {}

/// Does not print values, because cookies contain sessions.
impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// Serializes as an object of strings.
impl Serialize for Cookies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::Cookies;

    fn parse(values: &[&str]) -> Cookies {
        Cookies::parse(values)
    }

    #[test]
    fn cookies_are_pairs_and_the_last_wins() {
        for (values, expected) in [
            (&["a=1; b=two", "b=three"][..], r#"{"a":"1","b":"three"}"#),
            (&["a", "=v", ""], "{}"),
            (&["a="], r#"{"a":""}"#),
            (&[" a = b c "], r#"{"a":"b c"}"#),
            (&["a=b=c;A=d"], r#"{"A":"d","a":"b=c"}"#),
            (&["a=\"q;z\""], r#"{"a":"\"q"}"#),
            (&[";;__proto__=1;;"], r#"{"__proto__":"1"}"#),
        ] {
            assert_eq!(serde_json::to_string(&parse(values)).unwrap(), expected, "{values:?}");
        }
    }

    #[test]
    fn several_fields_are_one() {
        assert_eq!(parse(&["a=1", "b=2; c=3"]).joined().unwrap(), ["a=1; b=2; c=3"]);
        assert_eq!(parse(&["a=1"]).joined(), None);
        assert_eq!(parse(&[]).joined(), None);
    }

    #[test]
    fn values_are_not_printed() {
        assert_eq!(format!("{:?}", parse(&["session=secret"])), r#"{"session"}"#);
    }
}
