//! A page of a query's result.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::codec::UnreadableItem;
use super::cursor::{CursorSeal, OffsetCursor};
use super::event::Event;
use super::keys::EventKey;
use super::query::{Order, write_cursor};
use crate::json::{self, ObjectWriter};
use crate::store::{AttributeName, Item, KeyCursor};

/// A page of events, and where it ended.
///
/// Only a missing `next` means the end of the data: a page may be short, or even empty, and still
/// have a `next`.
#[derive(Clone, Debug)]
pub struct EventPage {
    /// The events, in the order of the query.
    pub events: Vec<Event>,
    /// The cursor with which the same query continues; `None` at the end.
    pub next: Option<String>,
    /// Why the page ended where it did.
    pub end: PageEnd,
    /// Stored items in the page's range that are not events. All events are in `events` regardless.
    pub unreadable: Vec<UnreadableItem>,
    pub(super) positions: Positions,
}

/// Says why a page ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PageEnd {
    /// It holds as many events as requested.
    Full,
    /// There are no more events.
    EndOfData,
    /// The read budget is spent: the query's filters rejected most events.
    BudgetSpent,
}

/// The data from which the cursors of single events are made.
#[derive(Clone, Debug)]
pub(super) enum Positions {
    /// The number of events before the page.
    Offset(u64),
    /// Where the items were found.
    Keys(KeyPositions),
}

/// Where the items of a page were found in a table or index.
#[derive(Clone, Debug)]
pub(super) struct KeyPositions {
    /// The cursor that the page started from.
    pub(super) from: Option<String>,
    pub(super) cursors: CursorWriter,
    /// The key of each event's item, in the order of the store.
    pub(super) keys: KeyTexts,
    /// For each event of the page, the index of its key.
    pub(super) ranks: Vec<usize>,
}

/// The key attributes of items, all in one text. Nearly every page is read to its end, so cursors
/// of events within it are rarely needed.
#[derive(Clone, Debug)]
pub(super) struct KeyTexts {
    names: Vec<&'static str>,
    texts: String,
    /// Where each attribute's text ends; each item has as many entries as there are names.
    ends: Vec<usize>,
}

impl KeyTexts {
    pub(super) const fn new(names: Vec<&'static str>) -> Self {
        Self { names, texts: String::new(), ends: Vec::new() }
    }

    /// Reserves room for the keys of some items.
    pub(super) fn reserve(&mut self, items: usize) {
        let attributes = items.saturating_mul(self.names.len());
        self.ends.reserve(attributes);
        self.texts.reserve(attributes.saturating_mul(USUAL_TEXT));
    }

    /// Adds an item's key. A missing attribute counts as empty, which no key attribute can be.
    pub(super) fn push(&mut self, item: &Item) {
        for name in &self.names {
            self.texts.push_str(item.text(name).unwrap_or_default());
            self.ends.push(self.texts.len());
        }
    }

    /// Removes the last item's key.
    pub(super) fn pop(&mut self) {
        self.ends.truncate(self.ends.len().saturating_sub(self.names.len()));
        self.texts.truncate(self.ends.last().copied().unwrap_or(0));
    }

    fn len(&self) -> usize {
        self.ends.len().checked_div(self.names.len()).unwrap_or(0)
    }

    fn get(&self, index: usize) -> Option<Item> {
        let first = index.saturating_mul(self.names.len());
        let ends = self.ends.get(first..first.saturating_add(self.names.len()))?;
        let before = first.checked_sub(1).and_then(|at| self.ends.get(at)).unwrap_or(&0);
        let starts = core::iter::once(before).chain(ends);
        let texts = starts.zip(ends).map(|(start, end)| self.texts.get(*start..*end));
        let texts = self.names.iter().zip(texts.map(Option::unwrap_or_default));
        let present = texts.filter(|(_, text)| !text.is_empty());
        Some(present.map(|(name, text)| ((*name).into(), text.into())).collect())
    }
}

/// The bytes of most texts in keys.
const USUAL_TEXT: usize = 32;

/// Writes the key cursors of one query.
#[derive(Clone, Debug)]
pub(super) struct CursorWriter {
    pub(super) index: Option<AttributeName>,
    pub(super) order: Order,
    pub(super) seal: Option<CursorSeal>,
}

impl CursorWriter {
    pub(super) fn write(&self, last_key: Item) -> String {
        let cursor = KeyCursor {
            last_key,
            index: self.index.as_ref().map(|index| (**index).into()),
            sort: Some(self.order.as_str().into()),
        };
        match &self.seal {
            Some(seal) => seal.seal(&cursor.encode()),
            None => cursor.encode(),
        }
    }
}

impl PageEnd {
    /// Returns the reason's name in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::EndOfData => "end_of_data",
            Self::BudgetSpent => "budget_spent",
        }
    }
}

impl EventPage {
    /// Returns the cursor with which the same query continues after the event at `index` (from 0;
    /// an index beyond the last event means the last). `None` stands for the query's first page.
    ///
    /// No event after this one is left out. Among events of the same instant in a tenant's index,
    /// the store's order differs from the page's, so some earlier ones may be read again; recognize
    /// them by their id.
    #[must_use]
    pub fn cursor_after(&self, index: usize) -> Option<String> {
        match &self.positions {
            Positions::Offset(before) => {
                let events = self.events.len().min(index.saturating_add(1));
                let events = u64::try_from(events).unwrap_or(u64::MAX);
                Some(OffsetCursor(before.saturating_add(events)).encode())
            }
            Positions::Keys(positions) => positions.cursor_after(index),
        }
    }

    /// Returns the page as JSON, with the portable cursor form: `{"next_key":{"cursor":"…"}}`, or
    /// `null` at the end. An event whose payload is not JSON is listed as unreadable.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut unreadable: Vec<(Option<&EventKey>, String)> =
            self.unreadable.iter().map(|error| (error.key.as_ref(), error.to_string())).collect();
        let mut events: Vec<String> = Vec::with_capacity(self.events.len());
        for event in &self.events {
            match event.to_json() {
                Ok(event) => events.push(event),
                Err(error) => unreadable.push((event.key.as_ref(), error.to_string())),
            }
        }
        let mut out = String::new();
        let mut object = ObjectWriter::begin(&mut out);
        json::write_array(&events, object.member("events"), |event, out| out.push_str(event));
        match &self.next {
            Some(cursor) => write_cursor(cursor, object.member("next_key")),
            None => object.member("next_key").push_str("null"),
        }
        object.text("end", self.end.as_str());
        if !unreadable.is_empty() {
            json::write_array(&unreadable, object.member("unreadable"), |(key, error), out| {
                let mut object = ObjectWriter::begin(out);
                object.text("partition_key", key.map_or("", |key| &key.partition_key));
                object.text("sort_key", key.map_or("", |key| &key.sort_key));
                object.text("error", error);
                object.end();
            });
        }
        object.end();
        out
    }
}

impl KeyPositions {
    fn cursor_after(&self, index: usize) -> Option<String> {
        let mut passed = alloc::vec![false; self.keys.len()];
        for rank in self.ranks.iter().take(index.saturating_add(1)) {
            if let Some(passed) = passed.get_mut(*rank) {
                *passed = true;
            }
        }
        // The store continues after a single item, so every item up to it must have been passed.
        let last = passed.iter().take_while(|passed| **passed).count().checked_sub(1);
        match last.and_then(|last| self.keys.get(last)) {
            Some(key) => Some(self.cursors.write(key)),
            None => self.from.clone(),
        }
    }
}

/// Compares two events of a page: by time of publication, then id, then type.
pub(super) fn compare(order: Order, a: &Event, b: &Event) -> Ordering {
    let (a, b) = match order {
        Order::NewestFirst => (b, a),
        Order::OldestFirst => (a, b),
    };
    let by_time_and_id = a.published_at.cmp(&b.published_at).then_with(|| a.id.cmp(&b.id));
    by_time_and_id.then_with(|| a.event_type.cmp(&b.event_type))
}
