//! The bus without a store.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::codec::EventCodec;
use super::cursor::OffsetCursor;
use super::delete::Deleted;
use super::error::{Error, Input, Reason};
use super::event::Event;
use super::keys::{EventKey, Separator, check_tenant};
use super::lookup::LookUp;
use super::page::{EventPage, PageEnd, Positions, compare};
use super::publish::{PublishOutcome, Published, check_size, complete};
use super::query::{EventQuery, Selection};
use crate::time::Timestamp;

/// An event bus without a table, with offset cursors, for tests and small tools.
///
/// It follows the same rules as [`BusConfig`](super::BusConfig) on a table, with two differences:
/// events expire only as they say themselves (and stay until they are deleted), and a page's cursor
/// counts events, so that publishing between two pages shifts what the second one shows.
///
/// ```
/// use apptheory_core::eventbus::{Event, EventQuery, MemoryBus, Ulid};
/// use apptheory_core::time::Timestamp;
///
/// let now: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let mut bus = MemoryBus::default();
/// for n in 0..3 {
///     bus.publish(Event::new("t1", "order.created").id(Ulid::new(now, n)).published_at(now), now, n)?;
/// }
/// let page = bus.query(&EventQuery::new("t1").limit(2))?;
/// assert_eq!((page.events.len(), page.next.as_deref()), (2, Some("Mg")));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryBus {
    separator: Separator,
    events: BTreeMap<EventKey, Event>,
}

impl MemoryBus {
    /// Makes an empty bus; `separator` says whether tenants and types may hold `#`.
    #[must_use]
    pub const fn new(separator: Separator) -> Self {
        Self { separator, events: BTreeMap::new() }
    }

    /// Keeps an event, unless it is there already. `entropy` becomes part of the id of an event
    /// that has none.
    ///
    /// # Errors
    ///
    /// [`Error`] for an event that a table would refuse too.
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
            Entry::Vacant(place) => {
                place.insert(event.clone());
                PublishOutcome::Created
            }
        };
        Ok(Published { event, outcome })
    }

    /// Reads a page of events.
    ///
    /// # Errors
    ///
    /// [`Error`] for a query that a table would refuse too, and for what is not an offset cursor.
    pub fn query(&self, query: &EventQuery) -> Result<EventPage, Error> {
        let selection = Selection::of(query, self.separator)?;
        let before = match query.cursor.as_deref() {
            None | Some("") => 0,
            Some(cursor) => OffsetCursor::decode(cursor)?.0,
        };
        let mut selected: Vec<&Event> =
            self.events.values().filter(|event| selection.selects(event)).collect();
        selected.sort_by(|a, b| compare(selection.order, a, b));
        let before = usize::try_from(before).unwrap_or(usize::MAX).min(selected.len());
        let end = before.saturating_add(selection.page_size);
        let events = selected.iter().skip(before).take(selection.page_size);
        let has_more = end < selected.len();
        let offset = |events: usize| u64::try_from(events).unwrap_or(u64::MAX);
        Ok(EventPage {
            events: events.map(|event| (*event).clone()).collect(),
            next: has_more.then(|| OffsetCursor(offset(end)).encode()),
            end: if has_more { PageEnd::Full } else { PageEnd::EndOfData },
            unreadable: Vec::new(),
            positions: Positions::Offset(offset(before)),
        })
    }

    /// Reads the newest event with an id, of one tenant if one is named.
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
    /// As [`get`](Self::get).
    pub fn get_by_key(&self, key: &EventKey) -> Result<&Event, Error> {
        let id = LookUp::of_key(key)?.id;
        self.events.get(key).ok_or(Error(Reason::NotFound(id)))
    }

    /// Deletes the newest event with an id, of one tenant if one is named.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn delete(&mut self, id: &str, tenant_id: Option<&str>) -> Result<Deleted, Error> {
        let key = self.get(id, tenant_id)?.key.clone();
        Ok(self.remove(key))
    }

    /// Deletes every event with an id, of one tenant if one is named.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
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

    /// Deletes all events of a tenant, and says how many there were.
    ///
    /// # Errors
    ///
    /// [`Error`] for a tenant that cannot have events.
    pub fn delete_tenant(&mut self, tenant_id: &str) -> Result<u64, Error> {
        let tenant_id = tenant_id.trim();
        check_tenant(tenant_id, self.separator)?;
        let before = self.events.len();
        self.events.retain(|_, event| event.tenant_id != tenant_id);
        Ok(u64::try_from(before.saturating_sub(self.events.len())).unwrap_or(u64::MAX))
    }

    /// The events with an id, newest first.
    fn copies(&self, id: &str, tenant_id: Option<&str>) -> Result<Vec<&Event>, Error> {
        let tenant_id = tenant_id.map(str::trim);
        if let Some(tenant_id) = tenant_id {
            check_tenant(tenant_id, Separator::Allowed)?;
        }
        let is_wanted = |event: &&Event| {
            event.id == id && tenant_id.is_none_or(|tenant_id| event.tenant_id == tenant_id)
        };
        let mut copies: Vec<&Event> = self.events.values().filter(is_wanted).collect();
        copies.sort_by_key(|event| Reverse((event.published_at, &event.key)));
        Ok(copies)
    }

    fn remove(&mut self, keys: impl IntoIterator<Item = EventKey>) -> Deleted {
        let removed = keys.into_iter().filter(|key| self.events.remove(key).is_some()).count();
        Deleted { copies: u64::try_from(removed).unwrap_or(u64::MAX) }
    }
}
