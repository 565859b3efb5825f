//! Checks a key cursor against the query that it is used with.

use alloc::vec::Vec;

use crate::store::CursorError;
use crate::store::{Item, KeyCursor, QueryItems};

/// The form of a query's cursors.
#[derive(Clone, Debug)]
pub(in crate::eventbus) struct KeyShape {
    /// The attributes of the key, of the table and of the index read, each with its longest value
    /// in bytes.
    pub(in crate::eventbus) attributes: Vec<(&'static str, usize)>,
    /// The name of the order.
    pub(in crate::eventbus) sort: &'static str,
}

/// Returns the key after which `query` continues, if `cursor` belongs to such a query.
///
/// Without this check the store would return an error of its own at best. At worst it would
/// continue from a position that the caller should not know.
pub(in crate::eventbus) fn check(
    cursor: KeyCursor,
    query: &QueryItems,
    shape: &KeyShape,
) -> Result<Item, CursorError> {
    // The first difference becomes the error, so the coarse ones are checked first: a cursor of
    // another index has other attributes as well, but the wrong index is the caller's mistake.
    if cursor.index.as_deref() != query.index.as_deref() {
        return Err(CursorError::OtherIndex);
    }
    if cursor.sort.as_deref() != Some(shape.sort) {
        return Err(CursorError::OtherOrder);
    }
    let key = cursor.last_key;
    // The store would answer an impossible key with an error that looks like a wrong deployment,
    // although the caller is at fault.
    let is_possible = |(name, most): &(&str, usize)| {
        key.text(name).is_some_and(|t| (1..=*most).contains(&t.len()))
    };
    if key.iter().count() != shape.attributes.len() || !shape.attributes.iter().all(is_possible) {
        return Err(CursorError::OtherKey);
    }
    // The partition key is, or begins with, the tenant. A cursor of another tenant must not affect
    // this read.
    if key.get(&query.partition.name) != Some(&query.partition.value) {
        return Err(CursorError::OtherPartition);
    }
    if let Some((name, range)) = &query.range
        && !key.get(name).is_some_and(|value| range.contains(value))
    {
        return Err(CursorError::OutOfRange);
    }
    Ok(key)
}
