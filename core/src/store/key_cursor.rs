//! The cursor of a table: the key of the last item read.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::Value as Json;

use super::CursorError;
use crate::json::{self, ObjectWriter, next_special};
use crate::store::{AttributeName, Item, Value};
use crate::utf8;

/// The key of the last item that a query read, with the query's index and order. Its text is
/// base64url with padding of `{"lastKey":{…},"index":"…","sort":"…"}`.
///
/// ```
/// use apptheory_core::store::{Item, KeyCursor, Value};
///
/// let cursor = KeyCursor {
///     last_key: Item::new().with("pk", Value::from("t1#e")),
///     index: None,
///     sort: Some("DESC".into()),
/// };
/// let text = cursor.encode();
/// assert_eq!(text, "eyJsYXN0S2V5Ijp7InBrIjp7IlMiOiJ0MSNlIn19LCJzb3J0IjoiREVTQyJ9");
/// assert_eq!(KeyCursor::decode(&text), Ok(Some(cursor)));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeyCursor {
    /// The key attributes of the table, and of the index that was read.
    pub last_key: Item,
    /// The index, or `None` for the table itself.
    pub index: Option<String>,
    /// The order: `DESC` or `ASC` in cursors of the event bus, any text in others.
    pub sort: Option<String>,
}

impl KeyCursor {
    /// Returns the cursor's text; empty if there is no key, which means the end of the data.
    #[must_use]
    pub fn encode(&self) -> String {
        if self.last_key.is_empty() {
            return String::new();
        }
        let mut text = String::with_capacity(USUAL_LENGTH);
        let mut object = ObjectWriter::begin(&mut text);
        let mut last_key = ObjectWriter::begin(object.member("lastKey"));
        for (name, value) in self.last_key.iter() {
            if let Some(text) = value.as_text() {
                let mut tagged = ObjectWriter::begin(last_key.member(name));
                tagged.text("S", text);
                tagged.end();
            } else {
                // Keys of other types are rare.
                last_key.value(name, &value.to_json());
            }
        }
        last_key.end();
        for (name, value) in [("index", &self.index), ("sort", &self.sort)] {
            if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
                object.text(name, value);
            }
        }
        object.end();
        PADDED.encode(text)
    }

    /// Parses a cursor's text. The empty text means no cursor.
    ///
    /// Line breaks are skipped anywhere. An empty or null `index` or `sort` is `None`; unknown
    /// members are ignored.
    ///
    /// # Errors
    ///
    /// [`CursorError`] for any text that no encoder writes, including a missing or empty `lastKey`
    /// and more than 128 levels of nesting. Never panics.
    pub fn decode(text: &str) -> Result<Option<Self>, CursorError> {
        if text.is_empty() {
            return Ok(None);
        }
        // A cursor may come from or pass through another client. Every form that the other decoders
        // accept is accepted here: line breaks and excess bits, and below also text that is not
        // UTF-8.
        // Nearly no text has line breaks, so it is not searched for them first.
        let bytes = PADDED
            .decode(text)
            .or_else(|_| PADDED.decode(&*without_line_breaks(text)))
            .map_err(|_| CursorError::NotBase64)?;
        let text = utf8::decode_lossy(&bytes);
        match Self::read_usual(&text) {
            Some(cursor) => Ok(Some(cursor)),
            None => Self::read_values(&text).map(Some),
        }
    }

    /// Reads the text that [`encode`](Self::encode) writes for a key of strings without escapes, as
    /// nearly all cursors are. `None` for every other text, which may still be a cursor.
    fn read_usual(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix(r#"{"lastKey":{"#)?;
        let mut attributes = Vec::with_capacity(USUAL_ATTRIBUTES);
        loop {
            let (name, after) = plain_string(rest)?;
            let (value, after) = plain_string(after.strip_prefix(r#":{"S":"#)?)?;
            attributes.push((AttributeName::from(String::from(name)), Value::from(value)));
            rest = after.strip_prefix('}')?;
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => break,
            }
        }
        let (index, rest) = plain_member(rest.strip_prefix('}')?, r#","index":"#)?;
        let (sort, rest) = plain_member(rest, r#","sort":"#)?;
        (rest == "}").then(|| Self::of(attributes.into_iter().collect(), index, sort))
    }

    /// Reads the JSON of any cursor.
    fn read_values(text: &str) -> Result<Self, CursorError> {
        let members: Members = json::read_object(text).map_err(|_| CursorError::NotAnObject)?;
        // Not treated as the first page: a caller with such a cursor would read that page forever.
        let last_key = members.last_key.ok_or(CursorError::NoKey)?;
        let last_key = Item::from_json(&last_key).map_err(CursorError::Attribute)?;
        if last_key.is_empty() {
            return Err(CursorError::NoKey);
        }
        Ok(Self::of(last_key, members.index, members.sort))
    }

    fn of(last_key: Item, index: Option<String>, sort: Option<String>) -> Self {
        let non_empty = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self { last_key, index: non_empty(index), sort: non_empty(sort) }
    }
}

/// Reads a string without escapes at the start of a text; returns it and the text after it.
fn plain_string(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('"')?;
    let (string, rest) = text.split_at_checked(next_special(text.as_bytes(), 0))?;
    Some((string, rest.strip_prefix('"')?))
}

/// Reads a member with a string without escapes, if it is there; returns the string and the text
/// after it.
fn plain_member<'a>(text: &'a str, name: &str) -> Option<(Option<String>, &'a str)> {
    let Some(value) = text.strip_prefix(name) else { return Some((None, text)) };
    let (value, rest) = plain_string(value)?;
    Some((Some(value.into()), rest))
}

/// Removes line breaks from a cursor's text. Mail programs and terminals break long lines, and the
/// decoders of other clients skip such breaks.
pub(crate) fn without_line_breaks(text: &str) -> Cow<'_, str> {
    // Nearly every cursor has neither these nor anything else that JSON escapes, and the search for
    // all of it takes eight bytes at a time.
    if next_special(text.as_bytes(), 0) < text.len() {
        return text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    }
    Cow::Borrowed(text)
}

/// Any cursor.
#[derive(Deserialize)]
struct Members {
    #[serde(rename = "lastKey")]
    last_key: Option<Json>,
    index: Option<String>,
    sort: Option<String>,
}

/// Enough for the JSON of the event bus's cursors.
const USUAL_LENGTH: usize = 256;

/// The keys of a table and of an index.
const USUAL_ATTRIBUTES: usize = 4;

/// Like other clients, requires padding and ignores excess bits before it.
const PADDED: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

#[cfg(test)]
mod tests;
