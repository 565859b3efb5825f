//! Reads a page of events.

use alloc::string::String;
use alloc::vec::Vec;

use super::codec::UnreadableItem;
use super::config::BusConfig;
use super::error::{Doing, Error, Reason};
use super::event::Event;
use super::metrics::Measured;
use super::page::{CursorWriter, EventPage, KeyPositions, KeyTexts, PageEnd, Positions, compare};
use super::plan::Plan;
use super::query::{EventQuery, Selection};
use crate::machine::{Machine, Step};
use crate::store::{self, Item, Page, QueryItems, StoreFailure, StoreRequest};

/// Reads one page of a query.
///
/// Reads until the page is full, no events are left, or the read budget is spent; each read asks
/// for the number of events that are still missing. Costs one `Query` of at most 1 MB per read.
///
/// ```
/// use apptheory_core::eventbus::{BusConfig, EventQuery};
/// use apptheory_core::machine::{Machine, Step};
/// use apptheory_core::store::{Answered, Page, StoreRequest};
/// use apptheory_core::time::Timestamp;
///
/// let bus = BusConfig::builder().build()?;
/// let Step::Ask(StoreRequest::QueryItems(ask)) = bus.query(&EventQuery::new("t1"))?.start() else {
///     panic!("a query reads");
/// };
/// assert_eq!(ask.effect().index.as_deref(), Some("tenant-timestamp-index"));
///
/// let nothing = Answered { answer: Page::default(), at: Timestamp::UNIX_EPOCH };
/// let Step::Done(concluded) = ask.answer(Ok(nothing)) else {
///     panic!("an empty page ends it");
/// };
/// assert!(concluded.result?.next.is_none());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct QueryEvents {
    bus: BusConfig,
    selection: Selection,
    plan: Plan,
    /// The cursor that the page starts from.
    from: Option<String>,
    /// The number of reads left.
    budget: u32,
    start_after: Option<Item>,
    /// Events in the order of the store, and where they were found.
    found: Vec<Event>,
    keys: KeyTexts,
    unreadable: Vec<UnreadableItem>,
}

impl BusConfig {
    /// Returns the machine that reads a page of events; see [`QueryEvents`]. The machine checks the
    /// cursor against the query when it starts, and reports an invalid one as a failure with a
    /// metric.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank or invalid tenant, an invalid type, or too many tags.
    pub fn query(&self, query: &EventQuery) -> Result<QueryEvents, Error> {
        let selection = Selection::of(query, self.separator())?;
        let plan = Plan::of(self, &selection)?;
        Ok(QueryEvents {
            keys: plan.key_texts(),
            plan,
            selection,
            // Forms and query strings send blanks for a missing cursor.
            from: query.cursor.clone().filter(|cursor| !cursor.trim().is_empty()),
            budget: self.read_budget(),
            bus: self.clone(),
            start_after: None,
            found: Vec::new(),
            unreadable: Vec::new(),
        })
    }
}

impl Machine for QueryEvents {
    type Output = Measured<EventPage, Error>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        match self.plan.start_after(&self.bus, self.from.as_deref()) {
            Err(error) => self.failed(Reason::QueryCursor(error)),
            // The store refuses to read a range that ends before it starts; such a range is empty.
            Ok(_) if self.selection.is_reversed() => self.concluded(PageEnd::EndOfData),
            Ok(start_after) => Self { start_after, ..self }.read_on(),
        }
    }
}

impl QueryEvents {
    fn read_on(self) -> Step<Self> {
        let read = QueryItems {
            start_after: self.start_after.clone(),
            limit: u32::try_from(self.missing()).ok(),
            ..self.plan.read.clone()
        };
        self.ask(read, Self::on_page)
    }

    fn on_page(mut self, outcome: store::Outcome<Page>) -> Step<Self> {
        let page = match outcome {
            Ok(answered) => answered.answer,
            Err(error) => {
                let failure = StoreFailure { table: self.bus.table_name().clone(), error };
                let doing = Doing::Query { cursor: self.from.clone() };
                return self.failed(Reason::Store { doing, failure });
            }
        };
        self.take(page.items);
        self.start_after = page.next;
        self.budget = self.budget.saturating_sub(1);
        if self.start_after.is_none() {
            self.concluded(PageEnd::EndOfData)
        } else if self.missing() == 0 {
            self.concluded(PageEnd::Full)
        } else if self.budget == 0 {
            self.concluded(PageEnd::BudgetSpent)
        } else {
            self.read_on()
        }
    }

    fn take(&mut self, items: Vec<Item>) {
        // Growing copies what is there.
        self.found.reserve(items.len());
        self.keys.reserve(items.len());
        for item in items {
            self.keys.push(&item);
            match self.bus.codec().decode(item) {
                Ok(event) if self.selection.admits(&event) => {
                    self.found.push(event);
                    continue;
                }
                // The bounds of a read may be wider than the query's; see `Plan`.
                Ok(_) => {}
                Err(error) => self.unreadable.push(error),
            }
            self.keys.pop();
        }
    }

    fn missing(&self) -> usize {
        self.selection.page_size.saturating_sub(self.found.len())
    }

    fn failed(self, reason: Reason) -> Step<Self> {
        let metric = self.bus.metric("QueryError", [("error_type", "query_failed")]);
        Step::Done(Measured { result: Err(Error(reason)), metric })
    }

    fn concluded(self, end: PageEnd) -> Step<Self> {
        let event_type = self.selection.event_type.as_deref().unwrap_or_default();
        let metric = self.bus.metric("QuerySuccess", [("event_type", event_type)]);
        Step::Done(Measured { result: Ok(self.into_page(end)), metric })
    }

    fn into_page(self, end: PageEnd) -> EventPage {
        let (order, seal) = (self.selection.order, self.bus.seal().cloned());
        let cursors = CursorWriter { index: self.plan.read.index, order, seal };
        // Within one instant, or within one second if fractions are trimmed, the store's order
        // differs from the page's. Cursors follow the store's order, so each event's position in it
        // is kept.
        // Both orders are nearly always the same.
        let (ranks, events) = if self.found.is_sorted_by(|a, b| compare(order, a, b).is_le()) {
            ((0..self.found.len()).collect(), self.found)
        } else {
            let mut ranked: Vec<(usize, Event)> = self.found.into_iter().enumerate().collect();
            ranked.sort_by(|(_, a), (_, b)| compare(order, a, b));
            ranked.into_iter().unzip()
        };
        EventPage {
            events,
            next: self.start_after.map(|key| cursors.write(key)),
            end,
            unreadable: self.unreadable,
            positions: Positions::Keys(KeyPositions {
                from: self.from,
                cursors,
                keys: self.keys,
                ranks,
            }),
        }
    }
}
