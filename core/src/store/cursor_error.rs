//! Why a cursor is not accepted.

use super::value::ReadError;

/// Why a cursor is not accepted. Start again from the first page.
///
/// The first ones are about the text, the others about the query that it was used with: use a cursor
/// only with the query whose page gave it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CursorError {
    /// The text is not base64url with padding. It was cut off, or changed on its way.
    #[error("invalid cursor: not base64url with padding")]
    NotBase64,
    /// The bytes are not a JSON object with members of the expected types.
    #[error("invalid cursor: not the JSON of a cursor")]
    NotAnObject,
    /// There is no last key.
    #[error("invalid cursor: no last key")]
    NoKey,
    /// An attribute of the key is not a DynamoDB value.
    #[error("invalid cursor: {0}")]
    Attribute(ReadError),
    /// Cursors are sealed here, and this one is not sealed, or with an unknown or another secret.
    #[error("invalid cursor: the seal does not match")]
    Seal,
    /// The cursor, as a member of a JSON query, is not a text.
    #[error("invalid cursor: not a text")]
    NotText,
    /// The text is not an offset cursor of the bus in memory.
    #[error("invalid cursor")]
    NotAnOffset,
    /// The cursor is of the table, the query of an index, or the other way round.
    #[error("the cursor is of another index than the query")]
    OtherIndex,
    /// One reads newest first, the other oldest first; or the cursor does not say.
    #[error("the cursor is of another direction than the query")]
    OtherDirection,
    /// The cursor's key has other attributes than the table and index, or values that no key of
    /// theirs has: of another type, empty, or too long.
    #[error("the cursor's key is not of this table")]
    OtherKey,
    /// The cursor is of another tenant or event type.
    #[error("the cursor is of another partition than the query")]
    OtherPartition,
    /// The cursor lies outside the query's time range.
    #[error("the cursor lies outside the query's range")]
    OutOfRange,
}

impl CursorError {
    /// Returns whether it is a cursor, but one of another query.
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
            | Self::OtherDirection
            | Self::OtherKey
            | Self::OtherPartition
            | Self::OutOfRange => true,
        }
    }
}
