//! Feeds: events as they are published, for readers that reconnect.

use core::time::Duration;
use std::collections::VecDeque;

use apptheory_core::error::AppError;
use apptheory_core::eventbus::{Error, Event, EventQuery, Followed, Following};
use apptheory_core::stream::sse::SseEvent;
use futures_util::stream::{self, Stream, StreamExt as _};

use super::bus::EventBus;
use crate::clock::Clock as _;

/// The default overlap of a [`Feed`]: how far before its newest event it reads again, 2 s.
pub const OVERLAP: Duration = Duration::from_secs(2);

/// The default interval at which a [`Feed`] polls when it has reached the end: 1 s.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The name of the server-sent event that replaces an event that cannot be sent. Its data is JSON
/// with the event's `id`, if known, and the `error`.
pub const UNREADABLE: &str = "unreadable";

/// Follows a query: yields its events, oldest first, then events as they are published.
///
/// Each event comes with its cursor. Send the cursor as the id of a server-sent event: the browser
/// returns it in `Last-Event-ID` when it reconnects, and the feed [continues](Self::after) after
/// that event.
///
/// An event may arrive late, after events with a later publication time: indexes are eventually
/// consistent, and the clocks of publishers differ. The feed therefore reads the last moments
/// before its newest event (the *overlap*) again with each poll, and skips events that it has
/// already given. Events that arrive later than the overlap are missed. So are events that arrive
/// late, before the cursor of a reader that reconnects, because a new feed has no overlap yet.
///
/// A reader that reconnects gets an event twice only if the last event that it saw had arrived
/// late: events after that one are repeated. Use the event ids to skip them.
///
/// A poll costs as much as a [page](super::BusQuery::page) of the overlap's events. The feed keeps
/// one page in memory, and the ids of the events of a few overlaps.
///
/// ```
/// use apptheory::app::{App, Context, Sse};
/// use apptheory::error::AppError;
/// use apptheory::eventbus::{EventBus, Feed};
/// use apptheory::store::Store;
///
/// let bus = EventBus::on(&Store::memory());
/// let app = App::new().get("/events", move |context: Context, sse: Sse| {
///     let feed = Feed::new(&bus, "t1");
///     let feed = feed.after(context.header("last-event-id"));
///     async move { Ok::<_, AppError>(sse.send(feed.open().await?)) }
/// });
/// # app.build()?;
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Feed {
    bus: EventBus,
    query: EventQuery,
    overlap: Duration,
    interval: Duration,
}

impl Feed {
    /// Creates a feed of a query. The query's order is ignored; its limit is the page size.
    #[must_use]
    pub fn new(bus: &EventBus, query: impl Into<EventQuery>) -> Self {
        let query = query.into();
        Self { bus: bus.clone(), query, overlap: OVERLAP, interval: POLL_INTERVAL }
    }

    /// Continues after an event, given its cursor; an empty text starts at the beginning.
    #[must_use]
    pub fn after(self, cursor: &str) -> Self {
        let query = match cursor {
            "" => self.query,
            cursor => self.query.after(cursor),
        };
        Self { query, ..self }
    }

    /// Sets the overlap, instead of [`OVERLAP`]. With zero, only events of the same instant are
    /// read again.
    #[must_use]
    pub fn with_overlap(self, overlap: Duration) -> Self {
        Self { overlap, ..self }
    }

    /// Sets the polling interval, instead of [`POLL_INTERVAL`].
    #[must_use]
    pub fn with_interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// Returns the events as server-sent events: the cursor as id, the type as name, and the
    /// event's JSON as data. An event that cannot be read, or is not JSON, is replaced by an event
    /// named [`UNREADABLE`] with the reason.
    ///
    /// # Errors
    ///
    /// As [`follow`](Self::follow).
    pub async fn open(
        self,
    ) -> Result<impl Stream<Item = Result<SseEvent, AppError>> + Send, Error> {
        let events = self.follow().await?;
        Ok(events.map(|event| match event {
            Ok((event, cursor)) => {
                server_sent(&event).map(|sent| sent.with_id(cursor.unwrap_or_default()))
            }
            Err(error) if error.unreadable_item().is_some() => unreadable("", &error),
            Err(error) => Err(error.into()),
        }))
    }

    /// Returns the events with their cursors; the cursor `None` is the beginning. The first page is
    /// read at once, so that a malformed query or cursor can be reported to the client. Later
    /// errors are those of [`BusQuery::events`](super::BusQuery::events); continue with the cursor
    /// of the last event.
    ///
    /// # Errors
    ///
    /// [`Error`] of the first page.
    pub async fn follow(
        self,
    ) -> Result<impl Stream<Item = Result<(Event, Option<String>), Error>> + Send, Error> {
        let Self { bus, query, overlap, interval } = self;
        let following = Following::new(query, overlap);
        let ready = VecDeque::new();
        let mut reader = Reader { bus, following, interval, is_at_end: false, ready };
        reader.read().await?;
        Ok(stream::unfold(Some(reader), async |reader| {
            let mut reader = reader?;
            match reader.next().await {
                Err(error) if error.unreadable_item().is_none() => Some((Err(error), None)),
                next => Some((next, Some(reader))),
            }
        }))
    }
}

fn server_sent(event: &Event) -> Result<SseEvent, AppError> {
    match event.to_json() {
        Ok(data) => Ok(SseEvent::new(data).with_event(event.event_type.as_str())),
        Err(error) => unreadable(&event.id, &error),
    }
}

fn unreadable(id: &str, error: &dyn core::error::Error) -> Result<SseEvent, AppError> {
    let why = serde_json::json!({"id": id, "error": error.to_string()});
    Ok(SseEvent::json(&why)?.with_event(UNREADABLE))
}

/// Polls the pages of a feed.
struct Reader {
    bus: EventBus,
    following: Following,
    interval: Duration,
    is_at_end: bool,
    ready: VecDeque<Result<(Event, Option<String>), Error>>,
}

impl Reader {
    async fn next(&mut self) -> Result<(Event, Option<String>), Error> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return event;
            }
            if self.is_at_end {
                self.bus.store().clock().sleep(self.interval).await;
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<(), Error> {
        let page = self.bus.page(self.following.next_page()).await?;
        self.is_at_end = page.next.is_none();
        let Followed { events, unreadable } =
            self.following.take(page, self.bus.store().clock().now());
        self.ready.extend(events.into_iter().map(Ok));
        self.ready.extend(unreadable.into_iter().map(|item| Err(item.into())));
        Ok(())
    }
}
