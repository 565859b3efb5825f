//! Events as they are published, for readers that come back.

use core::time::Duration;
use std::collections::VecDeque;

use apptheory_core::error::AppError;
use apptheory_core::eventbus::{Error, Event, EventQuery, Followed, Following};
use apptheory_core::stream::sse::SseEvent;
use futures_util::stream::{self, Stream, StreamExt as _};

use super::bus::EventBus;
use crate::clock::Clock as _;

/// How far a [`Feed`] reads back before the newest event that it gave, unless configured otherwise.
pub const OVERLAP: Duration = Duration::from_secs(2);

/// How long a [`Feed`] waits at the end before it reads again, unless configured otherwise: 1 s.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The name of a server-sent event in the place of one that cannot be sent. Its data is JSON: the
/// event's `id`, as far as one is known, and the `error`.
pub const UNREADABLE: &str = "unreadable";

/// Follows a query: its events oldest first, and then those that are published from now on.
///
/// Each event comes with its cursor. As the id of a server-sent event it comes back in
/// `Last-Event-ID`, when a reader lost its connection: the feed [goes on](Self::after) behind it.
///
/// Events may arrive late, behind others that were published after them: indexes lag a moment, and
/// clocks of publishers differ. The feed therefore reads the last moments before its newest event,
/// the *overlap*, again and again, and leaves out what it gave already. What arrives later than
/// that is missed; so is what lands before the cursor of a reader that comes back, which has no
/// overlap yet.
///
/// A reader that comes back sees an event again only when the last one that it saw had arrived
/// late: those behind that one are repeated. Tell them by the events' ids.
///
/// A read costs what a [page](super::BusQuery::page) costs; with nothing new, that is the events of the
/// overlap once per interval. Memory holds a page, and who the events of some overlaps were.
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
    /// Follows a query. Its order does not matter; its limit is that of each page.
    #[must_use]
    pub fn new(bus: &EventBus, query: impl Into<EventQuery>) -> Self {
        let query = query.into();
        Self { bus: bus.clone(), query, overlap: OVERLAP, interval: POLL_INTERVAL }
    }

    /// Goes on behind an event, by the cursor that came with it; the empty text is the beginning.
    #[must_use]
    pub fn after(self, cursor: &str) -> Self {
        let query = match cursor {
            "" => self.query,
            cursor => self.query.after(cursor),
        };
        Self { query, ..self }
    }

    /// Reads back another time than [`OVERLAP`]. With zero, only events of one instant are read
    /// again.
    #[must_use]
    pub fn with_overlap(self, overlap: Duration) -> Self {
        Self { overlap, ..self }
    }

    /// Waits another time than [`POLL_INTERVAL`] between reads.
    #[must_use]
    pub fn with_interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// Returns the events as server-sent events: the cursor as id, the type as name, and the event's
    /// JSON as data. What cannot be read, or is not JSON, comes as an event named [`UNREADABLE`] that says
    /// why.
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

    /// Returns the events with their cursors; `None` is the cursor of the beginning. The first page is
    /// read at once, so that a malformed query or cursor can be answered as such. Later errors are
    /// those of [`BusQuery::events`](super::BusQuery::events): reading goes on from the cursor of the
    /// last event.
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

/// Reads a feed's pages, over and over.
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
