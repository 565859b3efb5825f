//! JSON as values of types, and what is wrong where.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use serde::de::{DeserializeOwned, Error as _, IgnoredAny};
use serde::{Deserialize as _, Deserializer};
use serde_json::Value as Json;
use serde_json::error::Category;

use super::JsonError;
use super::packed::Packed;

/// Why a JSON text is no value of a type. It quotes nothing of the text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Misread {
    /// The text is no JSON, from here on.
    NotJson(JsonError),
    /// A value is not of the type that is expected there.
    OtherShape {
        /// The path of the value, such as `lines[1].price`; empty for the whole of it.
        path: String,
        /// What is expected, such as `u8`.
        expected: String,
    },
}

/// Reads a JSON text as a value of a type.
///
/// ```
/// use std::collections::BTreeMap;
/// use apptheory_core::json;
///
/// let read = json::read::<BTreeMap<String, u8>>(br#"{"a": 1, "b": "secret"}"#);
/// assert_eq!(read.unwrap_err().to_string(), "invalid json of b: expected u8");
/// ```
///
/// A [`Gzip`](crate::events::Gzip) may stand for the text itself: it is unpacked.
///
/// # Errors
///
/// [`Misread`] when the bytes are not exactly one JSON value, or it is not of the type.
pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Misread> {
    if let Some(packed) = Packed::of(json) {
        match T::deserialize(packed) {
            Ok(value) => return Ok(value),
            Err(error) => {
                if let Some(misread) = error.misread() {
                    return Err(misread);
                }
            }
        }
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let (path, error) = match serde_path_to_error::deserialize(&mut deserializer) {
        Ok(value) => {
            let ended = deserializer.end().map(|()| value);
            return ended.map_err(|error| Misread::NotJson(JsonError::from(&error)));
        }
        Err(error) => (error.path().to_string(), error.into_inner()),
    };
    // Behind a member of a wrong type the text may be none of JSON at all.
    match (error.classify(), serde_json::from_slice::<IgnoredAny>(json)) {
        (Category::Data, Ok(_)) => Err(Misread::other_shape(&path, &error)),
        (_, Err(error)) => Err(Misread::NotJson(JsonError::from(&error))),
        (Category::Io | Category::Syntax | Category::Eof, Ok(_)) => {
            Err(Misread::NotJson(JsonError::from(&error)))
        }
    }
}

/// Reads a JSON value as a value of a type.
///
/// # Errors
///
/// [`Misread::OtherShape`] when it is not of the type.
pub fn read_value<T: DeserializeOwned>(json: Json) -> Result<T, Misread> {
    serde_path_to_error::deserialize(json)
        .map_err(|error| Misread::other_shape(&error.path().to_string(), error.inner()))
}

/// Reads a text that is JSON itself, as envelopes hold what they carry; for
/// `#[serde(deserialize_with)]`.
pub(crate) fn within_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let text = String::deserialize(deserializer)?;
    read(text.as_bytes()).map_err(|misread| D::Error::custom(misread.told_within("text")))
}

impl Misread {
    /// Says in what the value is: `NewImage` of a record, say.
    #[must_use]
    pub fn within(self, place: &str) -> Self {
        match self {
            Self::OtherShape { path, expected } if path.is_empty() => {
                Self::OtherShape { path: place.into(), expected }
            }
            Self::OtherShape { path, expected } if path.starts_with('[') => {
                Self::OtherShape { path: format!("{place}{path}"), expected }
            }
            Self::OtherShape { path, expected } => {
                Self::OtherShape { path: format!("{place}.{path}"), expected }
            }
            Self::NotJson(error) => Self::NotJson(error),
        }
    }

    /// What serde says of it where the JSON is in something else, such as a text.
    pub(super) fn told_within(&self, what: &str) -> String {
        match self {
            Self::NotJson(JsonError { line, column }) => {
                format!("no json, expected a json text (line {line}, column {column} of it)")
            }
            Self::OtherShape { path, expected } if path.is_empty() => {
                format!("another shape, expected {expected} in its {what}")
            }
            Self::OtherShape { path, expected } => {
                format!("another shape, expected {expected} at {path} of its {what}")
            }
        }
    }

    /// Of what serde says, only what it expected is told: what it found is the sender's.
    pub(super) fn other_shape(path: &str, said: &serde_json::Error) -> Self {
        let said = said.to_string();
        let path = if path == "." { "" } else { path };
        let (path, expected) = match named_member(&said) {
            Some((name, expected)) if path.is_empty() => (name.to_string(), expected),
            Some((name, expected)) => (format!("{path}.{name}"), expected),
            None => (path.to_string(), expected(&said)),
        };
        Self::OtherShape { path, expected: expected.to_string() }
    }
}

/// The member of the type that serde names, and what it expected there: the path ends at the object
/// that has too few of it, or too many.
fn named_member(said: &str) -> Option<(&str, &'static str)> {
    let named = [("missing field `", "a value"), ("duplicate field `", "one value")];
    named.into_iter().find_map(|(words, expected)| {
        Some((said.strip_prefix(words)?.split('`').next()?, expected))
    })
}

/// What serde says that it expected. What it found comes before.
pub(super) fn expected(said: &str) -> &str {
    let (_, expected) = match said.rsplit_once(", expected ") {
        Some(parts) => parts,
        None if said.starts_with("unknown field") => return "no such member",
        // What a type says of a text may quote it.
        None => return "a value that its type accepts",
    };
    expected.rsplit_once(" at line ").map_or(expected, |(expected, _)| expected)
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(JsonError { line, column }) => {
                write!(f, "invalid json at line {line}, column {column}")
            }
            Self::OtherShape { path, expected } if path.is_empty() => {
                write!(f, "invalid json: expected {expected}")
            }
            Self::OtherShape { path, expected } => {
                write!(f, "invalid json of {path}: expected {expected}")
            }
        }
    }
}

impl core::error::Error for Misread {}
