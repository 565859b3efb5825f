//! How a query is read from a table.

use alloc::format;
use alloc::string::String;
use alloc::vec;

use super::config::BusConfig;
use super::cursor::{KeyShape, check};
use super::error::Error;
use super::keys::{FIRST_INSTANT, LAST_INSTANT, Separator, partition_key};
use super::page::KeyTexts;
use super::query::{Order, Selection};
use super::schema::{TENANT_INDEX, TimestampFormat};
use crate::store::{
    Attribute, AttributeName, CursorError, Guard, Item, KeyCursor, MAX_PARTITION_KEY_BYTES,
    MAX_SORT_KEY_BYTES, QueryItems, SortRange, Value,
};
use crate::time::Timestamp;

/// The reads for a query: the table's partition for one type, or else the tenant's index.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The read, without start and limit.
    pub(super) read: QueryItems,
    /// The form of its cursors.
    pub(super) shape: KeyShape,
}

impl Plan {
    pub(super) fn of(bus: &BusConfig, selection: &Selection) -> Result<Self, Error> {
        match &selection.event_type {
            Some(event_type) => Self::of_type(bus, selection, event_type),
            None => Ok(Self::of_tenant(bus, selection)),
        }
    }

    fn of_type(bus: &BusConfig, selection: &Selection, event_type: &str) -> Result<Self, Error> {
        let names = bus.codec().names();
        let partition = partition_key(&selection.tenant_id, event_type, bus.separator())?;
        // No sort key ends in `#`, so no key equals the bound after `end`.
        let low = selection.start.map(|start| format!("{}#", clamp(start).unix_nanos()));
        let high =
            selection.end.map(|end| format!("{}#", clamp(end).unix_nanos().saturating_add(1)));
        let mut filter = tags_filter(names.tags, &selection.tags);
        if bus.separator() == Separator::Allowed {
            // Another tenant and type may have the same partition key.
            filter = filter
                .and(Guard::equals(names.tenant_id, selection.tenant_id.as_str().into()))
                .and(Guard::equals(names.event_type, event_type.into()));
        }
        Ok(Self {
            read: QueryItems {
                range: range(names.sort_key, low.map(Value::from), high.map(Value::from)),
                filter,
                ..partition_read(bus, None, names.partition_key, &partition, selection.order)
            },
            shape: KeyShape {
                attributes: vec![
                    (names.partition_key, MAX_PARTITION_KEY_BYTES),
                    (names.sort_key, MAX_SORT_KEY_BYTES),
                ],
                sort: selection.order.as_str(),
            },
        })
    }

    fn of_tenant(bus: &BusConfig, selection: &Selection) -> Self {
        let names = bus.codec().names();
        let format = bus.codec().timestamp_format;
        let low = selection.start.map(|start| low_bound(format, clamp(start)));
        let high = selection.end.map(|end| high_bound(format, clamp(end)));
        Self {
            read: QueryItems {
                range: range(names.published_at, low, high),
                filter: tags_filter(names.tags, &selection.tags),
                ..partition_read(
                    bus,
                    Some(TENANT_INDEX),
                    names.tenant_id,
                    &selection.tenant_id,
                    selection.order,
                )
            },
            shape: KeyShape {
                attributes: vec![
                    (names.partition_key, MAX_PARTITION_KEY_BYTES),
                    (names.sort_key, MAX_SORT_KEY_BYTES),
                    (names.tenant_id, MAX_PARTITION_KEY_BYTES),
                    (names.published_at, MAX_SORT_KEY_BYTES),
                ],
                sort: selection.order.as_str(),
            },
        }
    }

    /// Returns the key after which to read, from a cursor of the caller.
    pub(super) fn start_after(
        &self,
        bus: &BusConfig,
        cursor: Option<&str>,
    ) -> Result<Option<Item>, CursorError> {
        let cursor = cursor.unwrap_or_default();
        let cursor = match bus.seal() {
            Some(seal) => seal.open(cursor)?,
            None => cursor,
        };
        let Some(cursor) = KeyCursor::decode(cursor)? else { return Ok(None) };
        Ok(Some(check(cursor, &self.read, &self.shape)?))
    }

    /// Returns the collector of the key attributes from which cursors are made.
    pub(super) fn key_texts(&self) -> KeyTexts {
        KeyTexts::new(self.shape.attributes.iter().map(|(name, _)| *name).collect())
    }
}

/// Returns the read of a whole partition of the table, or of one of its indexes.
pub(super) fn partition_read(
    bus: &BusConfig,
    index: Option<&'static str>,
    name: &'static str,
    value: &str,
    order: Order,
) -> QueryItems {
    QueryItems {
        table: bus.table_name().clone(),
        index: index.map(AttributeName::from),
        partition: Attribute { name: name.into(), value: Value::from(value) },
        range: None,
        filter: Guard::Always,
        start_after: None,
        limit: None,
        forward: order == Order::OldestFirst,
        consistent: false,
    }
}

fn range(
    name: &'static str,
    low: Option<Value>,
    high: Option<Value>,
) -> Option<(AttributeName, SortRange)> {
    let range = match (low, high) {
        (Some(low), Some(high)) => SortRange::Between(low, high),
        (Some(low), None) => SortRange::AtLeast(low),
        (None, Some(high)) => SortRange::AtMost(high),
        (None, None) => return None,
    };
    Some((name.into(), range))
}

/// Requires that all tags are present.
fn tags_filter(name: &'static str, tags: &[String]) -> Guard {
    let contains =
        |tag: &String| Guard::Contains { name: name.into(), value: Value::from(tag.as_str()) };
    tags.iter().map(contains).reduce(Guard::and).unwrap_or(Guard::Always)
}

/// Clamps a bound to the instants that keys can contain.
pub(super) fn clamp(bound: Timestamp) -> Timestamp {
    bound.clamp(FIRST_INSTANT, LAST_INSTANT)
}

/// With fractions of any length, text order is time order only between whole seconds. So the bounds
/// include the whole second, and events outside the range are filtered out by their instant.
fn low_bound(format: TimestampFormat, start: Timestamp) -> Value {
    match format {
        TimestampFormat::Fixed9 => Value::from(format.write(start)),
        // A prefix of every text of that second, and so not greater than any of them.
        TimestampFormat::Trimmed => Value::from(start.to_rfc3339_seconds().trim_end_matches('Z')),
    }
}

fn high_bound(format: TimestampFormat, end: Timestamp) -> Value {
    match format {
        TimestampFormat::Fixed9 => Value::from(format.write(end)),
        // `Z` is greater than the `.` before any fraction.
        TimestampFormat::Trimmed => Value::from(end.to_rfc3339_seconds()),
    }
}
