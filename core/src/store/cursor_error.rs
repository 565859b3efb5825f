//! Errors of cursors.

use super::value::ReadError;

/// Says why a cursor is refused. Start again from the first page.
///
/// The first variants are about the cursor's text, the others about its query. Use a cursor only
/// with the query whose page returned it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CursorError {
    /// The text is not base64url with padding. It was truncated or changed in transit.
    #[error("invalid cursor: not base64url with padding")]
    NotBase64,
    /// The text does not decode to a JSON object with members of the expected types.
    #[error("invalid cursor: not the JSON of a cursor")]
    NotAnObject,
    /// The cursor has no last key.
    #[error("invalid cursor: no last key")]
    NoKey,
    /// An attribute of the key is not a DynamoDB value.
    #[error("invalid cursor: {0}")]
    Attribute(ReadError),
    /// Cursors must be sealed, and this one is not sealed, or by an unknown secret.
    #[error("invalid cursor: the seal does not match")]
    Seal,
    /// The cursor, as a member of a JSON query, is not a string.
    #[error("invalid cursor: not a text")]
    NotText,
    /// The text is not an offset cursor of the in-memory bus.
    #[error("invalid cursor")]
    NotAnOffset,
    /// The cursor belongs to another index, or one of cursor and query uses an index and the other
    /// the table.
    #[error("the cursor belongs to another index than the query")]
    OtherIndex,
    /// The cursor and the query have different orders, or the cursor has no order.
    #[error("the cursor has another order than the query")]
    OtherOrder,
    /// The cursor's key has other attributes than the table and index, or values that no key can
    /// have: of another type, empty, or too long.
    #[error("the cursor's key does not belong to this table")]
    OtherKey,
    /// The cursor belongs to another tenant or event type.
    #[error("the cursor belongs to another partition than the query")]
    OtherPartition,
    /// The cursor is outside the query's time range.
    #[error("the cursor is outside the query's range")]
    OutOfRange,
}

impl CursorError {
    /// Returns whether the text is a valid cursor of another query.
    #[must_use]
    pub const fn is_mismatch(&self) -> bool {
        match self {
            Self::NotBase64
            | Self::NotAnObject
            | Self::NoKey
            | Self::Attribute(_)
            | Self::Seal
            | Self::NotText
            | Self::NotAnOffset => false,
            Self::OtherIndex
            | Self::OtherOrder
            | Self::OtherKey
            | Self::OtherPartition
            | Self::OutOfRange => true,
        }
    }
}
