//! Query strings, parsed as on the web.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::cut::{cut, pieces};
use super::multimap::MultiMap;
use crate::percent::{decode_form, push_escape};

/// The query of a request: its parameters, and its original text.
///
/// Create it from text with [`parse`](Self::parse), or from parameters with [`From`].
///
/// ```
/// use apptheory_core::http::QueryString;
///
/// let query = QueryString::parse("q=a+b&discount=100%&tag=x;y");
/// assert_eq!(query.parameters().get("q"), Some("a b"));
/// assert_eq!(query.parameters().get("discount"), Some("100%"));
/// assert_eq!(query.parameters().get("tag"), Some("x;y"));
/// assert_eq!(query.raw(), "q=a+b&discount=100%&tag=x;y");
///
/// let rebuilt = QueryString::from(query.parameters().clone());
/// assert_eq!(rebuilt.raw(), "discount=100%25&q=a+b&tag=x%3By");
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
pub struct QueryString {
    parameters: MultiMap,
    raw: String,
}

impl QueryString {
    /// Parses a query string, without the leading `?`, as `application/x-www-form-urlencoded`
    /// (WHATWG URL Standard §5.1): pairs separated by `&`, in which `+` decodes to a space and
    /// `%XX` to a byte.
    ///
    /// Accepts every text: a `%` that starts no valid escape, and `;`, are literal; invalid UTF-8
    /// becomes U+FFFD; a name without `=` has an empty value; empty pieces are skipped.
    #[must_use]
    pub fn parse(raw: impl Into<String>) -> Self {
        let raw = raw.into();
        Self { parameters: parse(&raw), raw }
    }

    /// Creates a query from parameters that are already parsed, and their text.
    pub(crate) const fn new(parameters: MultiMap, raw: String) -> Self {
        Self { parameters, raw }
    }

    /// Returns the decoded parameters.
    #[must_use]
    pub const fn parameters(&self) -> &MultiMap {
        &self.parameters
    }

    /// Returns the query string, without the leading `?`.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    pub(super) fn into_parts(self) -> (MultiMap, String) {
        (self.parameters, self.raw)
    }
}

/// Parses the parameters of a query string.
pub(crate) fn parse(raw: &str) -> MultiMap {
    let pairs = pieces(raw, b'&').filter(|piece| !piece.is_empty()).map(|piece| {
        let (name, value) = cut(piece, b'=');
        (decode_form(name), decode_form(value.unwrap_or_default()))
    });
    // Invalid UTF-8 becomes longer by decoding; the map then grows.
    MultiMap::of_pairs(pairs, raw.len())
}

/// Appends a pair to a query string, without encoding it.
pub(crate) fn push_pair(raw: &mut String, name: &str, value: &str) {
    if !raw.is_empty() {
        raw.push('&');
    }
    raw.push_str(name);
    raw.push('=');
    raw.push_str(value);
}

/// Encodes a text for a query (WHATWG URL Standard §5.2).
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            b'*' | b'-' | b'.' | b'_' => encoded.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            byte => push_escape(&mut encoded, byte),
        }
    }
    encoded
}

/// Creates a query from decoded parameters. Its text follows the WHATWG URL Standard §5.2: sorted
/// by name, and the values of a name in order.
impl From<MultiMap> for QueryString {
    fn from(parameters: MultiMap) -> Self {
        let mut raw = String::new();
        for (name, values) in parameters.iter() {
            for value in values.iter() {
                push_pair(&mut raw, &encode(name), &encode(value));
            }
        }
        Self { parameters, raw }
    }
}

/// Does not print values, which may be secret.
impl fmt::Debug for QueryString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.parameters.iter().map(|(name, _)| name);
        f.debug_struct("QueryString")
            .field("names", &names.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::QueryString;

    #[test]
    fn queries_are_decoded_and_repetitions_keep_their_order() {
        for (raw, expected) in [
            ("", "{}"),
            ("tag=a&tag=b&q=x+y&c=%2B%26", r#"{"c":["+&"],"q":["x y"],"tag":["a","b"]}"#),
            ("=v&flag&&empty=&eq=1=2", r#"{"":["v"],"empty":[""],"eq":["1=2"],"flag":[""]}"#),
            ("?a=1", r#"{"?a":["1"]}"#),
            ("%61+b=%C3%A9%ff", r#"{"a b":["é�"]}"#),
            ("a=%E2%82&b=%f0%9f", r#"{"a":["�"],"b":["�"]}"#),
            ("a=1;b=2&;", r#"{";":[""],"a":["1;b=2"]}"#),
            ("utm=%%URL%%&%4=%zz&a%3Db=%", r#"{"%4":["%zz"],"a=b":["%"],"utm":["%%URL%%"]}"#),
        ] {
            let query = QueryString::parse(raw);
            assert_eq!(serde_json::to_string(query.parameters()).unwrap(), expected, "{raw}");
            assert_eq!(query.raw(), raw);
            let written = QueryString::from(query.parameters().clone());
            assert_eq!(QueryString::parse(written.raw()).parameters(), query.parameters(), "{raw}");
        }
    }

    #[test]
    fn parameters_are_written_as_forms_are() {
        let query = QueryString::parse("b=2&a=%2B+~*'&%C3%A9=&b=1");
        let written = QueryString::from(query.parameters().clone());
        assert_eq!(written.raw(), "a=%2B+%7E*%27&b=2&b=1&%C3%A9=");
    }
}
