//! Following a query: its events, and then those that are published from now on.

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

/// Reads a query's pages over and over, and gives each event once.
///
/// Events may arrive late, behind others that were published after them: indexes lag a moment, and
/// clocks of publishers differ. The last moments before the newest event, the *overlap*, are
/// therefore read again and again, and what was given already is left out. What arrives later than
/// that is missed.
///
/// Ask for [`next_page`](Self::next_page), hand it to [`take`](Self::take), and wait after a page
/// without a `next` before you ask for another. Memory holds which events of some overlaps were
/// given.
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
///     bus.publish(Event::new("t1", "order.created").id(Ulid::new(now, n)).published_at(now), now, n)?;
///     let new = following.take(bus.query(following.next_page())?, now);
///     assert_eq!((new.events.len(), new.unreadable.len()), (1, 0));
/// }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Following {
    /// The query, with the cursor after which the next page starts.
    query: EventQuery,
    overlap: Duration,
    /// The cursor after which reading starts over: that of the last event before the overlap.
    restart: Option<String>,
    /// The events given that may be read again, with their cursors.
    given: BTreeMap<Place, Option<String>>,
    /// The unreadable items that were found since reading started over last.
    unreadable: BTreeSet<Option<EventKey>>,
    /// Those of the time before.
    unreadable_before: BTreeSet<Option<EventKey>>,
}

/// What of a page is new.
#[derive(Clone, Debug, Default)]
pub struct Followed {
    /// The events, oldest first, each with the cursor behind it; `None` is the cursor of the
    /// beginning.
    pub events: Vec<(Event, Option<String>)>,
    /// The stored items that are not events.
    pub unreadable: Vec<UnreadableItem>,
}

/// What identifies an event, in the order of time.
type Place = (Option<Timestamp>, String, String);

/// The place before all of an instant.
const fn start_of(at: Timestamp) -> Place {
    (Some(at), String::new(), String::new())
}

impl Following {
    /// Follows a query from its cursor on. Its order does not matter, its limit is that of each page.
    /// With an overlap of zero, only events of one instant are read again.
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

    /// Returns the query of the page to read next.
    #[must_use]
    pub const fn next_page(&self) -> &EventQuery {
        &self.query
    }

    /// Takes in the page that was asked for, read at `now`, and returns what of it is new.
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

    /// Moves the restart up to the overlap, and forgets what is an overlap older than that: offset
    /// cursors may reach back when late events shift them.
    fn forget(&mut self, now: Timestamp) {
        let Some(((Some(newest), ..), _)) = self.given.last_key_value() else { return };
        // An event dated ahead must not end the overlap of those that are published now.
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
