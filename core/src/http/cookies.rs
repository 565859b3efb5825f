//! The cookies that a request brings.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use core::{fmt, slice};

use serde::{Serialize, Serializer};

use super::cut::{cut, pieces, trim};

/// The cookies of a request by name.
///
/// Pieces without `=` or without a name are skipped. Of equal names the last one wins, whichever
/// path or domain it was set for: a request does not say. Values are neither unquoted nor decoded.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Cookies {
    by_name: BTreeMap<String, String>,
    /// All of the field's values in one. There only when there are several.
    joined: Option<String>,
}

impl Cookies {
    /// Reads the values of `cookie` fields, in their order.
    #[must_use]
    pub fn parse(values: &[String]) -> Self {
        let pieces = values.iter().flat_map(|value| pieces(value, b';'));
        let pairs = pieces.map(|piece| cut(piece, b'='));
        let pairs = pairs.filter_map(|(name, value)| Some((trim(name), trim(value?))));
        let pairs = pairs.filter(|(name, _)| !name.is_empty());
        let mut by_name = BTreeMap::new();
        by_name.extend(pairs.map(|(name, value)| (name.to_string(), value.to_string())));
        // RFC 9113 §8.2.3.
        let joined = (values.len() > 1).then(|| values.join("; "));
        Self { by_name, joined }
    }

    /// Returns the value of a cookie. Names are told apart by case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.by_name.get(name).map(String::as_str)
    }

    /// Returns the cookies, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_name.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns how many cookies there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Returns whether there are no cookies.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The several values of the `cookie` field as one.
    pub(super) fn joined(&self) -> Option<&[String]> {
        self.joined.as_ref().map(slice::from_ref)
    }
}

/// Cookies hold sessions: their values are not printed.
impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

/// An object of texts.
impl Serialize for Cookies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    use super::Cookies;

    fn parse(values: &[&str]) -> Cookies {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        Cookies::parse(&values)
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
