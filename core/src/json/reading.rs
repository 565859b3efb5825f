//! Deserializes JSON, with the place and cause of errors.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use serde::de::{DeserializeOwned, Error as _, IgnoredAny};
use serde::{Deserialize as _, Deserializer};
use serde_json::Value as Json;
use serde_json::error::Category;

use super::JsonError;
use super::packed::Packed;

/// Says why JSON text is not a value of a type. Quotes nothing from the text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Misread {
    /// The text is not JSON, from this position on.
    NotJson(JsonError),
    /// A value does not have the expected type.
    OtherShape {
        /// The path of the value, such as `lines[1].price`; empty for the whole text.
        path: String,
        /// The expected type, such as `u8`.
        expected: String,
    },
}

/// Deserializes JSON text.
///
/// ```
/// use std::collections::BTreeMap;
/// use apptheory_core::json;
///
/// let read = json::read::<BTreeMap<String, u8>>(br#"{"a": 1, "b": "secret"}"#);
/// assert_eq!(read.unwrap_err().to_string(), "invalid json of b: expected u8");
/// ```
///
/// Decompresses a [`Gzip`](crate::events::Gzip) in place of the text itself.
///
/// # Errors
///
/// [`Misread`] if the bytes are not exactly one JSON value, or not a valid `T`.
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
    // Most texts are valid, and to keep track of the path takes as long as reading does.
    if let Ok(value) = serde_json::from_slice(json) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let (path, error) = match serde_path_to_error::deserialize(&mut deserializer) {
        Ok(value) => {
            let ended = deserializer.end().map(|()| value);
            return ended.map_err(|error| Misread::NotJson(JsonError::from(&error)));
        }
        Err(error) => (error.path().to_string(), error.into_inner()),
    };
    // After a member of the wrong type, the text may not be JSON at all.
    match (error.classify(), serde_json::from_slice::<IgnoredAny>(json)) {
        (Category::Data, Ok(_)) => Err(Misread::other_shape(&path, &error)),
        (_, Err(error)) => Err(Misread::NotJson(JsonError::from(&error))),
        (Category::Io | Category::Syntax | Category::Eof, Ok(_)) => {
            Err(Misread::NotJson(JsonError::from(&error)))
        }
    }
}

/// Deserializes a JSON value.
///
/// # Errors
///
/// [`Misread::OtherShape`] if it is not a valid `T`.
pub fn read_value<T: DeserializeOwned>(json: Json) -> Result<T, Misread> {
    serde_path_to_error::deserialize(json)
        .map_err(|error| Misread::other_shape(&error.path().to_string(), error.inner()))
}

/// Deserializes a string that contains JSON, as envelopes do. For `#[serde(deserialize_with)]`.
pub(crate) fn within_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let text = String::deserialize(deserializer)?;
    read(text.as_bytes()).map_err(|misread| D::Error::custom(misread.error_within("text")))
}

impl Misread {
    /// Prefixes the path with the place of the value, for example `NewImage` for an image of a
    /// record.
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

    /// Returns the error text for serde, if the JSON is inside something else, such as a string.
    pub(super) fn error_within(&self, what: &str) -> String {
        match self {
            Self::NotJson(JsonError { line, column }) => {
                format!("invalid json, expected json text (line {line}, column {column} of it)")
            }
            Self::OtherShape { path, expected } if path.is_empty() => {
                format!("another shape, expected {expected} in its {what}")
            }
            Self::OtherShape { path, expected } => {
                format!("another shape, expected {expected} at {path} of its {what}")
            }
        }
    }

    /// Keeps only what serde expected; what it found belongs to the sender.
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

/// Returns the field that serde names, and what it expected there. For a missing or duplicate
/// field, the path ends at the object.
fn named_member(said: &str) -> Option<(&str, &'static str)> {
    let named = [("missing field `", "a value"), ("duplicate field `", "one value")];
    named.into_iter().find_map(|(words, expected)| {
        Some((said.strip_prefix(words)?.split('`').next()?, expected))
    })
}

/// Returns what serde expected, which follows what it found.
pub(super) fn expected(said: &str) -> &str {
    let (_, expected) = match said.rsplit_once(", expected ") {
        Some(parts) => parts,
        None if said.starts_with("unknown field") => return "no such member",
        // A type's own message may quote the value.
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
