//! Reading a page of events.

use alloc::string::String;
use alloc::vec::Vec;

use super::codec::ItemError;
use super::config::BusConfig;
use super::error::QueryError;
use super::event::Event;
use super::metrics::Measured;
use super::page::{CursorWriter, EventPage, KeyPositions, PageEnd, Positions, compare};
use super::plan::Plan;
use super::query::{EventQuery, Selection};
use crate::machine::{Machine, Step};
use crate::store::{self, Item, Page, Query, StoreFailure, StoreRequest};

/// Reads one page of a query.
///
/// It reads until the page is full, nothing follows, or the read budget is spent; each read asks
/// for the events that are still missing. Costs one `Query` of at most 1 MB per read.
///
/// ```
/// use apptheory_core::eventbus::{BusConfig, EventQuery};
/// use apptheory_core::machine::{Machine, Step};
/// use apptheory_core::store::{Page, StoreRequest};
///
/// let bus = BusConfig::builder().build()?;
/// let Step::Ask(StoreRequest::Query(ask)) = bus.query(&EventQuery::new("t1")).start() else {
///     panic!("a query reads");
/// };
/// assert_eq!(ask.effect().index.as_deref(), Some("tenant-timestamp-index"));
///
/// let Step::Done(concluded) = ask.answer(Ok(Page::default())) else {
///     panic!("an empty page ends it");
/// };
/// assert!(concluded.result?.next.is_none());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct QueryEvents {
    bus: BusConfig,
    event_type: String,
    reading: Result<Reading, QueryError>,
}

/// A page in the making.
#[derive(Clone, Debug)]
struct Reading {
    selection: Selection,
    plan: Plan,
    /// The cursor that the page starts from.
    from: Option<String>,
    /// Reads that are left.
    budget: u32,
    start_after: Option<Item>,
    /// Events and where they were found, in the order of the store.
    found: Vec<(Event, Item)>,
    unreadable: Vec<ItemError>,
    end: Option<PageEnd>,
}

impl BusConfig {
    /// Reads a page of events; see [`QueryEvents`].
    pub fn query(&self, query: &EventQuery) -> QueryEvents {
        QueryEvents {
            bus: self.clone(),
            event_type: query.event_type.as_deref().unwrap_or_default().trim().into(),
            reading: Reading::new(self, query),
        }
    }
}

impl Machine for QueryEvents {
    type Output = Measured<EventPage, QueryError>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        let next = match &self.reading {
            Ok(reading) if reading.end.is_none() => Some(reading.next_read()),
            Ok(_) | Err(_) => None,
        };
        match next {
            Some(read) => self.ask(read, Self::on_page),
            None => Step::Done(self.concluded()),
        }
    }
}

impl QueryEvents {
    fn on_page(self, outcome: Result<Page, store::Error>) -> Step<Self> {
        let failure =
            |error| QueryError::Store(StoreFailure { table: self.bus.table_name().clone(), error });
        let reading = self.reading.and_then(|reading| {
            let page = outcome.map_err(failure)?;
            Ok(reading.with(&self.bus, page))
        });
        Self { reading, ..self }.start()
    }

    fn concluded(self) -> Measured<EventPage, QueryError> {
        let metric = match &self.reading {
            Ok(_) => self.bus.metric("QuerySuccess", [("event_type", &self.event_type)]),
            Err(QueryError::Invalid(_)) => None,
            Err(_) => self.bus.metric("QueryError", [("error_type", "query_failed")]),
        };
        Measured { result: self.reading.map(|reading| reading.into_page(&self.bus)), metric }
    }
}

impl Reading {
    fn new(bus: &BusConfig, query: &EventQuery) -> Result<Self, QueryError> {
        let selection = Selection::of(query, bus.separator())?;
        let plan = Plan::of(bus, &selection)?;
        // What forms and query strings send for no cursor.
        let from = query.cursor.clone().filter(|cursor| !cursor.trim().is_empty());
        let start_after = plan.start_after(bus, from.as_deref())?;
        // The store refuses to read a reversed range; it holds nothing.
        let end = selection.is_reversed().then_some(PageEnd::EndOfData);
        Ok(Self {
            selection,
            plan,
            from,
            budget: bus.read_budget(),
            start_after,
            found: Vec::new(),
            unreadable: Vec::new(),
            end,
        })
    }

    fn missing(&self) -> usize {
        self.selection.page_size.saturating_sub(self.found.len())
    }

    fn next_read(&self) -> Query {
        Query {
            start_after: self.start_after.clone(),
            limit: u32::try_from(self.missing()).ok(),
            ..self.plan.read.clone()
        }
    }

    fn with(mut self, bus: &BusConfig, page: Page) -> Self {
        self.budget = self.budget.saturating_sub(1);
        for item in page.items {
            match bus.codec().decode(&item) {
                Ok(event) if self.selection.admits(&event) => {
                    self.found.push((event, self.plan.position(&item)));
                }
                Ok(_) => {}
                Err(error) => self.unreadable.push(error),
            }
        }
        self.start_after = page.next;
        self.end = if self.start_after.is_none() {
            Some(PageEnd::EndOfData)
        } else if self.missing() == 0 {
            Some(PageEnd::Full)
        } else {
            (self.budget == 0).then_some(PageEnd::BudgetSpent)
        };
        self
    }

    fn into_page(self, bus: &BusConfig) -> EventPage {
        let order = self.selection.order;
        let cursors =
            CursorWriter { index: self.plan.read.index, order, seal: bus.seal().cloned() };
        let next = self.start_after.filter(|_| self.end != Some(PageEnd::EndOfData));
        let (found, keys): (Vec<Event>, Vec<Item>) = self.found.into_iter().unzip();
        let mut ranked: Vec<(usize, Event)> = found.into_iter().enumerate().collect();
        ranked.sort_by(|(_, a), (_, b)| compare(order, a, b));
        let (ranks, events) = ranked.into_iter().unzip();
        EventPage {
            events,
            next: next.map(|key| cursors.write(&key)),
            end: self.end.unwrap_or(PageEnd::EndOfData),
            unreadable: self.unreadable,
            positions: Positions::Keys(KeyPositions { from: self.from, cursors, keys, ranks }),
        }
    }
}
