//! Follows a query: reads its events, and then newly published ones.

use alloc::collections::btree_map::Entry;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::codec::UnreadableItem;
use super::event::Event;
use super::keys::EventKey;
use super::page::EventPage;
use super::query::{EventQuery, Order};
use crate::time::Timestamp;

/// Follows a query: reads its pages repeatedly, and returns each event once.
///
/// An event may appear behind others that were published later, because indexes lag a moment and
/// publishers' clocks differ. The time just before the newest event, the *overlap*, is therefore
/// read again and again, and events that were already returned are skipped. Events that appear
/// later than that are missed.
///
/// Run [`next_page`](Self::next_page), pass the page to [`take`](Self::take), and after a page
/// without a `next` wait before the next one. Memory holds the events of a few overlaps that were
/// returned.
///
/// ```
/// use core::time::Duration;
///
/// use apptheory_core::eventbus::{Event, EventQuery, Following, MemoryBus, Ulid};
/// use apptheory_core::time::Timestamp;
///
/// let now: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let mut bus = MemoryBus::default();
/// let mut following = Following::new(EventQuery::new("t1"), Duration::from_secs(2));
/// for n in 0..3 {
///     let event = Event::new("t1", "order.created").id(Ulid::new(now, n)).published_at(now);
///     bus.publish(event, now, n)?;
///     let new = following.take(bus.query(following.next_page())?, now);
///     assert_eq!((new.events.len(), new.unreadable.len()), (1, 0));
/// }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Following {
    /// The query, with the cursor of the next page.
    query: EventQuery,
    overlap: Duration,
    /// The cursor at which reading starts over: that of the last event before the overlap.
    restart: Option<String>,
    /// The returned events that may be read again, with their cursors.
    given: BTreeMap<Place, Option<String>>,
    /// The unreadable items found since reading last started over.
    unreadable: BTreeSet<Option<EventKey>>,
    /// The unreadable items of the pass before.
    unreadable_before: BTreeSet<Option<EventKey>>,
}

/// The new part of a page.
#[derive(Clone, Debug, Default)]
pub struct Followed {
    /// The events, oldest first, each with the cursor after it; `None` is the cursor of the
    /// beginning.
    pub events: Vec<(Event, Option<String>)>,
    /// The stored items that are not events.
    pub unreadable: Vec<UnreadableItem>,
}

/// Identifies an event; sorts by time.
type Place = (Option<Timestamp>, String, String);

/// Returns the place before all events of an instant.
const fn start_of(at: Timestamp) -> Place {
    (Some(at), String::new(), String::new())
}

impl Following {
    /// Follows a query from its cursor on. Ignores the query's order; its limit is the page size.
    /// With an overlap of zero, only events of the newest instant are read again.
    #[must_use]
    pub fn new(query: EventQuery, overlap: Duration) -> Self {
        Self {
            restart: query.cursor.clone(),
            query: query.ordered(Order::OldestFirst),
            overlap,
            given: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            unreadable_before: BTreeSet::new(),
        }
    }

    /// Returns the query of the next page.
    #[must_use]
    pub const fn next_page(&self) -> &EventQuery {
        &self.query
    }

    /// Processes the page of [`next_page`](Self::next_page), read at `now`, and returns its new
    /// part.
    pub fn take(&mut self, page: EventPage, now: Timestamp) -> Followed {
        let events = self.new_events(&page);
        let unreadable = self.new_unreadable(page.unreadable);
        self.forget(now);
        self.query.cursor = page.next;
        if self.query.cursor.is_none() {
            self.query.cursor.clone_from(&self.restart);
            self.unreadable_before = mem::take(&mut self.unreadable);
        }
        Followed { events, unreadable }
    }

    fn new_events(&mut self, page: &EventPage) -> Vec<(Event, Option<String>)> {
        let mut new = Vec::new();
        for (index, event) in page.events.iter().enumerate() {
            let place = (event.published_at, event.id.clone(), event.event_type.clone());
            if let Entry::Vacant(given) = self.given.entry(place) {
                let cursor = page.cursor_after(index);
                given.insert(cursor.clone());
                new.push((event.clone(), cursor));
            }
        }
        new
    }

    fn new_unreadable(&mut self, mut items: Vec<UnreadableItem>) -> Vec<UnreadableItem> {
        items.retain(|item| {
            let is_known = self.unreadable_before.contains(&item.key);
            self.unreadable.insert(item.key.clone()) && !is_known
        });
        items
    }

    /// Moves the restart to the beginning of the overlap, and forgets events that are another
    /// overlap older: offset cursors may reach back when late events shift them.
    fn forget(&mut self, now: Timestamp) {
        let Some(((Some(newest), ..), _)) = self.given.last_key_value() else { return };
        // An event dated in the future must not end the overlap of events published now.
        let newest = (*newest).min(now);
        let overlap = start_of(newest.saturating_sub(self.overlap));
        let Some(((Some(at), ..), cursor)) = self.given.range(..overlap).next_back() else {
            return;
        };
        self.restart.clone_from(cursor);
        let kept = start_of(at.saturating_sub(self.overlap));
        self.given = self.given.split_off(&kept);
    }
}
