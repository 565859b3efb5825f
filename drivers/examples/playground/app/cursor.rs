//! Decodes cursors, for people.

use apptheory::eventbus::{CursorSeal, OffsetCursor};
use apptheory::store::{CursorError, KeyCursor};
use serde_json::{Value as Json, json};

/// Why a cursor cannot be decoded.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum NotACursor {
    /// The empty cursor means the first page.
    #[error("the empty cursor holds nothing: it is the first page")]
    Empty,
    /// It is neither kind of cursor. The error is that of reading it as a key cursor.
    #[error("neither an offset cursor nor a key cursor: {0}")]
    Neither(CursorError),
}

/// Returns the contents of a cursor as JSON: an offset, or a key with its index and direction; and
/// the key id of its seal, if it has one. Without the secret a seal cannot be verified.
pub(crate) fn decode(text: &str) -> Result<Json, NotACursor> {
    if let Ok(OffsetCursor(offset)) = OffsetCursor::decode(text) {
        return Ok(json!({"kind": "offset", "offset": offset}));
    }
    let peeked = CursorSeal::peek(text);
    let (cursor, key_id) = peeked.map_or((text, None), |(cursor, id)| (cursor, Some(id)));
    let decoded = KeyCursor::decode(cursor).map_err(NotACursor::Neither)?;
    let KeyCursor { last_key, index, sort } = decoded.ok_or(NotACursor::Empty)?;
    let seal = key_id.map(|id| json!({"key_id": id, "verified": false}));
    Ok(json!({
        "kind": "key",
        "lastKey": last_key.to_json(),
        "index": index,
        "sort": sort,
        "seal": seal,
    }))
}
