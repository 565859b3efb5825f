//! What every event bus does.

use core::future::Future;
use std::sync::Arc;

use apptheory_core::eventbus::{
    DeleteError, Deleted, Event, EventKey, EventPage, EventQuery, GetError, InvalidInput,
    Published, QueryError,
};
use futures_util::stream::{self, Stream, StreamExt as _};

use super::error::{EventsError, HandlerError, PublishFailed, QueryInterrupted, TenantNotDeleted};

/// How many events [`Bus::publish_all`] publishes at a time: 25, the batch size of the contract.
pub const PUBLISH_CONCURRENCY: usize = 25;

/// An event bus: on a table, or in memory.
///
/// Write an application against `impl Bus`, and it runs on [`EventBus`](super::EventBus)
/// in production and on [`MemoryEventBus`](super::MemoryEventBus) in a test.
///
/// ```
/// use apptheory::eventbus::{Bus, MemoryEventBus};
/// use apptheory_core::eventbus::{Event, EventQuery};
/// use futures_util::TryStreamExt;
///
/// async fn titles(bus: &impl Bus) -> Result<Vec<String>, Box<dyn core::error::Error>> {
///     let query = EventQuery::new("t1").with_event_type("note.written");
///     let events: Vec<Event> = bus.events(query).try_collect().await?;
///     events.iter().map(|event| Ok(event.payload_as::<String>()?)).collect()
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let bus = MemoryEventBus::default();
/// let event = bus.new_event("t1", "note.written").with_payload("hello")?;
/// bus.publish(event).await?;
/// assert_eq!(titles(&bus).await?, ["hello"]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// # }).unwrap();
/// ```
pub trait Bus: Send + Sync {
    /// An event created and published now, with an id of its own: publishing it again, after a
    /// time-out for example, finds the first copy.
    fn new_event(&self, tenant_id: &str, event_type: &str) -> Event;

    /// Has `handler` run for every new event of a type. The type is trimmed. Handlers stay for as
    /// long as the bus, and the same one may be there twice.
    ///
    /// The memory bus runs handlers when it publishes; a bus on a table runs them when it is given
    /// what the table's stream tells, see [`EventBus::deliver`](super::EventBus::deliver).
    ///
    /// # Errors
    ///
    /// [`InvalidInput::EmptyEventType`] for a blank type.
    fn subscribe<F, R>(&self, event_type: &str, handler: F) -> Result<(), InvalidInput>
    where
        F: Fn(Arc<Event>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), HandlerError>> + Send + 'static;

    /// Publishes an event, unless it is there already.
    ///
    /// # Errors
    ///
    /// [`PublishFailed`] says whether the event is published all the same.
    fn publish(
        &self,
        event: Event,
    ) -> impl Future<Output = Result<Published, PublishFailed>> + Send;

    /// Publishes events, [`PUBLISH_CONCURRENCY`] at a time, with one result for each in the order
    /// of the events. Events are taken, and published, only as the stream is read on, so that
    /// neither they nor the results pile up.
    fn publish_all<I>(
        &self,
        events: I,
    ) -> impl Stream<Item = Result<Published, PublishFailed>> + Send
    where
        I: IntoIterator<Item = Event>,
        I::IntoIter: Send,
    {
        stream::iter(events).map(|event| self.publish(event)).buffered(PUBLISH_CONCURRENCY)
    }

    /// Reads a page of events. Only a missing [`next`](EventPage::next) means that nothing follows.
    ///
    /// # Errors
    ///
    /// [`QueryError`]. After a failure of the store, the same query reads the same page.
    fn query(
        &self,
        query: &EventQuery,
    ) -> impl Future<Output = Result<EventPage, QueryError>> + Send;

    /// Reads pages of events up to the last. The first error ends the stream; it carries the cursor
    /// of the page that failed, from which the query can be taken up again.
    fn pages(
        &self,
        query: EventQuery,
    ) -> impl Stream<Item = Result<EventPage, QueryInterrupted>> + Send {
        stream::unfold(Some(query), async move |rest| {
            let query = rest?;
            match self.query(&query).await {
                Ok(page) => {
                    let rest = page.next.clone().map(|next| query.after(next));
                    Some((Ok(page), rest))
                }
                Err(error) => Some((Err(QueryInterrupted { cursor: query.cursor, error }), None)),
            }
        })
    }

    /// Reads events up to the last, page by page. What cannot be read is an
    /// [`EventsError::Unreadable`], behind the events of its page, and the stream goes on; an
    /// [`EventsError::Interrupted`] ends it.
    fn events(&self, query: EventQuery) -> impl Stream<Item = Result<Event, EventsError>> + Send {
        self.pages(query).flat_map(|page| {
            let (events, unreadable, interrupted) = match page {
                Ok(page) => (page.events, page.unreadable, None),
                Err(interrupted) => (Vec::new(), Vec::new(), Some(interrupted)),
            };
            let unreadable = unreadable.into_iter().map(EventsError::Unreadable);
            let interrupted = interrupted.into_iter().map(EventsError::Interrupted);
            let errors = unreadable.chain(interrupted).map(Err);
            stream::iter(events.into_iter().map(Ok).chain(errors))
        })
    }

    /// The newest event with an id, of one tenant if one is named.
    ///
    /// # Errors
    ///
    /// [`GetError`]
    fn get(
        &self,
        id: &str,
        tenant_id: Option<&str>,
    ) -> impl Future<Output = Result<Event, GetError>> + Send;

    /// The event with a key, as publishing returned it: also right after it was published.
    ///
    /// # Errors
    ///
    /// [`GetError`]
    fn get_by_key(&self, key: EventKey) -> impl Future<Output = Result<Event, GetError>> + Send;

    /// Deletes the newest event with an id, of one tenant if one is named.
    ///
    /// # Errors
    ///
    /// [`DeleteError`]
    fn delete(
        &self,
        id: &str,
        tenant_id: Option<&str>,
    ) -> impl Future<Output = Result<Deleted, DeleteError>> + Send;

    /// Deletes every event with an id, of one tenant if one is named.
    ///
    /// # Errors
    ///
    /// [`DeleteError`]
    fn delete_all(
        &self,
        id: &str,
        tenant_id: Option<&str>,
    ) -> impl Future<Output = Result<Deleted, DeleteError>> + Send;

    /// Deletes all events of a tenant, for requests to be forgotten, and says how many deletions
    /// that took. Stop publishing for the tenant first.
    ///
    /// # Errors
    ///
    /// [`TenantNotDeleted`] when it was interrupted. Call again: it goes on with what is left.
    fn delete_tenant(
        &self,
        tenant_id: &str,
    ) -> impl Future<Output = Result<u64, TenantNotDeleted>> + Send;
}
