//! Whether a key cursor belongs to the query that it is used with.

use alloc::vec::Vec;

use crate::store::KeyCursor;
use crate::store::{Item, Query};

/// What does not fit between a cursor and the query that it was used with. Use a cursor only with
/// the query whose page gave it; for another query, start from its first page.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CursorMismatch {
    /// The cursor is of the table, the query of an index, or the other way round.
    #[error("the cursor is of another index than the query")]
    Index,
    /// One reads newest first, the other oldest first; or the cursor does not say.
    #[error("the cursor is of another direction than the query")]
    Direction,
    /// The cursor's key has other attributes than the table and index, or values that no key of
    /// theirs has: of another type, empty, or too long.
    #[error("the cursor's key is not of this table")]
    Key,
    /// The cursor is of another tenant or event type.
    #[error("the cursor is of another partition than the query")]
    Partition,
    /// The cursor lies outside the query's time range.
    #[error("the cursor lies outside the query's range")]
    Range,
}

/// What the cursors of a query look like.
#[derive(Clone, Debug)]
pub(in crate::eventbus) struct KeyShape {
    /// The attributes of the key, of the table and the index read, each with the most bytes that it
    /// can have.
    pub(in crate::eventbus) attributes: Vec<(&'static str, usize)>,
    /// The direction's name.
    pub(in crate::eventbus) sort: &'static str,
}

/// The key after which `query` continues, if `cursor` is of its kind.
///
/// The store would answer a misfit with an error of its own at best; at worst it reads on from a
/// place that the caller should not know.
pub(in crate::eventbus) fn check(
    cursor: KeyCursor,
    query: &Query,
    shape: &KeyShape,
) -> Result<Item, CursorMismatch> {
    if cursor.index.as_deref() != query.index.as_deref() {
        return Err(CursorMismatch::Index);
    }
    if cursor.sort.as_deref() != Some(shape.sort) {
        return Err(CursorMismatch::Direction);
    }
    let key = cursor.last_key;
    let is_possible = |(name, most): &(&str, usize)| {
        key.text(name).is_some_and(|t| (1..=*most).contains(&t.len()))
    };
    if key.iter().count() != shape.attributes.len() || !shape.attributes.iter().all(is_possible) {
        return Err(CursorMismatch::Key);
    }
    if key.get(&query.partition.name) != Some(&query.partition.value) {
        return Err(CursorMismatch::Partition);
    }
    if let Some((name, range)) = &query.range
        && !key.get(name).is_some_and(|value| range.contains(value))
    {
        return Err(CursorMismatch::Range);
    }
    Ok(key)
}
