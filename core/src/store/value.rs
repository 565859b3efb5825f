//! Attribute values, their JSON form and their size.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde::de::{Deserializer, Error as _, IgnoredAny};
use serde::ser::{SerializeSeq as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::number::Number;

/// A DynamoDB attribute value, named after DynamoDB's types.
///
/// Sets keep their original order and are not checked here. Serializes as low-level DynamoDB JSON,
/// such as `{"S": "text"}`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Value {
    /// A string.
    S(String),
    /// A number.
    N(Number),
    /// Binary data.
    #[serde(serialize_with = "write_bytes", deserialize_with = "read_bytes")]
    B(Vec<u8>),
    /// `true` or `false`.
    Bool(bool),
    /// The null value.
    #[serde(serialize_with = "write_null", deserialize_with = "read_null")]
    Null,
    /// A list of any values.
    L(Vec<Self>),
    /// A map from names to any values.
    M(BTreeMap<String, Self>),
    /// A set of strings.
    Ss(Vec<String>),
    /// A set of numbers.
    Ns(Vec<Number>),
    /// A set of binaries.
    #[serde(serialize_with = "write_byte_strings", deserialize_with = "read_byte_strings")]
    Bs(Vec<Vec<u8>>),
}

impl Value {
    /// Returns the string, if this is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::S(text) = self { Some(text) } else { None }
    }

    /// Returns the number, if this is one.
    #[must_use]
    pub fn as_number(&self) -> Option<&Number> {
        if let Self::N(number) = self { Some(number) } else { None }
    }

    /// Returns the value's size in bytes, by DynamoDB's published rules: strings in UTF-8, one byte
    /// for a boolean or null, three for a list or map plus one per element.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::S(text) => text.len(),
            Self::N(number) => number.size(),
            Self::B(bytes) => bytes.len(),
            Self::Bool(_) | Self::Null => 1,
            Self::L(values) => values
                .iter()
                .map(|value| value.size().saturating_add(1))
                .sum::<usize>()
                .saturating_add(3),
            Self::M(members) => members
                .iter()
                .map(|(name, value)| name.len().saturating_add(value.size()).saturating_add(1))
                .sum::<usize>()
                .saturating_add(3),
            Self::Ss(texts) => texts.iter().map(String::len).sum(),
            Self::Ns(numbers) => numbers.iter().map(Number::size).sum(),
            Self::Bs(set) => set.iter().map(Vec::len).sum(),
        }
    }

    /// Returns the value as low-level DynamoDB JSON, such as `{"S": "text"}`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        // Only maps whose keys are not strings fail; there are none.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Reads a value from low-level DynamoDB JSON.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the JSON is not an object with exactly one known type tag and content of
    /// that type.
    pub fn from_json(json: &Json) -> Result<Self, ReadError> {
        let object = json.as_object().ok_or(ReadError::NotTagged)?;
        let mut members = object.iter();
        let (Some((tag, content)), None) = (members.next(), members.next()) else {
            return Err(ReadError::NotTagged);
        };
        match tag.as_str() {
            "S" => Ok(Self::S(text(content, "S")?.to_owned())),
            "N" => Ok(Self::N(Number::from_text(text(content, "N")?))),
            "B" => Ok(Self::B(bytes(content, "B")?)),
            "BOOL" => content.as_bool().map(Self::Bool).ok_or(ReadError::Content { tag: "BOOL" }),
            "NULL" => Ok(Self::Null),
            "L" => list(content, "L")?
                .iter()
                .map(Self::from_json)
                .collect::<Result<_, _>>()
                .map(Self::L),
            "M" => content
                .as_object()
                .ok_or(ReadError::Content { tag: "M" })?
                .iter()
                .map(|(name, value)| Ok((name.clone(), Self::from_json(value)?)))
                .collect::<Result<_, _>>()
                .map(Self::M),
            "SS" => list(content, "SS")?
                .iter()
                .map(|member| text(member, "SS").map(ToOwned::to_owned))
                .collect::<Result<_, _>>()
                .map(Self::Ss),
            "NS" => list(content, "NS")?
                .iter()
                .map(|member| text(member, "NS").map(Number::from_text))
                .collect::<Result<_, _>>()
                .map(Self::Ns),
            "BS" => list(content, "BS")?
                .iter()
                .map(|member| bytes(member, "BS"))
                .collect::<Result<_, _>>()
                .map(Self::Bs),
            unknown => Err(ReadError::UnknownTag(unknown.to_owned())),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::S(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::S(text)
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::N(number)
    }
}

/// The JSON is not an attribute value, or not a transcript.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// The value is not an object with exactly one member.
    #[error("an attribute value is an object with exactly one type tag")]
    NotTagged,
    /// The member's name is not one of DynamoDB's type tags.
    #[error("unknown attribute type {0:?}")]
    UnknownTag(String),
    /// The member's content does not match its tag.
    #[error("the content does not match attribute type {tag}")]
    Content {
        /// The type tag.
        tag: &'static str,
    },
    /// The transcript is not a list of exchanges.
    #[error("a transcript is a list of exchanges")]
    NotATranscript,
    /// An exchange of a transcript lacks a member, or the member has the wrong type.
    #[error("exchange {index} has no valid {member:?}")]
    Exchange {
        /// The index of the exchange, from 0.
        index: usize,
        /// The member's name.
        member: &'static str,
    },
}

fn text<'a>(json: &'a Json, tag: &'static str) -> Result<&'a str, ReadError> {
    json.as_str().ok_or(ReadError::Content { tag })
}

fn list<'a>(json: &'a Json, tag: &'static str) -> Result<&'a [Json], ReadError> {
    json.as_array().map(Vec::as_slice).ok_or(ReadError::Content { tag })
}

fn bytes(json: &Json, tag: &'static str) -> Result<Vec<u8>, ReadError> {
    decoded(text(json, tag)?).ok_or(ReadError::Content { tag })
}

/// Decodes base64; ignores line ends.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut encoded = text.to_owned();
    encoded.retain(|c| !matches!(c, '\r' | '\n'));
    LENIENT.decode(encoded).ok()
}

fn write_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn read_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    decoded(&String::deserialize(deserializer)?).ok_or_else(|| D::Error::custom(NOT_BASE64))
}

fn write_byte_strings<S: Serializer>(set: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(set.len()))?;
    for bytes in set {
        list.serialize_element(&STANDARD.encode(bytes))?;
    }
    list.end()
}

fn read_byte_strings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
    let set = Vec::<String>::deserialize(deserializer)?;
    set.iter()
        .map(|text| decoded(text))
        .collect::<Option<_>>()
        .ok_or_else(|| D::Error::custom(NOT_BASE64))
}

fn write_null<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(true)
}

fn read_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| ())
}

const NOT_BASE64: &str = "bytes are written in base64";

/// Requires padding, ignores excess bits in the last character.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn a_text_reads_as_its_json_does() {
        for text in [
            r#"{"S": "a\n\u00e9"}"#,
            r#"{"N": "1.50"}"#,
            r#"{"N": "no number"}"#,
            r#"{"B": "AP8="}"#,
            r#"{"B": "AP9="}"#,
            r#"{"B": "A\r\nP8="}"#,
            r#"{"BOOL": false}"#,
            r#"{"NULL": true}"#,
            r#"{"NULL": {"any": ["thing"]}}"#,
            r#"{"L": [{"S": "a"}, {"L": []}]}"#,
            r#"{"M": {"b": {"NULL": true}, "a": {"M": {}}}}"#,
            r#"{"SS": ["b", "a"]}"#,
            r#"{"NS": ["2", "-1E3"]}"#,
            r#"{"BS": ["AQ==", ""]}"#,
            // Each of these is invalid.
            r#"{}"#,
            r#"[]"#,
            r#""NULL""#,
            r#"{"S": "a", "N": "1"}"#,
            r#"{"s": "a"}"#,
            r#"{"S": 1}"#,
            r#"{"N": 1}"#,
            r#"{"B": "AP8"}"#,
            r#"{"BOOL": "true"}"#,
            r#"{"L": {}}"#,
            r#"{"M": []}"#,
            r#"{"M": {"a": 1}}"#,
            r#"{"SS": [1]}"#,
            r#"{"NS": [1]}"#,
            r#"{"BS": ["%"]}"#,
        ] {
            let from_json = Value::from_json(&serde_json::from_str(text).unwrap());
            assert_eq!(serde_json::from_str(text).ok(), from_json.ok(), "{text}");
        }
    }

    #[test]
    fn every_value_is_tagged_with_its_type() {
        let members = BTreeMap::from([("b".into(), Value::Null), ("a".into(), Value::Bool(true))]);
        let values = vec![
            Value::from("\"\u{7}\u{2028}/<"),
            Value::N(i128::MAX.into()),
            Value::N(Number::from_text("-1.50E3")),
            Value::B(vec![0, 255]),
            Value::M(members),
            Value::Ss(vec!["b".into(), "a".into()]),
            Value::Ns(vec![2.into(), Number::from_text("1.0")]),
            Value::Bs(vec![vec![1], vec![]]),
        ];
        let text = serde_json::to_string(&Value::L(values)).unwrap();
        let expected =
            r#"{"L":[{"S":"\"\u0007\u2028/<"},{"N":"170141183460469231731687303715884105727"},"#;
        let expected = expected.replace(r"\u2028", "\u{2028}")
            + r#"{"N":"-1.50E3"},{"B":"AP8="},{"M":{"a":{"BOOL":true},"b":{"NULL":true}}},"#
            + r#"{"SS":["b","a"]},{"NS":["2","1.0"]},{"BS":["AQ==",""]}]}"#;
        assert_eq!(text, expected);
    }
}
