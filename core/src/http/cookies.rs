//! The cookies that a request brings.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

use super::cut::{cut, pieces, trim};

/// Cookies by name, from the values of `cookie` headers. Pieces without `=` or name are skipped, the
/// last of equal names wins, and values are neither unquoted nor decoded.
pub(super) fn parse(headers: &[String]) -> BTreeMap<String, String> {
    let pieces = headers.iter().flat_map(|header| pieces(header, b';'));
    let pairs = pieces.map(|piece| cut(piece, b'='));
    let pairs = pairs.filter_map(|(name, value)| Some((trim(name), trim(value?))));
    let pairs = pairs.filter(|(name, _)| !name.is_empty());
    let mut cookies = BTreeMap::new();
    cookies.extend(pairs.map(|(name, value)| (name.to_string(), value.to_string())));
    cookies
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::parse;

    #[test]
    fn cookies_are_pairs_and_the_last_wins() {
        for (headers, expected) in [
            (&["a=1; b=two", "b=three"][..], r#"{"a": "1", "b": "three"}"#),
            (&["a", "=v", ""], "{}"),
            (&["a="], r#"{"a": ""}"#),
            (&[" a = b c "], r#"{"a": "b c"}"#),
            (&["a=b=c;A=d"], r#"{"A": "d", "a": "b=c"}"#),
            (&["a=\"q;z\""], r#"{"a": "\"q"}"#),
            (&[";;__proto__=1;;"], r#"{"__proto__": "1"}"#),
        ] {
            let headers: alloc::vec::Vec<_> = headers.iter().map(ToString::to_string).collect();
            assert_eq!(format!("{:?}", parse(&headers)), expected, "{headers:?}");
        }
    }
}
