//! Reading events.

use apptheory_core::eventbus::{Error, Event, EventPage, EventQuery, Order};
use apptheory_core::time::Timestamp;
use futures_util::stream::{self, Stream, StreamExt as _};

use super::EventBus;

/// A query of a tenant's events on a bus, newest first; made by [`EventBus::query`].
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

    /// Asks for one type only.
    pub fn of_type(self, event_type: impl Into<String>) -> Self {
        Self { query: self.query.of_type(event_type), ..self }
    }

    /// Asks for events that have these tags, too: up to 100 different ones.
    pub fn tagged<T: Into<String>>(self, tags: impl IntoIterator<Item = T>) -> Self {
        Self { query: self.query.tagged(tags), ..self }
    }

    /// Asks for events from an instant on, which is included.
    pub fn since(self, start: Timestamp) -> Self {
        Self { query: self.query.since(start), ..self }
    }

    /// Asks for events up to an instant, which is included.
    pub fn until(self, end: Timestamp) -> Self {
        Self { query: self.query.until(end), ..self }
    }

    /// Asks for pages of at most `limit` events: 1 to 1000, anything else means 100.
    pub fn limit(self, limit: u32) -> Self {
        Self { query: self.query.limit(limit), ..self }
    }

    /// Sets the order.
    pub fn ordered(self, order: Order) -> Self {
        Self { query: self.query.ordered(order), ..self }
    }

    /// Goes on after a page's cursor.
    pub fn after(self, cursor: impl Into<String>) -> Self {
        Self { query: self.query.after(cursor), ..self }
    }

    /// Reads a page of events. Only a missing [`next`](EventPage::next) means that nothing follows.
    ///
    /// # Errors
    ///
    /// [`Error`]. After a failure of the store, the same query reads the same page.
    pub async fn page(&self) -> Result<EventPage, Error> {
        self.bus.page(&self.query).await
    }

    /// Reads pages of events up to the last. The first error ends the stream; [`Error::cursor`] is
    /// that of the page that failed, from which the query can be taken up again.
    pub fn pages(self) -> impl Stream<Item = Result<EventPage, Error>> + Send + 'static {
        stream::unfold(Some(self), async move |rest| {
            let query = rest?;
            let page = query.page().await;
            let next = page.as_ref().ok().and_then(|page| page.next.clone());
            Some((page, next.map(|next| query.after(next))))
        })
    }

    /// Reads events up to the last, page by page. An [item](Error::unreadable_item) that cannot be
    /// read is an error behind the events of its page, and the stream goes on; any other error ends
    /// it.
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
