//! QueryString strings, read as the web reads them.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::cut::{cut, pieces};
use super::multimap::MultiMap;
use crate::percent::{decode_form, push_escape};

/// The query of a request: its parameters, and the text that they stand for.
///
/// Make it of a text with [`parse`](Self::parse), or of parameters with [`From`].
///
/// ```
/// use apptheory_core::http::QueryString;
///
/// let query = QueryString::parse("q=a+b&discount=100%&tag=x;y");
/// assert_eq!(query.parameters().get("q"), Some("a b"));
/// assert_eq!(query.parameters().get("discount"), Some("100%"));
/// assert_eq!(query.parameters().get("tag"), Some("x;y"));
/// assert_eq!(query.raw(), "q=a+b&discount=100%&tag=x;y");
/// assert_eq!(QueryString::from(query.parameters().clone()).raw(), "discount=100%25&q=a+b&tag=x%3By");
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
pub struct QueryString {
    parameters: MultiMap,
    raw: String,
}

impl QueryString {
    /// Reads a query string, without the `?` in front of it, as `application/x-www-form-urlencoded`
    /// (WHATWG URL Standard §5.1): pairs between `&`s, in which `+` is a blank and `%XX` a byte.
    ///
    /// Every text is a query: a `%` that starts no escape and `;` are text, bytes that are no UTF-8
    /// read as U+FFFD, a name without `=` has an empty value, and empty pieces are skipped.
    #[must_use]
    pub fn parse(raw: impl Into<String>) -> Self {
        let raw = raw.into();
        Self { parameters: parse(&raw), raw }
    }

    /// A query whose parameters were read already.
    pub(crate) const fn new(parameters: MultiMap, raw: String) -> Self {
        Self { parameters, raw }
    }

    /// Returns the parameters, decoded.
    #[must_use]
    pub const fn parameters(&self) -> &MultiMap {
        &self.parameters
    }

    /// Returns the query string, without the `?` in front of it.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    pub(super) fn into_parts(self) -> (MultiMap, String) {
        (self.parameters, self.raw)
    }
}

/// The parameters of a query string.
pub(crate) fn parse(raw: &str) -> MultiMap {
    let pairs = pieces(raw, b'&').filter(|piece| !piece.is_empty()).map(|piece| {
        let (name, value) = cut(piece, b'=');
        (decode_form(name), decode_form(value.unwrap_or_default()))
    });
    // Bytes that are no UTF-8 are longer, decoded: then there is more room in the end.
    MultiMap::of_pairs(pairs, raw.len())
}

/// Adds a pair to a query string, its name and value as they are.
pub(crate) fn push_pair(raw: &mut String, name: &str, value: &str) {
    if !raw.is_empty() {
        raw.push('&');
    }
    raw.push_str(name);
    raw.push('=');
    raw.push_str(value);
}

/// A text as a query holds it (WHATWG URL Standard §5.2).
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

/// The query of parameters that came decoded, written by the WHATWG URL Standard §5.2: sorted by
/// name, and the values of a name in their order.
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

/// What clients send is theirs: values are not printed.
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
