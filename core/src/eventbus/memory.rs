//! An event bus in memory.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::ops::Range;
use core::time::Duration;

use super::codec::EventCodec;
use super::cursor::OffsetCursor;
use super::delete::Deleted;
use super::error::{Error, Input, Reason};
use super::event::Event;
use super::keys::{EventKey, Separator, check_tenant};
use super::lookup::LookUp;
use super::page::{EventPage, PageEnd, Positions};
use super::plan::clamp;
use super::publish::{PublishOutcome, Published, check_size, complete};
use super::query::{EventQuery, Order, Selection};
use crate::time::Timestamp;

/// An event bus in memory, with offset cursors, for tests and small tools.
///
/// It follows the same rules as [`BusConfig`](super::BusConfig) on a table, with two differences.
/// Events have no default expiry, and stay until they are deleted. A page's cursor counts events,
/// so publishing between two pages shifts the second page.
///
/// ```
/// use apptheory_core::eventbus::{Event, EventQuery, MemoryBus, Ulid};
/// use apptheory_core::time::Timestamp;
///
/// let now: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let mut bus = MemoryBus::default();
/// for n in 0..3 {
///     let event = Event::new("t1", "order.created").id(Ulid::new(now, n)).published_at(now);
///     bus.publish(event, now, n)?;
/// }
/// let page = bus.query(&EventQuery::new("t1").limit(2))?;
/// assert_eq!((page.events.len(), page.next.as_deref()), (2, Some("Mg")));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryBus {
    separator: Separator,
    /// All events by key; those of one tenant and type are sorted by time.
    events: BTreeMap<EventKey, Arc<Event>>,
    /// All events by tenant; each tenant's are sorted by time.
    by_tenant: BTreeMap<Place, Arc<Event>>,
}

/// Tenant, time of publication, id and type: the order of every query within a tenant.
type Place = (String, Option<Timestamp>, String, String);

fn place(event: &Event) -> Place {
    let Event { tenant_id, published_at, id, event_type, .. } = event;
    (tenant_id.clone(), *published_at, id.clone(), event_type.clone())
}

impl MemoryBus {
    /// Creates an empty bus. `separator` says whether tenants and types may contain `#`.
    #[must_use]
    pub const fn new(separator: Separator) -> Self {
        Self { separator, events: BTreeMap::new(), by_tenant: BTreeMap::new() }
    }

    /// Stores an event, unless it already exists. `entropy` becomes part of the id of an event
    /// without one.
    ///
    /// # Errors
    ///
    /// [`Error`] for an event that a table would refuse, too.
    pub fn publish(
        &mut self,
        event: Event,
        now: Timestamp,
        entropy: u128,
    ) -> Result<Published, Error> {
        let event = complete(event, now, entropy, self.separator)?;
        check_size(&EventCodec::default().encode(&event))?;
        let Some(key) = event.key.clone() else {
            return Err(Input::EmptyEventId.into());
        };
        let outcome = match self.events.entry(key) {
            Entry::Occupied(_) => PublishOutcome::Deduplicated,
            Entry::Vacant(vacant) => {
                let event = Arc::new(event.clone());
                self.by_tenant.insert(place(&event), Arc::clone(&event));
                vacant.insert(event);
                PublishOutcome::Created
            }
        };
        Ok(Published { event, outcome })
    }

    /// Reads a page of events.
    ///
    /// # Errors
    ///
    /// [`Error`] for a query that a table would refuse, too, and for a cursor that is not an offset
    /// cursor.
    pub fn query(&self, query: &EventQuery) -> Result<EventPage, Error> {
        let selection = Selection::of(query, self.separator)?;
        let skipped = match query.cursor.as_deref() {
            None | Some("") => 0,
            Some(cursor) => OffsetCursor::decode(cursor)?.0,
        };
        let mut selected = self.selected(&selection);
        let before = (0..skipped).take_while(|_| selected.next().is_some()).count();
        let events: Vec<Event> = selected.by_ref().take(selection.page_size).cloned().collect();
        let has_more = selected.next().is_some();
        let offset = |events: usize| u64::try_from(events).unwrap_or(u64::MAX);
        let next = OffsetCursor(offset(before.saturating_add(events.len())));
        Ok(EventPage {
            events,
            next: has_more.then(|| next.encode()),
            end: if has_more { PageEnd::Full } else { PageEnd::EndOfData },
            unreadable: Vec::new(),
            positions: Positions::Offset(offset(before)),
        })
    }

    /// Returns the events of a query in its order: those of one type by key, as in a table; those
    /// of all types by tenant, as in its index.
    fn selected<'a>(
        &'a self,
        selection: &'a Selection,
    ) -> Box<dyn Iterator<Item = &'a Event> + 'a> {
        if selection.is_reversed() {
            return Box::new(core::iter::empty());
        }
        let selects = move |event: &&Event| selection.selects(event);
        match &selection.event_type {
            Some(event_type) => {
                let events = self.events.range(keys(selection, event_type));
                in_order(selection.order, events.map(|(_, event)| &**event).filter(selects))
            }
            None => {
                let events = self.by_tenant.range(places(selection));
                in_order(selection.order, events.map(|(_, event)| &**event).filter(selects))
            }
        }
    }

    /// Reads the newest event with an id, optionally in one tenant.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`InvalidInput`](super::ErrorKind::InvalidInput) or
    /// [`NotFound`](super::ErrorKind::NotFound).
    pub fn get(&self, id: &str, tenant_id: Option<&str>) -> Result<&Event, Error> {
        let id = LookUp::new(id, None)?.id;
        let newest = self.copies(&id, tenant_id)?.into_iter().next();
        newest.ok_or(Error(Reason::NotFound(id)))
    }

    /// Reads the event with a key.
    ///
    /// # Errors
    ///
    /// The same as for [`get`](Self::get).
    pub fn get_by_key(&self, key: &EventKey) -> Result<&Event, Error> {
        let id = LookUp::of_key(key)?.id;
        self.events.get(key).map(Arc::as_ref).ok_or(Error(Reason::NotFound(id)))
    }

    /// Deletes the newest event with an id, optionally in one tenant.
    ///
    /// # Errors
    ///
    /// The same as for [`get`](Self::get).
    pub fn delete(&mut self, id: &str, tenant_id: Option<&str>) -> Result<Deleted, Error> {
        let key = self.get(id, tenant_id)?.key.clone();
        Ok(self.remove(key))
    }

    /// Deletes every event with an id, optionally in one tenant.
    ///
    /// # Errors
    ///
    /// The same as for [`get`](Self::get).
    pub fn delete_all(&mut self, id: &str, tenant_id: Option<&str>) -> Result<Deleted, Error> {
        let id = LookUp::new(id, None)?.id;
        let copies = self.copies(&id, tenant_id)?;
        let keys: Vec<EventKey> =
            copies.into_iter().filter_map(|event| event.key.clone()).collect();
        if keys.is_empty() {
            return Err(Error(Reason::NotFound(id)));
        }
        Ok(self.remove(keys))
    }

    /// Deletes all events of a tenant, and returns their number.
    ///
    /// # Errors
    ///
    /// [`Error`] for an invalid tenant.
    pub fn delete_tenant(&mut self, tenant_id: &str) -> Result<u64, Error> {
        let tenant_id = tenant_id.trim();
        check_tenant(tenant_id, self.separator)?;
        let before = self.events.len();
        self.events.retain(|_, event| event.tenant_id != tenant_id);
        self.by_tenant.retain(|_, event| event.tenant_id != tenant_id);
        Ok(u64::try_from(before.saturating_sub(self.events.len())).unwrap_or(u64::MAX))
    }

    /// Returns the events with an id, newest first.
    fn copies(&self, id: &str, tenant_id: Option<&str>) -> Result<Vec<&Event>, Error> {
        let tenant_id = tenant_id.map(str::trim);
        if let Some(tenant_id) = tenant_id {
            check_tenant(tenant_id, Separator::Allowed)?;
        }
        let is_wanted = |event: &&Event| {
            event.id == id && tenant_id.is_none_or(|tenant_id| event.tenant_id == tenant_id)
        };
        let mut copies: Vec<&Event> =
            self.events.values().map(Arc::as_ref).filter(is_wanted).collect();
        copies.sort_by_key(|event| Reverse((event.published_at, &event.key)));
        Ok(copies)
    }

    fn remove(&mut self, keys: impl IntoIterator<Item = EventKey>) -> Deleted {
        let mut deleted = Deleted { copies: 0 };
        for event in keys.into_iter().filter_map(|key| self.events.remove(&key)) {
            self.by_tenant.remove(&place(&event));
            deleted.copies = deleted.copies.saturating_add(1);
        }
        deleted
    }
}

/// Returns the range of keys of one type's events that a query selects.
fn keys(selection: &Selection, event_type: &str) -> Range<EventKey> {
    let partition_key = [&*selection.tenant_id, "#", event_type].concat();
    // Every sort key has nineteen digits, then `#` and an id.
    let at = |nanos: i128| format!("{nanos}#");
    let start = selection.start.map(|start| at(clamp(start).unix_nanos()));
    let first =
        EventKey { partition_key: partition_key.clone(), sort_key: start.unwrap_or_default() };
    let end = selection.end.map(|end| at(clamp(end).unix_nanos().saturating_add(1)));
    let past = match end {
        Some(sort_key) => EventKey { partition_key, sort_key },
        None => EventKey { partition_key: after(partition_key), sort_key: String::new() },
    };
    first..past
}

/// Returns the range of places of events that a query selects.
fn places(selection: &Selection) -> Range<Place> {
    let at =
        |tenant_id: String, at: Option<Timestamp>| (tenant_id, at, String::new(), String::new());
    let tenant_id = &selection.tenant_id;
    let past = match selection.end {
        // Never saturates: no event is published in the last nanosecond of year 9999.
        Some(end) => at(tenant_id.clone(), Some(end.saturating_add(Duration::from_nanos(1)))),
        None => at(after(tenant_id.clone()), None),
    };
    at(tenant_id.clone(), selection.start)..past
}

/// Returns the next text in order: no text lies between a text and the same text with a NUL
/// appended.
fn after(mut text: String) -> String {
    text.push('\0');
    text
}

fn in_order<'a>(
    order: Order,
    oldest_first: impl DoubleEndedIterator<Item = &'a Event> + 'a,
) -> Box<dyn Iterator<Item = &'a Event> + 'a> {
    match order {
        Order::OldestFirst => Box::new(oldest_first),
        Order::NewestFirst => Box::new(oldest_first.rev()),
    }
}
