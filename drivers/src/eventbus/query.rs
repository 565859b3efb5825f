//! Queries of a bus.

use apptheory_core::eventbus::{Error, Event, EventPage, EventQuery, Order};
use apptheory_core::time::Timestamp;
use futures_util::stream::{self, Stream, StreamExt as _};

use super::EventBus;

/// A query of a tenant's events, newest first by default; made by [`EventBus::query`].
///
/// ```
/// use apptheory::eventbus::{EventBus, Order};
///
/// async fn invoices(bus: &EventBus) -> Result<usize, apptheory::eventbus::Error> {
///     let query = bus.query("tenant-7").of_type("invoice.paid").ordered(Order::OldestFirst);
///     Ok(query.limit(20).page().await?.events.len())
/// }
/// # let _ = invoices;
/// ```
#[derive(Clone, Debug)]
#[must_use = "read its `page()`, `pages()` or `events()`"]
pub struct BusQuery {
    bus: EventBus,
    query: EventQuery,
}

impl BusQuery {
    pub(super) const fn new(bus: EventBus, query: EventQuery) -> Self {
        Self { bus, query }
    }

    /// Selects events of one type.
    pub fn of_type(self, event_type: impl Into<String>) -> Self {
        Self { query: self.query.of_type(event_type), ..self }
    }

    /// Also selects by tags: events must have all of them. At most 100 different tags.
    pub fn tagged<T: Into<String>>(self, tags: impl IntoIterator<Item = T>) -> Self {
        Self { query: self.query.tagged(tags), ..self }
    }

    /// Selects events published at `start` or later.
    pub fn since(self, start: Timestamp) -> Self {
        Self { query: self.query.since(start), ..self }
    }

    /// Selects events published at `end` or earlier.
    pub fn until(self, end: Timestamp) -> Self {
        Self { query: self.query.until(end), ..self }
    }

    /// Sets the page size: 1 to 1000 events; any other number means 100.
    pub fn limit(self, limit: u32) -> Self {
        Self { query: self.query.limit(limit), ..self }
    }

    /// Sets the order of the events.
    pub fn ordered(self, order: Order) -> Self {
        Self { query: self.query.ordered(order), ..self }
    }

    /// Continues after the page that returned this cursor.
    pub fn after(self, cursor: impl Into<String>) -> Self {
        Self { query: self.query.after(cursor), ..self }
    }

    /// Reads a page of events. A page may have fewer events than the limit, or none, and still not
    /// be the last: only a missing [`next`](EventPage::next) marks the end.
    ///
    /// # Errors
    ///
    /// [`Error`]. After a failure of the store, retry the same query.
    pub async fn page(&self) -> Result<EventPage, Error> {
        self.bus.page(&self.query).await
    }

    /// Reads all pages. The first error ends the stream; continue with [`Error::cursor`], the
    /// cursor of the page that failed.
    pub fn pages(self) -> impl Stream<Item = Result<EventPage, Error>> + Send + 'static {
        stream::unfold(Some(self), async move |rest| {
            let query = rest?;
            let page = query.page().await;
            let next = page.as_ref().ok().and_then(|page| page.next.clone());
            Some((page, next.map(|next| query.after(next))))
        })
    }

    /// Reads all events, page by page. An [item](Error::unreadable_item) that cannot be read is
    /// yielded as an error after the events of its page, and the stream continues; any other error
    /// ends the stream.
    pub fn events(self) -> impl Stream<Item = Result<Event, Error>> + Send + 'static {
        self.pages().flat_map(|page| {
            let results = match page {
                Ok(page) => {
                    let unreadable = page.unreadable.into_iter().map(|item| Err(item.into()));
                    page.events.into_iter().map(Ok).chain(unreadable).collect()
                }
                Err(error) => vec![Err(error)],
            };
            stream::iter(results)
        })
    }
}
