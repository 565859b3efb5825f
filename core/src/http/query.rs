//! Query strings.

use alloc::string::String;

use super::cut::{cut, pieces};
use super::multimap::MultiMap;
use super::percent::{self, PercentError};

/// Reads a query string without its `?`: pairs separated by `&`, in which `+` is a space and `%XX` a
/// byte. A name without `=` has an empty value; empty pieces are skipped.
///
/// # Errors
///
/// [`QueryError`] for an escape that is none, and for `;`, which some readers take for a separator
/// and others for text: a query that means two things is refused.
pub fn parse_query(query: &str) -> Result<MultiMap, QueryError> {
    if query.contains(';') {
        return Err(QueryError);
    }
    let pairs = pieces(query, b'&').filter(|piece| !piece.is_empty()).map(|piece| {
        let (name, value) = cut(piece, b'=');
        Ok((decode(name)?, decode(value.unwrap_or_default())?))
    });
    pairs.collect()
}

fn decode(text: &str) -> Result<String, PercentError> {
    if text.bytes().any(|b| matches!(b, b'%' | b'+')) {
        return percent::decode_form(text).map(String::from);
    }
    Ok(text.into())
}

/// A query string that cannot be read; the request is answered with 400.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("invalid query string")]
pub struct QueryError;

impl From<PercentError> for QueryError {
    fn from(_: PercentError) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::parse_query;

    #[test]
    fn queries_are_decoded_and_repetitions_keep_their_order() {
        for (query, expected) in [
            ("", "{}"),
            ("tag=a&tag=b&q=x+y&c=%2B%26", r#"{"c":["+&"],"q":["x y"],"tag":["a","b"]}"#),
            ("=v&flag&&empty=&eq=1=2", r#"{"":["v"],"empty":[""],"eq":["1=2"],"flag":[""]}"#),
            ("?a=1", r#"{"?a":["1"]}"#),
            ("%61+b=%C3%A9%ff", r#"{"a b":["é�"]}"#),
        ] {
            let parsed = parse_query(query).unwrap();
            assert_eq!(serde_json::to_string(&parsed).unwrap(), expected, "{query}");
        }
    }

    #[test]
    fn ambiguous_queries_are_refused() {
        for query in ["a=1;b=2", ";", "a=%", "a=%zz&b=1", "%4=1", "ok=1&b=%2"] {
            assert!(parse_query(query).is_err(), "{query}");
        }
    }
}
