//! Reads: single items, batches, and pages of a partition.

use alloc::vec::Vec;
use core::ops::Bound;

use super::table::{Position, PrimaryKey, Sorted, Stretch, Table, stretch};
use super::{Carried, INVALID_REQUEST, Tables};
use crate::store::{
    BatchGetItem, BatchRead, ConsumedCapacity, Error, GetItem, Item, Key, Page, QueryItems, Value,
};

pub(super) fn get_item(tables: &Tables, get: &GetItem) -> Carried<Option<Item>> {
    let table = tables.get(&get.table)?;
    let key = table.locate(&get.key).map_err(|_| INVALID_REQUEST)?;
    let item = table.get(key);
    let consumed = ConsumedCapacity::read(item.map_or(0, |item| item.size()), get.consistent);
    Ok((item.map(|item| Item::clone(item)), consumed))
}

pub(super) fn batch_get_item(tables: &Tables, batch: &BatchGetItem) -> Carried<BatchRead> {
    let table = tables.get(&batch.table)?;
    let located: Vec<(&Key, PrimaryKey<'_>)> = batch
        .keys
        .iter()
        .map(|key| table.locate(key).map(|located| (key, located)).map_err(|_| INVALID_REQUEST))
        .collect::<Result<_, _>>()?;

    let mut read = BatchRead { items: Vec::new(), unprocessed: Vec::new() };
    let mut consumed = ConsumedCapacity::default();
    let mut bytes = 0_usize;
    for (key, located) in located {
        let item = table.get(located);
        let size = item.map_or(0, |item| item.size());
        if !read.unprocessed.is_empty() || bytes.saturating_add(size) > MAX_BATCH_BYTES {
            read.unprocessed.push(key.clone());
            continue;
        }
        bytes = bytes.saturating_add(size);
        consumed += ConsumedCapacity::read(size, batch.consistent);
        read.items.extend(item.map(|item| project(item, batch)));
    }
    Ok((read, consumed))
}

fn project(item: &Item, batch: &BatchGetItem) -> Item {
    if batch.projection.is_empty() {
        return item.clone();
    }
    let kept = batch.projection.iter();
    kept.filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect()
}

pub(super) fn query(tables: &Tables, query: &QueryItems) -> Carried<Page> {
    let table = tables.get(&query.table)?;
    let items = match &query.index {
        Some(name) => table.index(name).ok_or(INVALID_REQUEST)?,
        None => &table.items,
    };
    let stretch = check_against_schema(query, table, items)?;
    let partition = query.partition.value.as_text().ok_or(INVALID_REQUEST)?;

    let mut found = items.range(partition, stretch);
    let mut found =
        core::iter::from_fn(|| if query.forward { found.next() } else { found.next_back() });
    let limit = query.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let (mut page, mut examined, mut bytes, mut last) = (Page::default(), 0_usize, 0_usize, None);
    // DynamoDB does not check whether another item follows the one that fills the page.
    let ended = loop {
        if examined == limit {
            break false;
        }
        let Some(item) = found.next() else { break true };
        let size = item.size();
        if examined > 0 && bytes.saturating_add(size) > MAX_PAGE_BYTES {
            break false;
        }
        examined = examined.saturating_add(1);
        bytes = bytes.saturating_add(size);
        last = Some(item);
        if query.filter.holds(Some(item)) {
            page.items.push(Item::clone(item));
        }
    };
    if !ended {
        page.next = last.map(|item| key_of(item, table, items));
    }
    Ok((page, ConsumedCapacity::read(bytes, query.consistent)))
}

/// Refuses a query that does not match the keys of the table or index; returns the items to read.
fn check_against_schema<'a>(
    query: &'a QueryItems,
    table: &Table,
    items: &Sorted,
) -> Result<Stretch<'a>, Error> {
    let schema = &items.key;
    let ranged = query.range.as_ref().is_none_or(|(name, _)| schema.sort.as_ref() == Some(name));
    let filtered = schema.attributes().any(|name| query.filter.mentions(name));
    if query.partition.name != schema.partition || !ranged || filtered {
        return Err(INVALID_REQUEST);
    }
    let (mut from, mut to) = match &query.range {
        Some((_, range)) => stretch(range).ok_or(INVALID_REQUEST)?,
        None => (Bound::Unbounded, Bound::Unbounded),
    };
    if let Some(start) = &query.start_after {
        // The start lies within the range, so the remaining part is not reversed.
        let start = Bound::Excluded(start_position(query, start, table, items)?);
        if query.forward {
            from = start;
        } else {
            to = start;
        }
    }
    Ok((from, to))
}

/// Returns the position of a start key. The key must be one that this query could have returned:
/// exactly the key attributes of table and index, in the query's partition and range.
fn start_position<'a>(
    query: &QueryItems,
    start: &'a Item,
    table: &Table,
    items: &Sorted,
) -> Result<Position<'a>, Error> {
    let text = |name: &str| start.text(name).ok_or(INVALID_REQUEST);
    let owner = table.primary_key(start).map_err(|_| INVALID_REQUEST)?;
    let partition = text(&items.key.partition)?;
    let sort = items.key.sort.as_ref().map(|name| text(name)).transpose()?;
    let in_range = query
        .range
        .as_ref()
        .is_none_or(|(_, range)| sort.is_some_and(|sort| range.contains(&Value::from(sort))));
    let exact = key_of(start, table, items) == *start;
    if !exact || !in_range || Some(partition) != query.partition.value.as_text() {
        return Err(INVALID_REQUEST);
    }
    let owner = query.index.as_ref().map(|_| owner);
    Ok(Position::of(sort.unwrap_or_default(), owner))
}

/// Returns the key attributes of an item: those of its table and of the index.
fn key_of(item: &Item, table: &Table, items: &Sorted) -> Item {
    let names = table.items.key.attributes().chain(items.key.attributes());
    names.filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect()
}

/// The most bytes that one page of a query examines (DynamoDB limit, 1 MB).
const MAX_PAGE_BYTES: usize = 1024 * 1024;

/// The most bytes that one batch returns (DynamoDB limit, 16 MB).
const MAX_BATCH_BYTES: usize = 16 * 1024 * 1024;
