//! Whether a key cursor belongs to the query that it is used with.

use alloc::vec::Vec;

use crate::store::CursorError;
use crate::store::{Item, KeyCursor, QueryItems};

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
    query: &QueryItems,
    shape: &KeyShape,
) -> Result<Item, CursorError> {
    // The first misfit is what the caller is told, so the coarse ones go first: the key of another
    // index has other attributes, too, and it is the index that the caller got wrong.
    if cursor.index.as_deref() != query.index.as_deref() {
        return Err(CursorError::OtherIndex);
    }
    if cursor.sort.as_deref() != Some(shape.sort) {
        return Err(CursorError::OtherDirection);
    }
    let key = cursor.last_key;
    // A store answers a key that cannot be with a failure that looks like one of the deployment;
    // here it is the caller's.
    let is_possible = |(name, most): &(&str, usize)| {
        key.text(name).is_some_and(|t| (1..=*most).contains(&t.len()))
    };
    if key.iter().count() != shape.attributes.len() || !shape.attributes.iter().all(is_possible) {
        return Err(CursorError::OtherKey);
    }
    // The partition is, or begins with, the tenant: what another tenant's cursor holds must not
    // steer this read.
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
